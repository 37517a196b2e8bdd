using Timur.CommandLine;
using Timur.Engine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur kill</c>: send a signal to containers.</summary>
internal static class KillCommand
{
    internal static readonly Option[] Options =
    [
        Option.Value("signal", "SIGNAL", "which one (default KILL)", 's'),
        Option.Flag("all", "every running container", 'a'),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        string text = arguments.Text("signal") ?? "KILL";
        int signal = Signals.TryParse(text, out int parsed) ? parsed : throw new Failure($"kill: '{text}' isn't a signal", "for example TERM, SIGHUP or 9");
        IReadOnlyList<string> names = Selection.Names(context, arguments, "kill", container => container.State.IsAlive);
        return ForEach.Container(context, names, (store, container) =>
        {
            if (!container.State.IsAlive)
            {
                throw new Failure($"container {container.Name} is not running");
            }

            if (signal == Signals.Kill)
            {
                new ContainerStop(store).Kill(container);
            }
            else
            {
                ContainerStop.Signal(container, signal);
            }
        });
    }
}
