using System.Net.Sockets;
using Timur.Kernel;
using Timur.Networks;
using Timur.State;
using Xunit;

namespace Timur.SystemTests;

public class NetworksCareTests
{
    [Fact]
    public void A_busy_port_is_refused_with_the_name_of_its_holder_and_nothing_is_left() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        network.Prepare();
        using Fd space = NetworkNamespaces.Current();
        using Socket other = NetworksTests.Listen(space, TransportProtocol.Tcp, 8080, ipv6: false);
        Failure failure = Assert.Throws<Failure>(() =>
        {
            using var undo = new UndoList();
            network.Attach(ContainerId.Create(), new(null, PortMapping.Parse("8080:80")), undo);
        });
        Assert.StartsWith($"port 8080 on 0.0.0.0 is held by pid {Environment.ProcessId} (", failure.Message);
        Assert.Contains("-p 8081:80", failure.Advice);
        Assert.Empty(network.Check(new HashSet<string>()));
    });

    [Fact]
    public void A_published_port_is_taken_for_other_programs_while_the_reservation_is_open() => PrivateHost.Run(host =>
    {
        using var undo = new UndoList();
        using NetworkAttachment attachment = new HostNetwork(host.Paths).Attach(ContainerId.Create(), new(null, PortMapping.Parse("80")), undo);
        using Fd space = NetworkNamespaces.Current();
        ushort port = attachment.Ports[0].HostPort;
        Assert.Equal(["0.0.0.0", "::"], attachment.Ports.Select(p => p.HostAddress));
        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<SocketException>(() => NetworksTests.Listen(space, TransportProtocol.Tcp, port, false)).SocketErrorCode);
        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<SocketException>(() => NetworksTests.Listen(space, TransportProtocol.Tcp, port, true)).SocketErrorCode);
    });

    [Fact]
    public void A_connection_to_the_ipv6_loopback_is_refused_at_once_and_publishing_there_too() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        using var undo = new UndoList();
        using NetworkAttachment server = network.Attach(ContainerId.Create(), new(null, PortMapping.Parse("8080:80")), undo);
        using Socket listener = NetworksTests.Listen(server.Namespace, TransportProtocol.Tcp, 80, ipv6: true);
        SocketException refused = Assert.Throws<SocketException>(() => NetworksTests.Ask(null, listener, TransportProtocol.Tcp, "::1", 8080));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        Failure failure = Assert.Throws<Failure>(() => network.Attach(ContainerId.Create(), new(null, PortMapping.Parse("[::1]:8081:80")), undo));
        Assert.Contains("::1", failure.Message);
    });

    [Fact]
    public void A_failed_publication_leaves_the_ports_of_the_other_container_alone() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        using var undo = new UndoList();
        NetworkAttachment first = network.Attach(ContainerId.Create(), new(null, PortMapping.Parse("8080:80")), undo);
        foreach (Fd reservation in first.Reservations)
        {
            reservation.Dispose();
        }

        Assert.Throws<Failure>(() =>
        {
            using var undoSecond = new UndoList();
            network.Attach(ContainerId.Create(), new(null, PortMapping.Parse("8080:81")), undoSecond);
        });
        using Socket listener = NetworksTests.Listen(first.Namespace, TransportProtocol.Tcp, 80, ipv6: false);
        Assert.Equal("hello", NetworksTests.Ask(null, listener, TransportProtocol.Tcp, "127.0.0.1", 8080));
        first.Namespace.Dispose();
    });

    [Fact]
    public void A_requested_address_is_given_once_and_free_again_after_release() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        Ipv4Subnet subnet = network.Prepare().Subnet;
        var request = new NetworkRequest(Ipv4Subnet.Format(subnet.First + 77), []);
        ContainerId first = ContainerId.Create();
        using var undo = new UndoList();
        network.Attach(first, request, undo).Dispose();
        Failure taken = Assert.Throws<Failure>(() => network.Attach(ContainerId.Create(), request, undo));
        Assert.Contains(first.Short, taken.Message);
        network.Release(first);
        network.Release(first);
        using NetworkAttachment second = network.Attach(ContainerId.Create(), request, undo);
        Assert.Equal(request.Ipv4, second.Ipv4);
        Assert.Throws<Failure>(() => network.Attach(ContainerId.Create(), new("10.0.0.1", []), undo));
    });

    [Fact]
    public void The_same_container_attaches_again_while_its_former_namespace_still_exists() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        ContainerId id = ContainerId.Create();
        using var undo = new UndoList();
        using NetworkAttachment former = network.Attach(id, new(null, PortMapping.Parse("8080:80")), undo);
        foreach (Fd reservation in former.Reservations)
        {
            reservation.Dispose();
        }

        using NetworkAttachment again = network.Attach(id, new(null, PortMapping.Parse("8080:80")), undo);
        Assert.Contains("1 received", PrivateHost.Execute("ping", $"-c1 -W2 {again.Ipv4}"));
        Assert.Single(network.Check(new HashSet<string>()), f => f.Text.StartsWith("link ", StringComparison.Ordinal));
    });

    [Fact]
    public void Check_finds_what_a_dead_container_left_and_repairs_it() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        ContainerId dead = ContainerId.Create();
        ContainerId alive = ContainerId.Create();
        using var undo = new UndoList();
        using NetworkAttachment left = network.Attach(dead, new(null, PortMapping.Parse("8080:80/udp")), undo);
        using NetworkAttachment kept = network.Attach(alive, NetworkRequest.Plain, undo);
        var live = new HashSet<string> { alive.Text };
        IReadOnlyList<NetworkFinding> findings = network.Check(live);
        foreach (string start in new[] { "link tm" + dead.Short, "address " + left.Ipv4, "container " + dead.Short, "a port in publish4 ", "a port in publish6 " })
        {
            Assert.Contains(findings, f => f.Text.StartsWith(start, StringComparison.Ordinal));
        }

        foreach (NetworkFinding finding in findings)
        {
            finding.Repair?.Invoke();
        }

        Assert.Empty(network.Check(live));
        Assert.Contains("1 received", PrivateHost.Execute("ping", $"-c1 -W2 {kept.Ipv4}"));
    });

    [Fact]
    public void Flushed_rules_come_back_with_the_published_ports() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        using var undo = new UndoList();
        using NetworkAttachment server = network.Attach(ContainerId.Create(), new(null, PortMapping.Parse("8080:80")), undo);
        PrivateHost.Execute("nft", "flush ruleset");
        network.Prepare();
        using Socket listener = NetworksTests.Listen(server.Namespace, TransportProtocol.Tcp, 80, ipv6: false);
        Assert.Equal("hello", NetworksTests.Ask(null, listener, TransportProtocol.Tcp, "127.0.0.1", 8080));
    });

    [Fact]
    public void Clear_takes_everything_of_ours_and_nothing_else() => PrivateHost.Run(host =>
    {
        PrivateHost.Execute("nft", "add table inet others");
        PrivateHost.Execute("ip", "link add tm0123456789ab type veth peer name other");
        string Look() => PrivateHost.Execute("sh", "-c \"nft list ruleset; ip -br link | cut -d' ' -f1; sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv6.conf.other.accept_ra\"");
        string before = Look();
        var network = new HostNetwork(host.Paths);
        using var undo = new UndoList();
        using (network.Attach(ContainerId.Create(), new(null, PortMapping.Parse("8080:80")), undo))
        {
            Assert.NotEqual(before, Look());
            network.Clear();
            Assert.Equal(before, Look());
        }

        network.Clear();
        Assert.False(Directory.Exists(host.Paths.Networks));
    });

    [Fact]
    public void Statistics_count_what_the_container_received_and_sent() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        ContainerId id = ContainerId.Create();
        using var undo = new UndoList();
        using NetworkAttachment container = network.Attach(id, NetworkRequest.Plain, undo);
        PrivateHost.Inside(container.Namespace, "ping", $"-c3 -i0.01 -s1000 {container.Gateway4}");
        Assert.InRange(network.Statistics(id)!.Value.SentBytes, 3000u, 6000u);
        Assert.InRange(network.Statistics(id)!.Value.ReceivedBytes, 3000u, 6000u);
        Assert.Null(network.Statistics(ContainerId.Create()));
    });
}
