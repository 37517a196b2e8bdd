using System.Net;
using System.Net.Sockets;
using System.Text;
using Timur.Kernel;
using Timur.Networks;
using Timur.State;
using Xunit;

namespace Timur.SystemTests;

public class NetworksTests
{
    [Fact]
    public void Two_containers_reach_each_other_and_the_bridge_in_both_families() => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        using var undo = new UndoList();
        using NetworkAttachment one = network.Attach(ContainerId.Create(), NetworkRequest.Plain, undo);
        using NetworkAttachment two = network.Attach(ContainerId.Create(), NetworkRequest.Plain, undo);
        foreach (string target in new[] { two.Ipv4, two.Ipv6!, one.Gateway4, one.Gateway6! })
        {
            Assert.Contains("1 received", PrivateHost.Inside(one.Namespace, "ping", $"-c1 -W2 {target}"));
        }

        Assert.Contains("1 received", PrivateHost.Execute("ping", $"-c1 -W2 {one.Ipv4}"));
    });

    [Theory]
    [InlineData("127.0.0.1", TransportProtocol.Tcp)]
    [InlineData("127.0.0.1", TransportProtocol.Udp)]
    [InlineData("GATEWAY4", TransportProtocol.Tcp)]
    [InlineData("GATEWAY4", TransportProtocol.Udp)]
    [InlineData("GATEWAY6", TransportProtocol.Tcp)]
    [InlineData("GATEWAY6", TransportProtocol.Udp)]
    public void A_published_port_answers_the_host_and_another_container(string target, TransportProtocol protocol) => PrivateHost.Run(host =>
    {
        var network = new HostNetwork(host.Paths);
        using var undo = new UndoList();
        string suffix = protocol == TransportProtocol.Udp ? "/udp" : "";
        using NetworkAttachment server = network.Attach(ContainerId.Create(), new NetworkRequest(null, PortMapping.Parse($"8080:80{suffix}")), undo);
        using NetworkAttachment client = network.Attach(ContainerId.Create(), NetworkRequest.Plain, undo);
        string address = target switch { "GATEWAY4" => server.Gateway4, "GATEWAY6" => server.Gateway6!, _ => target };
        using Socket listener = Listen(server.Namespace, protocol, 80, address.Contains(':'));

        Assert.Equal("hello", Ask(null, listener, protocol, address, 8080));
        if (target != "127.0.0.1")
        {
            Assert.Equal("hello", Ask(client.Namespace, listener, protocol, address, 8080));
            Assert.Equal("hello", Ask(server.Namespace, listener, protocol, address, 8080));
        }
    });

    [Fact]
    public void Sixteen_attachments_at_once_get_different_addresses() => PrivateHost.Run(host =>
    {
        using Fd space = NetworkNamespaces.Current();
        var addresses = new System.Collections.Concurrent.ConcurrentBag<string>();
        var errors = new System.Collections.Concurrent.ConcurrentBag<Exception>();
        var threads = Enumerable.Range(0, 16).Select(_ => new Thread(() =>
        {
            try
            {
                NetworkNamespaces.Enter(space);
                using var undo = new UndoList();
                using NetworkAttachment attachment = new HostNetwork(host.Paths).Attach(ContainerId.Create(), NetworkRequest.Plain, undo);
                addresses.Add(attachment.Ipv4);
                undo.Keep();
            }
            catch (Exception e) when (e is Failure or SyscallException)
            {
                errors.Add(e);
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.Empty(errors);
        Assert.Equal(16, addresses.Distinct().Count());
    });

    internal static Socket Listen(Fd space, TransportProtocol protocol, int port, bool ipv6)
    {
        using Fd home = NetworkNamespaces.Current();
        NetworkNamespaces.Enter(space);
        try
        {
            Socket socket = Open(protocol, ipv6);
            socket.Bind(new IPEndPoint(ipv6 ? IPAddress.IPv6Any : IPAddress.Any, port));
            if (protocol == TransportProtocol.Tcp)
            {
                socket.Listen();
            }

            return socket;
        }
        finally
        {
            NetworkNamespaces.Enter(home);
        }
    }

    // One thread plays both sides: connecting needs no accept, and datagrams wait in the queue.
    internal static string Ask(Fd? from, Socket listener, TransportProtocol protocol, string address, int port)
    {
        using Fd home = NetworkNamespaces.Current();
        NetworkNamespaces.Enter(from ?? home);
        try
        {
            using Socket client = Open(protocol, address.Contains(':'));
            client.SendTimeout = client.ReceiveTimeout = listener.ReceiveTimeout = 2000;
            client.Connect(IPAddress.Parse(address), port);
            client.Send("hello"u8);
            byte[] buffer = new byte[16];
            if (protocol == TransportProtocol.Udp)
            {
                EndPoint peer = new IPEndPoint(listener.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
                listener.SendTo(buffer, 0, listener.ReceiveFrom(buffer, ref peer), SocketFlags.None, peer);
            }
            else
            {
                if (!listener.Poll(2_000_000, SelectMode.SelectRead))
                {
                    return "nobody came";
                }

                using Socket accepted = listener.Accept();
                accepted.Send(buffer, accepted.Receive(buffer), SocketFlags.None);
            }

            return Encoding.ASCII.GetString(buffer, 0, client.Receive(buffer));
        }
        finally
        {
            NetworkNamespaces.Enter(home);
        }
    }

    private static Socket Open(TransportProtocol protocol, bool ipv6)
        => new(ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, protocol == TransportProtocol.Udp ? SocketType.Dgram : SocketType.Stream,
            protocol == TransportProtocol.Udp ? ProtocolType.Udp : ProtocolType.Tcp);
}
