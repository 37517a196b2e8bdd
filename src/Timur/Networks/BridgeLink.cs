using Timur.Kernel;
using Timur.Kernel.Netlink;

namespace Timur.Networks;

/// <summary>The network's bridge in the kernel.</summary>
internal static class BridgeLink
{
    private const int EthernetMtu = 1500;

    /// <summary>Makes the bridge with its addresses, or completes one that is there.</summary>
    internal static Link Ensure(NetlinkSocket socket, NetworkRecord network)
    {
        if (Links.TryFind(socket, network.Bridge, out _) is null)
        {
            // Another start may have made it meanwhile: the look below decides.
            socket.Send(new NetlinkWriter().AddBridge(network.Bridge, DefaultMtu(socket), AddressPlan.Mac(network.Subnet.Gateway)));
        }

        Link bridge = Links.TryFind(socket, network.Bridge, out Errno why) ?? throw new Failure(
            $"can't make the bridge {network.Bridge}: {why.Describe()}", "the kernel needs the bridge module; use --network none or host otherwise");
        HostForwarding.ConfigureBridge(network.Bridge, network.HasIpv6);
        NetlinkWriter addresses = new NetlinkWriter().SetUp(bridge.Index)
            .AddAddress(bridge.Index, Ipv4Subnet.Bytes(network.Subnet.Gateway), network.Subnet.PrefixLength);
        if (network.HasIpv6)
        {
            addresses.AddAddress(bridge.Index, AddressPlan.Ipv6Gateway(network.Ipv6Prefix), AddressPlan.Ipv6PrefixLength);
        }

        socket.Demand(addresses, "set addresses of", network.Bridge);
        return bridge;
    }

    /// <summary>The MTU of the link that the default route leaves by: packets of containers go out there.</summary>
    private static int DefaultMtu(NetlinkSocket socket)
    {
        foreach (Route route in Routes.List(socket, ipv6: false))
        {
            if (route.PrefixLength == 0 && route.LinkIndex != 0)
            {
                return Links.List(socket).Find(link => link.Index == route.LinkIndex)?.Mtu ?? EthernetMtu;
            }
        }

        return EthernetMtu;
    }
}
