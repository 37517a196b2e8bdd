using Timur.Kernel;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>The master of a process's new terminal: its size, and who gets it.</summary>
internal static class TerminalMaster
{
    /// <summary>Sends it to the socket; without one returns it, for a caller who stays with the process.</summary>
    internal static Fd? Settle(Fd master, ProcessSpec process, string? socket)
    {
        if (process.ConsoleHeight > 0 || process.ConsoleWidth > 0)
        {
            Terminal.SetSize(master, new TerminalSize(process.ConsoleHeight, process.ConsoleWidth));
        }

        if (socket is not null)
        {
            using (master)
            {
                ConsoleSocket.Send(socket, master, "/dev/ptmx"u8);
            }

            return null;
        }

        // The caller's own terminal, if there is one, makes new lines of line feeds; a file or a pipe is to get what was written.
        Terminal.ClearNewlineMapping(master);
        if (OwnSize() is { } size)
        {
            Terminal.SetSize(master, size);
        }

        return master;
    }

    /// <summary>Any of the streams may be redirected.</summary>
    private static TerminalSize? OwnSize()
        => Terminal.Size(Descriptors.Standard(0)) ?? Terminal.Size(Descriptors.Standard(1)) ?? Terminal.Size(Descriptors.Standard(2));
}
