using Timur.CommandLine;
using Timur.Engine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur wait</c>: wait until containers end, and print their exit codes.</summary>
internal static class WaitCommand
{
    internal static int Run(CommandContext context, Arguments arguments)
        => ForEach.Container(context, Operands.AtLeastOne(arguments, "wait", "CONTAINER"), (store, container) => context.Out(Wait(store, container).ToString()), quiet: true);

    /// <summary>The exit code; of a container that removes itself it comes from its monitor.</summary>
    private static int Wait(ContainerStore store, Container container)
    {
        if (!TryWaitForRestart(store, ref container))
        {
            return 0;
        }

        if (!container.State.IsAlive)
        {
            return container.State.ExitCode;
        }

        using Fd? monitor = Processes.TryOpen(container.State.MonitorPid, out _);
        using Fd? socket = Sockets.TryConnect(store.Paths.RunContainer(container.Id) + "/attach", SocketKind.SequencedPacket, out _);
        if (socket is not null)
        {
            using var attachment = new Attachment(socket, new AttachOptions(false, false, false, []) { Silent = true }, () => 0);
            if (attachment.Run() == AttachEnd.Ended)
            {
                return attachment.ExitCode;
            }
        }

        if (monitor is not null)
        {
            Processes.WaitForEnd(monitor, -1);
        }

        return store.TryLoad(container.Id)?.State.ExitCode ?? 0;
    }

    /// <summary>A container that is about to be started again counts as running: its next end is the one to wait for. False when it is gone.</summary>
    private static bool TryWaitForRestart(ContainerStore store, ref Container container)
    {
        while (container.State is { Status: ContainerStatus.Restarting } state && ContainerState.Lives(state.MonitorPid, state.MonitorStart))
        {
            // The process that waits for the delay and starts it.
            using (Fd? starter = Processes.TryOpen(state.MonitorPid, out _))
            {
                if (starter is not null)
                {
                    Processes.WaitForEnd(starter, -1);
                }
            }

            if (store.TryLoad(container.Id) is not { } present)
            {
                return false;
            }

            container = present;
        }

        return true;
    }
}
