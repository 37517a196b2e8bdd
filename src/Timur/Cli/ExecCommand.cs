using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Cli;

/// <summary><c>timur exec</c>: run one more process in a running container.</summary>
internal static class ExecCommand
{
    private static readonly int[] Forwarded = [1, 2, 3, 10, 12, 15];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count < 2)
        {
            throw new Failure("exec needs CONTAINER COMMAND", "for example: timur exec -it web sh");
        }

        var store = new ContainerStore(context.Paths);
        Container container = store.Find(arguments.Operands[0]);
        bool tty = arguments.Has("tty");
        if (tty && arguments.Has("interactive") && !Terminal.Is(Descriptors.Standard(0)))
        {
            throw new Failure("the input device is not a terminal", "leave out -t when input comes from a pipe or file");
        }

        if (arguments.Text("detach-keys") is { Length: > 0 })
        {
            context.Warn(["--detach-keys has no effect here: the process's terminal ends with this command; -d leaves one running"]);
        }

        if (!OwnProgram.IsReadOnly && !OwnProgram.IsGuardedBy(container.State.MonitorPid))
        {
            OwnProgram.ExecuteReadOnly();
        }

        var session = new ExecSession(store, ImageStore.Open(context.Paths));
        using Launched process = session.Start(container, arguments, Terminal.Size(Descriptors.Standard(0)));
        if (arguments.Has("detach"))
        {
            return 0;
        }

        if (session.Terminal is { } terminal)
        {
            TerminalRelay.Run(terminal, process.Process, arguments.Has("interactive"));
        }
        else
        {
            SignalRelay.Run(process.Process, Forwarded);
        }

        return Processes.TryReap(process.Pid, wait: true, out _)?.ShellCode ?? 125;
    }
}
