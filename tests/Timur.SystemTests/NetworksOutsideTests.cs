using System.Net.Sockets;
using Timur.Kernel;
using Timur.Kernel.Netlink;
using Timur.Networks;
using Timur.State;
using Xunit;

namespace Timur.SystemTests;

/// <summary>With a neighbour on the wire: a namespace behind a veth pair, 192.0.2.2 and 2001:db8::2, that has routes to nothing else.</summary>
public class NetworksOutsideTests
{
    [Fact]
    public void A_container_reaches_outside_under_the_hosts_address() => WithNeighbour((host, outside) =>
    {
        using var undo = new UndoList();
        using NetworkAttachment container = new HostNetwork(host.Paths).Attach(ContainerId.Create(), NetworkRequest.Plain, undo);
        using Socket four = NetworksTests.Listen(outside, TransportProtocol.Tcp, 7000, ipv6: false);
        using Socket six = NetworksTests.Listen(outside, TransportProtocol.Udp, 7001, ipv6: true);
        Assert.Equal("hello", NetworksTests.Ask(container.Namespace, four, TransportProtocol.Tcp, "192.0.2.2", 7000));
        Assert.Equal("hello", NetworksTests.Ask(container.Namespace, six, TransportProtocol.Udp, "2001:db8::2", 7001));
    });

    [Theory]
    [InlineData("192.0.2.1", TransportProtocol.Tcp)]
    [InlineData("192.0.2.1", TransportProtocol.Udp)]
    [InlineData("2001:db8::1", TransportProtocol.Tcp)]
    public void A_published_port_answers_the_neighbour(string address, TransportProtocol protocol) => WithNeighbour((host, outside) =>
    {
        using var undo = new UndoList();
        string suffix = protocol == TransportProtocol.Udp ? "/udp" : "";
        using NetworkAttachment server = new HostNetwork(host.Paths).Attach(ContainerId.Create(), new(null, PortMapping.Parse($"8080:80{suffix}")), undo);
        using Socket listener = NetworksTests.Listen(server.Namespace, protocol, 80, address.Contains(':'));
        Assert.Equal("hello", NetworksTests.Ask(outside, listener, protocol, address, 8080));
    });

    [Fact]
    public void The_neighbour_reaches_neither_unpublished_ports_nor_those_on_127_0_0_1() => WithNeighbour((host, outside) =>
    {
        using var undo = new UndoList();
        using NetworkAttachment server = new HostNetwork(host.Paths).Attach(ContainerId.Create(), new(null, PortMapping.Parse("127.0.0.1:8080:80")), undo);
        using Socket listener = NetworksTests.Listen(server.Namespace, TransportProtocol.Tcp, 80, ipv6: false);
        Assert.Equal("hello", NetworksTests.Ask(null, listener, TransportProtocol.Tcp, "127.0.0.1", 8080));

        Assert.Throws<SocketException>(() => NetworksTests.Ask(outside, listener, TransportProtocol.Tcp, "192.0.2.1", 8080));
        PrivateHost.Inside(outside, "ip", "route add 10.0.0.0/8 via 192.0.2.1");
        Assert.Throws<SocketException>(() => NetworksTests.Ask(outside, listener, TransportProtocol.Tcp, server.Ipv4, 80));
        SendLoopbackTo(outside, "wan1", "192.0.2.1");
        Assert.Throws<SocketException>(() => NetworksTests.Ask(outside, listener, TransportProtocol.Tcp, "127.0.0.1", 8080));
    });

    [Fact]
    public void A_container_can_not_reach_the_hosts_loopback() => PrivateHost.Run(host =>
    {
        using var undo = new UndoList();
        using NetworkAttachment container = new HostNetwork(host.Paths).Attach(ContainerId.Create(), NetworkRequest.Plain, undo);
        using Fd space = NetworkNamespaces.Current();
        using Socket listener = NetworksTests.Listen(space, TransportProtocol.Tcp, 7000, ipv6: false);
        Assert.Equal("hello", NetworksTests.Ask(container.Namespace, listener, TransportProtocol.Tcp, container.Gateway4, 7000));
        SendLoopbackTo(container.Namespace, "eth0", container.Gateway4);
        Assert.Throws<SocketException>(() => NetworksTests.Ask(container.Namespace, listener, TransportProtocol.Tcp, "127.0.0.1", 7000));
    });

    // What an attacker with its own kernel can do: packets to 127.0.0.1 leave by the wire.
    private static void SendLoopbackTo(Fd space, string link, string gateway)
    {
        string script = $"ip addr del 127.0.0.1/8 dev lo; echo 1 > /proc/sys/net/ipv4/conf/{link}/route_localnet; ip route add 127.0.0.1 via {gateway} dev {link}; ip route get 127.0.0.1";
        Assert.Contains($"127.0.0.1 via {gateway} dev {link}", PrivateHost.Inside(space, "sh", $"-c \"{script}\""));
    }

    private static void WithNeighbour(Action<PrivateHost, Fd> test) => PrivateHost.Run(host =>
    {
        using Fd outside = NetworkNamespaces.Create(NetworkNamespaces.Current, out Fd same);
        using (same)
        {
            using NetlinkSocket links = NetlinkSocket.Open(NetlinkProtocol.Route);
            links.Demand(new NetlinkWriter().AddVeth(new VethPair("wan0", "", 1400, 0, "wan1", [2, 0, 0, 0, 0, 2], outside)), "veth");
            Assert.Equal("", PrivateHost.Execute("sh", "-c \"ip addr add 192.0.2.1/24 dev wan0 && ip -6 addr add 2001:db8::1/64 dev wan0 nodad && ip route add default via 192.0.2.2\""));
            Assert.Equal("", PrivateHost.Inside(outside, "sh",
                "-c \"ip link set lo up && ip link set wan1 up && ip addr add 192.0.2.2/24 dev wan1 && ip -6 addr add 2001:db8::2/64 dev wan1 nodad\""));
            test(host, outside);
        }
    });
}
