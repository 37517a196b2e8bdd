using System.Net;
using System.Net.Sockets;
using Timur.Kernel.Netlink;

namespace Timur.Networks;

/// <summary>An element and the map that it belongs to.</summary>
internal readonly record struct PublishedElement(string Map, NftElement Element);

/// <summary>
/// The maps of published ports: for each family one for ports of every address of the host, one for ports of a certain address. Publishing is adding
/// an element, whose comment is the container's id.
/// </summary>
internal static class PublishedMaps
{
    // Type numbers of nft(8): ipv4_addr 7, ipv6_addr 8, inet_proto 12, inet_service 13; a concatenation has 6 bits for each.
    private const uint Ipv4Type = 7;
    private const uint Ipv6Type = 8;
    private const uint ProtocolAndPort = (12 << 6) | 13;
    private static readonly NftMap Everywhere4 = new("publish4", ProtocolAndPort, 8, (Ipv4Type << 6) | 13, 8);
    private static readonly NftMap Everywhere6 = new("publish6", ProtocolAndPort, 8, (Ipv6Type << 6) | 13, 20);
    private static readonly NftMap At4 = new("publish4-at", (Ipv4Type << 12) | ProtocolAndPort, 12, (Ipv4Type << 6) | 13, 8);
    private static readonly NftMap At6 = new("publish6-at", (Ipv6Type << 12) | ProtocolAndPort, 24, (Ipv6Type << 6) | 13, 20);

    internal static NftMap[] All => [Everywhere4, At4, Everywhere6, At6];

    internal static NftMap Everywhere(NftFamily family) => family == NftFamily.Ipv4 ? Everywhere4 : Everywhere6;

    internal static NftMap At(NftFamily family) => family == NftFamily.Ipv4 ? At4 : At6;

    /// <summary>The element for a port; <paramref name="ipv4"/> and <paramref name="ipv6"/> are the container's addresses in network order.</summary>
    internal static PublishedElement Element(PublishedPort port, byte[] ipv4, byte[] ipv6, string comment)
    {
        IPAddress host = IPAddress.Parse(port.HostAddress);
        NftFamily family = host.AddressFamily == AddressFamily.InterNetwork ? NftFamily.Ipv4 : NftFamily.Ipv6;
        bool everywhere = host.Equals(IPAddress.Any) || host.Equals(IPAddress.IPv6Any);
        byte[] protocol = [(byte)(port.Protocol == TransportProtocol.Tcp ? 6 : 17), 0, 0, 0, .. Port(port.HostPort)];
        byte[] key = everywhere ? protocol : [.. host.GetAddressBytes(), .. protocol];
        byte[] data = [.. family == NftFamily.Ipv4 ? ipv4 : ipv6, .. Port(port.ContainerPort)];
        return new PublishedElement((everywhere ? Everywhere(family) : At(family)).Name, new NftElement(key, data, comment));
    }

    private static byte[] Port(ushort port) => [(byte)(port >> 8), (byte)port, 0, 0];
}
