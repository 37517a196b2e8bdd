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
}
