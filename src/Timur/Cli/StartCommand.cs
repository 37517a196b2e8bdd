using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur start</c>: start containers that were made or have ended.</summary>
internal static class StartCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("attach", "stay with it: show output, forward signals", 'a'),
        Option.Flag("interactive", "stay with it and send standard input", 'i'),
        Option.Value("detach-keys", "KEYS", "keys that leave the container running"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        var store = new ContainerStore(context.Paths);
        bool attach = arguments.Has("attach") || arguments.Has("interactive");
        IReadOnlyList<string> names = Operands.AtLeastOne(arguments, "start", "CONTAINER");
        if (attach && names.Count > 1)
        {
            throw new Failure("start: only one container can be attached to", "leave out -a and -i, or name one container");
        }

        foreach (string name in names)
        {
            Container container = store.Find(name);
            if (container.State.IsAlive && !attach)
            {
                context.Out(name);
                continue;
            }

            var start = new ContainerStart(store, ImageStore.Open(context.Paths));
            using MonitorStart monitor = MonitorStart.Begin();
            StartedContainer started = start.Start(container, monitor, attach, Terminal.Size(Descriptors.Standard(0)));
            context.Warn(start.Warnings);
            if (attach)
            {
                RunOptions options = container.Options;
                var how = new AttachOptions(options.Tty, arguments.Has("interactive") && options.Interactive, true, DetachKeys.Parse(arguments.Text("detach-keys"), options));
                return AttachCommand.Relay(context, started.Connection, how, () => started.Pid);
            }

            context.Out(name);
        }

        return 0;
    }
}
