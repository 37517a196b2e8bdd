using System.Buffers.Binary;

namespace Timur.Kernel.Netlink;

/// <summary>A route of the main or another table.</summary>
/// <param name="Destination">4 or 16 bytes; empty for a default route.</param>
/// <param name="PrefixLength">Bits.</param>
/// <param name="LinkIndex">Index of the link that it leaves by, or 0.</param>
public sealed record Route(byte[] Destination, int PrefixLength, int LinkIndex, int Table);

/// <summary>rtnetlink messages about addresses and routes (rtnetlink(7), linux/if_addr.h, linux/rtnetlink.h).</summary>
public static class Routes
{
    private const ushort NewAddress = 20;
    private const ushort NewRoute = 24;
    private const ushort GetRoute = 26;
    private const byte Inet = 2;
    private const byte Inet6 = 10;
    private const byte NoDuplicateDetection = 2;

    /// <summary>Appends an address for a link; an IPv6 one is usable at once (IFA_F_NODAD): it comes from our own plan, nobody else can have it.</summary>
    /// <param name="address">4 or 16 bytes in network order.</param>
    public static NetlinkWriter AddAddress(this NetlinkWriter writer, int link, ReadOnlySpan<byte> address, int prefixLength)
    {
        // struct ifaddrmsg: family, prefix length, flags, scope, index
        bool four = address.Length == 4;
        Span<byte> header = [four ? Inet : Inet6, (byte)prefixLength, four ? (byte)0 : NoDuplicateDetection, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], link);
        writer.Begin(NewAddress, NetlinkFlags.Request | NetlinkFlags.Acknowledge | NetlinkFlags.Create | NetlinkFlags.Replace, header);
        writer.Attribute(1, address).Attribute(2, address);
        if (four)
        {
            Span<byte> broadcast = stackalloc byte[4];
            uint hosts = prefixLength == 0 ? uint.MaxValue : (1u << (32 - prefixLength)) - 1;
            BinaryPrimitives.WriteUInt32BigEndian(broadcast, BinaryPrimitives.ReadUInt32BigEndian(address) | hosts);
            writer.Attribute(4, broadcast);
        }

        return writer.End();
    }

    /// <summary>Appends a default route through a gateway (4 or 16 bytes).</summary>
    public static NetlinkWriter AddDefaultRoute(this NetlinkWriter writer, int link, ReadOnlySpan<byte> gateway)
    {
        // struct rtmsg: family, destination bits, source bits, tos, table main, protocol static, scope universe, type unicast, flags
        ReadOnlySpan<byte> header = [gateway.Length == 4 ? Inet : Inet6, 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0];
        return writer.Begin(NewRoute, NetlinkFlags.Request | NetlinkFlags.Acknowledge | NetlinkFlags.Create | NetlinkFlags.Exclusive, header)
            .Attribute(5, gateway).Number(4, (uint)link).End();
    }

    /// <summary>All routes of one family, of every table.</summary>
    public static List<Route> List(NetlinkSocket socket, bool ipv6)
    {
        ReadOnlySpan<byte> header = [ipv6 ? Inet6 : Inet, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        NetlinkWriter request = new NetlinkWriter().Begin(GetRoute, NetlinkFlags.Request | NetlinkFlags.Dump, header).End();
        List<NetlinkMessage> answers = socket.TryQuery(request, out Errno why) ?? throw new SyscallException("list routes", why);
        return answers.ConvertAll(answer => Parse(answer.Body.Span));
    }

    private static Route Parse(ReadOnlySpan<byte> body)
    {
        var route = new Route([], body[1], 0, body[4]);
        var attributes = new AttributeReader(body[12..]);
        while (attributes.Next())
        {
            route = attributes.Type switch
            {
                1 => route with { Destination = attributes.Value.ToArray() },
                4 => route with { LinkIndex = (int)attributes.Number },
                15 => route with { Table = (int)attributes.Number },
                _ => route,
            };
        }

        return route;
    }
}
