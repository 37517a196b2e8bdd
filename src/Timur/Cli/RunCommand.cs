using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur run</c>: make a container, start it, and stay with it unless it goes to the background.</summary>
internal static class RunCommand
{
    internal static readonly Option[] Own =
    [
        Option.Flag("detach", "run in the background and print the id", 'd'),
        Option.Flag("explain", "print what would be done, step by step, and do nothing"),
        Option.Flag("sig-proxy", "pass signals on to the container (default true)"),
        Option.Value("detach-keys", "KEYS", "keys that leave a container running (default ctrl-p,ctrl-q)"),
        Option.Value("cidfile", "FILE", "write the id to a new file"),
        Option.Flag("quiet", "no progress", 'q'),
        .. RegistryArguments.Options,
    ];

    internal static Option[] Options { get; } = [.. Own, .. RunOptionTable.All];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        RunOptions options = RunOptions.FromCommandLine("run", arguments);
        var images = ImageStore.Open(context.Paths);
        var store = new ContainerStore(context.Paths);
        var start = new ContainerStart(store, images);
        if (arguments.Has("explain"))
        {
            return ExplainOutput.Print(start, options);
        }

        context.RequireRoot();
        bool detach = arguments.Has("detach");
        if (options.Tty && !detach && options.Interactive && !Terminal.Is(Descriptors.Standard(0)))
        {
            throw new Failure("the input device is not a terminal", "leave out -t when input comes from a pipe or file");
        }

        using MonitorStart monitor = MonitorStart.Begin();
        ImageSupply.Ensure(images, options, () => RegistryArguments.Supply(arguments));
        Container container = new ContainerCreation(store, images).Create(options);
        if (arguments.Text("cidfile") is { } file)
        {
            WriteIdFile(store, container, file);
        }

        return Start(context, store, start, container, monitor, detach, arguments);
    }

    private static int Start(
        CommandContext context, ContainerStore store, ContainerStart start, Container container, MonitorStart monitor, bool detach, Arguments arguments)
    {
        RunOptions options = container.Options;
        StartedContainer started;
        try
        {
            started = start.Start(container, monitor, attached: !detach, Terminal.Size(Descriptors.Standard(0)));
        }
        catch when (options.RemoveAtEnd || !start.Launched)
        {
            ContainerRemoval.DiscardFailed(store, container);
            throw;
        }

        context.Warn(start.Warnings);
        if (detach)
        {
            context.Out(container.Id.Text);
            return 0;
        }

        bool forward = arguments.Text("sig-proxy") != "false";
        return AttachCommand.Relay(context, started.Connection, new AttachOptions(options.Tty, options.Interactive, forward, DetachKeys.Parse(arguments.Text("detach-keys"), options)), () => started.Pid);
    }

    private static void WriteIdFile(ContainerStore store, Container container, string file)
    {
        using Fd? fd = Files.TryOpen(file, Open.Write | Open.Create | Open.Exclusive, out Errno why);
        if (fd is null)
        {
            ContainerRemoval.DiscardFailed(store, container);
            throw new Failure($"--cidfile {file}: {why.Describe()}", why == Errno.EEXIST ? "remove the file, or choose another name" : null);
        }

        Files.Write(fd, System.Text.Encoding.UTF8.GetBytes(container.Id.Text), file);
    }
}
