using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>Where the caller takes a terminal's master: a Unix socket, on which it arrives as a descriptor (SCM_RIGHTS).</summary>
internal static class ConsoleSocket
{
    internal static void Send(string path, Fd descriptor, ReadOnlySpan<byte> message)
    {
        using Fd socket = Sockets.TryConnect(path, SocketKind.Stream, out Errno why)
            ?? throw new Failure($"console socket {path}: {why.Describe()}", "the caller listens there before it calls", 1);
        if (!Sockets.TrySend(socket, message, [descriptor.Raw], out why))
        {
            throw new Failure($"console socket {path}: {why.Describe()}", exitCode: 1);
        }
    }
}
