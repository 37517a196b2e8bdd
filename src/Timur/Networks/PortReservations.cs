using System.Net;
using System.Net.Sockets;
using Timur.Kernel;

namespace Timur.Networks;

/// <summary>Binds the ports that are asked for, before anything else is made: a busy one fails here, with its holder's name.</summary>
internal sealed class PortReservations : IDisposable
{
    // The sockets travel to the monitor beside other descriptors in one message of at most 64 (SCM_RIGHTS); ports beyond these are bound for the
    // check only, and closed again.
    private const int MostKept = 32;
    private readonly List<Fd> _sockets = [];
    private readonly List<PublishedPort> _ports = [];

    internal IReadOnlyList<Fd> Sockets => _sockets;

    internal IReadOnlyList<PublishedPort> Ports => _ports;

    internal static PortReservations Take(IReadOnlyList<PortMapping> mappings, bool ipv6)
    {
        var reservations = new PortReservations();
        try
        {
            foreach (PortMapping mapping in mappings)
            {
                reservations.Add(mapping, ipv6);
            }

            while (reservations._sockets.Count > MostKept)
            {
                reservations._sockets[^1].Dispose();
                reservations._sockets.RemoveAt(reservations._sockets.Count - 1);
            }

            return reservations;
        }
        catch
        {
            reservations.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (Fd socket in _sockets)
        {
            socket.Dispose();
        }

        _sockets.Clear();
    }

    private void Add(PortMapping mapping, bool ipv6)
    {
        if (mapping.HostAddress is { AddressFamily: AddressFamily.InterNetworkV6 } six && (IPAddress.IsLoopback(six) || !ipv6))
        {
            throw new Failure($"can't publish port {mapping.HostPort} on {six}: {(ipv6 ? "the kernel doesn't translate connections from ::1" : "the network has no IPv6")}",
                $"publish it on 127.0.0.1 with -p 127.0.0.1:{mapping.HostPort}:{mapping.ContainerPort}");
        }

        for (int port = mapping.HostPort; ; port++)
        {
            if (TryAdd(mapping, (ushort)port, ipv6, out IPAddress address, out Errno why))
            {
                return;
            }

            if (why != Errno.EADDRINUSE || port >= mapping.LastHostPort)
            {
                throw Refused(mapping, (ushort)port, address, why);
            }
        }
    }

    private bool TryAdd(PortMapping mapping, ushort port, bool ipv6, out IPAddress address, out Errno why)
    {
        address = mapping.HostAddress ?? IPAddress.Any;
        Fd? first = InternetSockets.TryReserve(address.GetAddressBytes(), mapping.Protocol == TransportProtocol.Udp, ref port, out why);
        if (first is null)
        {
            return false;
        }

        Fd? second = null;
        bool both = mapping.HostAddress is null && ipv6;
        if (both)
        {
            address = IPAddress.IPv6Any;
            second = InternetSockets.TryReserve(address.GetAddressBytes(), mapping.Protocol == TransportProtocol.Udp, ref port, out why);
            if (second is null)
            {
                first.Dispose();
                return false;
            }
        }

        Keep(first, mapping.HostAddress ?? IPAddress.Any, port, mapping);
        if (second is not null)
        {
            Keep(second, address, port, mapping);
        }

        return true;
    }

    private void Keep(Fd socket, IPAddress address, ushort port, PortMapping mapping)
    {
        _sockets.Add(socket);
        _ports.Add(new PublishedPort(address.ToString(), port, mapping.ContainerPort, mapping.Protocol));
    }

    private static Failure Refused(PortMapping mapping, ushort port, IPAddress address, Errno why)
    {
        string protocol = mapping.Protocol == TransportProtocol.Udp ? "/udp" : "";
        string where = $"port {port}{protocol} on {address}";
        if (why == Errno.EADDRINUSE)
        {
            string holder = PortHolder.Find(address, port, mapping.Protocol) is { } found ? $"held by {found}" : "in use";
            int other = port < ushort.MaxValue ? port + 1 : port - 1;
            return new Failure($"{where} is {holder}", $"publish another port with -p {other}:{mapping.ContainerPort}{protocol}, or stop that process");
        }

        return why == Errno.EADDRNOTAVAIL
            ? new Failure($"can't publish {where}: the host doesn't have that address", "use one that ip address shows, or leave it out")
            : new Failure($"can't publish {where}: {why.Describe()}", "publish another port");
    }
}
