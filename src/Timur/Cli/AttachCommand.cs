using Timur.CommandLine;
using Timur.Engine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur attach</c>: connect this terminal to a running container.</summary>
internal static class AttachCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("no-stdin", "don't send standard input"),
        Option.Flag("sig-proxy", "pass signals on to the container (default true)"),
        Option.Value("detach-keys", "KEYS", "keys that leave the container running (default ctrl-p,ctrl-q)"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        var store = new ContainerStore(context.Paths);
        Container container = store.Find(Operands.One(arguments, "attach", "CONTAINER"));
        if (!container.State.IsAlive)
        {
            throw new Failure($"container {container.Name} isn't running", $"start it: timur start -a {container.Name}");
        }

        using Fd socket = Connect(store, container);
        RunOptions options = container.Options;
        bool input = options.Interactive && !arguments.Has("no-stdin");
        bool forward = arguments.Text("sig-proxy") != "false";
        return Relay(context, socket, new AttachOptions(options.Tty, input, forward, DetachKeys.Parse(arguments.Text("detach-keys"), options)), () => container.State.Pid);
    }

    internal static Fd Connect(ContainerStore store, Container container)
        => Sockets.TryConnect(store.Paths.RunContainer(container.Id) + "/attach", SocketKind.SequencedPacket, out Errno why)
            ?? throw new Failure($"can't reach the monitor of {container.Name}: {why.Describe()}", "timur system check tells more");

    /// <summary>Relays until the end; returns the exit code for the shell.</summary>
    internal static int Relay(CommandContext context, Fd socket, AttachOptions options, Func<int> pid)
    {
        using var attachment = new Attachment(socket, options, pid);
        switch (attachment.Run())
        {
            case AttachEnd.Ended:
                if (attachment.OutOfMemory)
                {
                    CommandContext.Note("timur: the container reached its memory limit and a process was killed\n  give it more with -m, or see timur stats");
                }

                return attachment.ExitCode;
            case AttachEnd.Detached:
                CommandContext.Note("\r");
                return 0;
            default: throw new Failure("the connection to the container's monitor was lost", "timur ps -a shows whether it still runs");
        }
    }
}
