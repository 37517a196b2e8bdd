using System.Text;

namespace Timur.Kernel;

/// <summary>Unix socket types (unix(7)).</summary>
public enum SocketKind
{
    Stream = 1, Datagram = 2, SequencedPacket = 5,
}

/// <summary>Unix sockets, with descriptors as ancillary data (unix(7), SCM_RIGHTS).</summary>
public static unsafe class Sockets
{
    private const int Unix = 1;
    private const int CloseOnExec = 0x80000;
    private const int NoSignal = 0x4000;
    private const int CmsgCloseOnExec = 0x40000000;
    private const int MaximumFds = 64;

    /// <summary>socketpair(2).</summary>
    public static (Fd First, Fd Second) Pair(SocketKind kind)
    {
        int* fds = stackalloc int[2];
        Sys.Check(Sys.Call(Nr.socketpair, Unix, (int)kind | CloseOnExec, 0, (long)fds), "socketpair");
        return (new Fd(fds[0]), new Fd(fds[1]));
    }

    /// <summary>pipe2(2): reads from the first what is written to the second.</summary>
    public static (Fd Read, Fd Write) Pipe(bool nonBlocking = false)
    {
        int* fds = stackalloc int[2];
        Sys.Check(Sys.Call(Nr.pipe2, (long)fds, CloseOnExec | (nonBlocking ? 0x800 : 0)), "pipe2");
        return (new Fd(fds[0]), new Fd(fds[1]));
    }

    /// <summary>A listening socket at a path of at most 107 bytes, replacing a stale one.</summary>
    public static Fd Listen(string path, SocketKind kind)
    {
        Files.TryUnlink(path, out _);
        var fd = new Fd((int)Sys.Check(Sys.Call(Nr.socket, Unix, (int)kind | CloseOnExec, 0), "socket"));
        byte* address = stackalloc byte[110];
        int length = Address(path, address);
        Sys.Check(Sys.Call(Nr.bind, fd.Raw, (long)address, length), "bind", path);
        Sys.Check(Sys.Call(Nr.listen, fd.Raw, 16), "listen", path);
        return fd;
    }

    /// <summary>connect(2) to a path, or null and the reason.</summary>
    public static Fd? TryConnect(string path, SocketKind kind, out Errno why)
    {
        var fd = new Fd((int)Sys.Check(Sys.Call(Nr.socket, Unix, (int)kind | CloseOnExec, 0), "socket"));
        byte* address = stackalloc byte[110];
        int length = Address(path, address);
        why = Sys.Why(Sys.CallRetry(Nr.connect, fd.Raw, (long)address, length));
        if (why == Errno.None)
        {
            return fd;
        }

        fd.Dispose();
        return null;
    }

    /// <summary>accept4(2).</summary>
    public static Fd? TryAccept(Fd listener, out Errno why)
    {
        long result = Sys.CallRetry(Nr.accept4, listener.Raw, 0, 0, CloseOnExec);
        why = Sys.Why(result);
        return result < 0 ? null : new Fd((int)result);
    }

    /// <summary>Sends bytes with descriptors beside them; at most 64. A closed peer is EPIPE, never a signal.</summary>
    public static bool TrySend(Fd socket, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> fds, out Errno why, bool wait = true)
    {
        byte* control = stackalloc byte[16 + (MaximumFds * 4)];
        fixed (byte* data = bytes)
        {
            long* vector = stackalloc long[2];
            vector[0] = (long)data;
            vector[1] = bytes.Length;

            // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags
            long* message = stackalloc long[7];
            new Span<long>(message, 7).Clear();
            message[2] = (long)vector;
            message[3] = 1;
            if (fds.Length > 0)
            {
                // struct cmsghdr: len, level SOL_SOCKET, type SCM_RIGHTS
                *(long*)control = 16 + (fds.Length * 4);
                *(int*)(control + 8) = 1;
                *(int*)(control + 12) = 1;
                fds.CopyTo(new Span<int>(control + 16, MaximumFds));
                message[4] = (long)control;
                message[5] = (16 + (fds.Length * 4) + 7) & ~7;
            }

            why = Sys.Why(Sys.CallRetry(Nr.sendmsg, socket.Raw, (long)message, NoSignal | (wait ? 0 : 0x40)));
            return why == Errno.None;
        }
    }

    /// <summary>Receives one message and the descriptors beside it; the byte count (0 at the end), or -1 and the reason.</summary>
    public static int TryReceive(Fd socket, Span<byte> buffer, List<Fd> fds, out Errno why, bool wait = true)
    {
        byte* control = stackalloc byte[16 + (MaximumFds * 4)];
        fixed (byte* data = buffer)
        {
            long* vector = stackalloc long[2];
            vector[0] = (long)data;
            vector[1] = buffer.Length;
            long* message = stackalloc long[7];
            new Span<long>(message, 7).Clear();
            message[2] = (long)vector;
            message[3] = 1;
            message[4] = (long)control;
            message[5] = 16 + (MaximumFds * 4);
            long result = Sys.CallRetry(Nr.recvmsg, socket.Raw, (long)message, CmsgCloseOnExec | (wait ? 0 : 0x40));
            why = Sys.Why(result);
            if (result < 0)
            {
                return -1;
            }

            if (message[5] >= 16 && *(int*)(control + 8) == 1 && *(int*)(control + 12) == 1)
            {
                int count = (int)((*(long*)control - 16) / 4);
                for (int i = 0; i < count; i++)
                {
                    fds.Add(new Fd(((int*)(control + 16))[i]));
                }
            }

            return (int)result;
        }
    }

    /// <summary>shutdown(2) of the writing side.</summary>
    public static void ShutdownWrite(Fd socket) => Sys.Call(Nr.shutdown, socket.Raw, 1);

    private static int Address(string path, byte* address)
    {
        if (Encoding.UTF8.GetByteCount(path) > 107)
        {
            throw new SyscallException("socket", Errno.ENAMETOOLONG, path);
        }

        *(ushort*)address = Unix;
        int length = Encoding.UTF8.GetBytes(path, new Span<byte>(address + 2, 108));
        address[2 + length] = 0;
        return 2 + length + 1;
    }
}
