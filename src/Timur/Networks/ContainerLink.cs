using Timur.Kernel;
using Timur.Kernel.Netlink;
using Timur.State;

namespace Timur.Networks;

/// <summary>A container's namespace and the veth pair that leads to it.</summary>
internal static class ContainerLink
{
    private const string PeerName = "eth0";
    private const int LoopbackIndex = 1;

    /// <summary>Makes the pair, with addresses and routes, and the namespace where none is given; returns the namespace.</summary>
    /// <param name="given">A namespace that exists: the caller's to close.</param>
    /// <param name="published">The container has published ports: it may reach itself by them, for which br_netfilter bridges a frame back.</param>
    internal static Fd Make(NetlinkSocket host, NetworkRecord network, Link bridge, ContainerId id, uint ipv4, bool published, Fd? given)
    {
        (Fd space, NetlinkSocket inside) = Open(given);
        using (inside)
        {
            try
            {
                var pair = new VethPair(NetworkNames.Link(id), id.Text, bridge.Mtu, bridge.Index, PeerName, AddressPlan.Mac(ipv4), space);
                AddPair(host, network, pair, published);
                Configure(inside, network, ipv4);
                return space;
            }
            catch
            {
                space.Dispose();
                throw;
            }
        }
    }

    private static (Fd Space, NetlinkSocket Inside) Open(Fd? given)
    {
        static NetlinkSocket Talk() => NetlinkSocket.Open(NetlinkProtocol.Route);
        return given is null
            ? (NetworkNamespaces.Create(Talk, out NetlinkSocket inside), inside)
            : (Descriptors.Duplicate(given), NetworkNamespaces.Inside(given, Talk));
    }

    private static void AddPair(NetlinkSocket host, NetworkRecord network, VethPair pair, bool hairpin)
    {
        NetlinkWriter message = new NetlinkWriter().AddVeth(pair).SetPort(pair.Name, pair.Alias, hairpin);
        List<NetlinkRefusal> refused = host.Send(message);
        if (refused is [{ Why: Errno.EEXIST }, ..])
        {
            // The same container's former run: the kernel takes namespaces apart in its own time.
            host.Send(new NetlinkWriter().RemoveLink(pair.Name));
            refused = host.Send(message);
        }

        if (refused is [var refusal, ..])
        {
            Links.TryFind(host, pair.Name, out Errno missing);
            if (missing == Errno.None)
            {
                host.Send(new NetlinkWriter().RemoveLink(pair.Name));
            }

            string advice = refusal.Why == Errno.EXFULL ? $"a bridge has at most 1023 ports: remove containers from network {network.Name}" : "timur system check shows what is left over";
            throw new Failure($"can't connect to {network.Bridge}: {refusal.Why.Describe()}{(refusal.Text is null ? "" : $" ({refusal.Text})")}", advice);
        }
    }

    private static void Configure(NetlinkSocket inside, NetworkRecord network, uint ipv4)
    {
        // Not always 2: where tunnel modules are loaded, a namespace is born with their fallback devices. The kernel lets nobody choose the peer's alone.
        int peer = (Links.TryFind(inside, PeerName, out Errno why) ?? throw new SyscallException("find link", why, PeerName)).Index;
        NetlinkWriter messages = new NetlinkWriter().SetUp(LoopbackIndex).SetUp(peer)
            .AddAddress(peer, Ipv4Subnet.Bytes(ipv4), network.Subnet.PrefixLength)
            .AddDefaultRoute(peer, Ipv4Subnet.Bytes(network.Subnet.Gateway));
        if (network.HasIpv6)
        {
            messages.AddAddress(peer, AddressPlan.Ipv6Address(network.Ipv6Prefix, ipv4), AddressPlan.Ipv6PrefixLength)
                .AddDefaultRoute(peer, AddressPlan.Ipv6Gateway(network.Ipv6Prefix));
        }

        inside.Demand(messages, "set addresses of", PeerName);
    }
}
