using System.Buffers.Binary;

namespace Timur.Kernel;

/// <summary>TCP and UDP sockets that hold a port; traffic is not their subject (ip(7), ipv6(7)).</summary>
public static unsafe class InternetSockets
{
    private const int Inet = 2;
    private const int Inet6 = 10;
    private const int CloseOnExec = 0x80000;
    private const int SolSocket = 1;
    private const int SoReuseAddress = 2;
    private const int SoReceiveBuffer = 8;
    private const int Ipv6Level = 41;
    private const int Ipv6Only = 26;

    /// <summary>
    /// Binds a port without serving it, so that others get EADDRINUSE. IPv4 TCP sockets listen, and ss(8) shows the port; IPv6 ones, which are for IPv6
    /// only, stay bound without listening: a connection that reaches them is reset. UDP sockets keep the smallest receive buffer.
    /// </summary>
    /// <param name="address">4 or 16 bytes in network order.</param>
    /// <param name="port">0 lets the kernel choose; the choice comes back in it.</param>
    public static Fd? TryReserve(ReadOnlySpan<byte> address, bool udp, ref ushort port, out Errno why)
    {
        if (port == 0 && address.Length == 16 && !udp)
        {
            // The kernel lets go of a port of its own choice when listening ends, but keeps one that was asked for.
            using Fd? choice = TryBind(address, udp, ref port, out why);
            if (choice is null)
            {
                return null;
            }
        }

        return TryBind(address, udp, ref port, out why);
    }

    private static Fd? TryBind(ReadOnlySpan<byte> address, bool udp, ref ushort port, out Errno why)
    {
        int family = address.Length == 4 ? Inet : Inet6;
        long raw = Sys.Call(Nr.socket, family, (udp ? 2 : 1) | CloseOnExec, 0);
        why = Sys.Why(raw);
        if (raw < 0)
        {
            return null;
        }

        var socket = new Fd((int)raw);
        if (family == Inet6)
        {
            SetOption(socket, Ipv6Level, Ipv6Only, 1);
        }

        // TCP: connections in TIME_WAIT of a server that used the port before are no obstacle; listen(2) below settles who owns it.
        SetOption(socket, SolSocket, udp ? SoReceiveBuffer : SoReuseAddress, 1);
        why = Bind(socket, address, family, ref port);
        if (why == Errno.None && !udp)
        {
            why = Sys.Why(Sys.Call(Nr.listen, socket.Raw, 1));
            if (why == Errno.None && family == Inet6)
            {
                // shutdown(2) of a listener goes back to bound; without SO_REUSEADDR nobody can bind beside it.
                const int reading = 0;
                Sys.Check(Sys.Call(Nr.shutdown, socket.Raw, reading), "shutdown");
                SetOption(socket, SolSocket, SoReuseAddress, 0);
            }
        }

        if (why == Errno.None)
        {
            return socket;
        }

        socket.Dispose();
        return null;
    }

    private static Errno Bind(Fd socket, ReadOnlySpan<byte> address, int family, ref ushort port)
    {
        // struct sockaddr_in: family, port, address; struct sockaddr_in6: family, port, flow, address, scope.
        Span<byte> name = stackalloc byte[28];
        name.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(name, (ushort)family);
        BinaryPrimitives.WriteUInt16BigEndian(name[2..], port);
        address.CopyTo(name[(family == Inet ? 4 : 8)..]);
        int length = family == Inet ? 16 : 28;
        fixed (byte* start = name)
        {
            Errno why = Sys.Why(Sys.Call(Nr.bind, socket.Raw, (long)start, length));
            if (why == Errno.None && port == 0)
            {
                why = Sys.Why(Sys.Call(Nr.getsockname, socket.Raw, (long)start, (long)&length));
                port = BinaryPrimitives.ReadUInt16BigEndian(name[2..]);
            }

            return why;
        }
    }

    private static void SetOption(Fd socket, int level, int option, int value)
        => Sys.Check(Sys.Call(Nr.setsockopt, socket.Raw, level, option, (long)&value, sizeof(int)), "setsockopt");
}
