using System.Buffers.Binary;

namespace Timur.Kernel.Netlink;

/// <summary>A network link as RTM_GETLINK tells it.</summary>
/// <param name="Master">Index of the bridge that it is a port of, or 0.</param>
/// <param name="Alias">What IFLA_IFALIAS holds, or an empty string.</param>
public sealed record Link(int Index, string Name, bool Up, int Mtu, int Master, string Alias, LinkCounters Counters);

/// <summary>Traffic of a link since it was made, seen from the namespace that it is in (struct rtnl_link_stats64).</summary>
public readonly record struct LinkCounters(
    ulong ReceivedPackets, ulong SentPackets, ulong ReceivedBytes, ulong SentBytes, ulong ReceiveErrors, ulong SendErrors, ulong ReceiveDrops, ulong SendDrops);

/// <summary>A veth pair to be made: the host's end is a port of a bridge, the other end starts its life in another namespace.</summary>
/// <param name="PeerNamespace">Where the peer is made; so no link is moved, which would wait for RCU grace periods.</param>
public sealed record VethPair(string Name, string Alias, int Mtu, int Master, string PeerName, byte[] PeerMac, Fd PeerNamespace);

/// <summary>rtnetlink messages about links (rtnetlink(7), linux/if_link.h).</summary>
public static class Links
{
    private const ushort NewLink = 16;
    private const ushort DeleteLink = 17;
    private const ushort GetLink = 18;
    private const ushort Address = 1;
    private const ushort Name = 3;
    private const ushort Mtu = 4;
    private const ushort Master = 10;
    private const ushort LinkInfo = 18;
    private const ushort InterfaceAlias = 20;
    private const ushort Statistics64 = 23;
    private const ushort NamespaceFd = 28;
    private const ushort InfoKind = 1;
    private const ushort InfoData = 2;
    private const ushort InfoPortKind = 4;
    private const ushort InfoPortData = 5;
    private const ushort BridgePortHairpin = 4;
    private const ushort VethPeer = 1;
    private const ushort BridgeForwardDelay = 1;
    private const ushort BridgeStpState = 5;
    private const int FlagUp = 1;

    /// <summary>
    /// Appends the creation of a veth pair. The host's end comes up with it; the peer can't (ENOTCONN: it is opened before the two know each other)
    /// and is to be brought up in its namespace.
    /// </summary>
    public static NetlinkWriter AddVeth(this NetlinkWriter writer, VethPair pair)
    {
        writer.Begin(NewLink, NetlinkFlags.Request | NetlinkFlags.Acknowledge | NetlinkFlags.Create | NetlinkFlags.Exclusive, Header(0, up: true));
        writer.Attribute(Name, pair.Name).Number(Mtu, (uint)pair.Mtu);
        if (pair.Master != 0)
        {
            writer.Number(Master, (uint)pair.Master);
        }

        int info = writer.Nest(LinkInfo);
        writer.Attribute(InfoKind, "veth");
        int data = writer.Nest(InfoData);
        int peer = writer.Nest(VethPeer);
        writer.Raw(Header(0, up: false)).Attribute(Name, pair.PeerName).Number(Mtu, (uint)pair.Mtu);
        writer.Attribute(Address, pair.PeerMac).Number(NamespaceFd, (uint)pair.PeerNamespace.Raw);
        writer.Close(peer).Close(data).Close(info);
        return writer.End();
    }

    /// <summary>Appends the alias of a bridge's port by name; RTM_NEWLINK ignores it at creation.</summary>
    /// <param name="hairpin">The bridge may send a frame back by the port that it came from.</param>
    public static NetlinkWriter SetPort(this NetlinkWriter writer, string name, string alias, bool hairpin)
    {
        writer.Begin(NewLink, NetlinkFlags.Request | NetlinkFlags.Acknowledge, Header(0, up: false)).Attribute(Name, name);
        writer.Attribute(InterfaceAlias, System.Text.Encoding.UTF8.GetBytes(alias));
        if (hairpin)
        {
            int info = writer.Nest(LinkInfo);
            writer.Attribute(InfoPortKind, "bridge");
            int data = writer.Nest(InfoPortData);
            writer.Attribute(BridgePortHairpin, [1]).Close(data).Close(info);
        }

        return writer.End();
    }

    /// <summary>Appends the creation of a bridge, down, without a spanning tree and without its forwarding delay.</summary>
    public static NetlinkWriter AddBridge(this NetlinkWriter writer, string name, int mtu, byte[] mac)
    {
        writer.Begin(NewLink, NetlinkFlags.Request | NetlinkFlags.Acknowledge | NetlinkFlags.Create | NetlinkFlags.Exclusive, Header(0, up: false));
        writer.Attribute(Name, name).Number(Mtu, (uint)mtu).Attribute(Address, mac);
        int info = writer.Nest(LinkInfo);
        writer.Attribute(InfoKind, "bridge");
        int data = writer.Nest(InfoData);
        writer.Number(BridgeForwardDelay, 0).Number(BridgeStpState, 0);
        writer.Close(data).Close(info);
        return writer.End();
    }

    /// <summary>Appends bringing a link up, by index.</summary>
    public static NetlinkWriter SetUp(this NetlinkWriter writer, int index)
        => writer.Begin(NewLink, NetlinkFlags.Request | NetlinkFlags.Acknowledge, Header(index, up: true)).End();

    /// <summary>Appends moving a link into another namespace, under a name there.</summary>
    public static NetlinkWriter MoveLink(this NetlinkWriter writer, int index, string name, Fd space)
        => writer.Begin(NewLink, NetlinkFlags.Request | NetlinkFlags.Acknowledge, Header(index, up: false)).Attribute(Name, name).Number(NamespaceFd, (uint)space.Raw).End();

    /// <summary>Appends the removal of a link by name.</summary>
    public static NetlinkWriter RemoveLink(this NetlinkWriter writer, string name)
        => writer.Begin(DeleteLink, NetlinkFlags.Request | NetlinkFlags.Acknowledge, Header(0, up: false)).Attribute(Name, name).End();

    /// <summary>The link with this name, or null and the reason (ENODEV when there is none).</summary>
    public static Link? TryFind(NetlinkSocket socket, string name, out Errno why)
    {
        NetlinkWriter request = new NetlinkWriter().Begin(GetLink, NetlinkFlags.Request, Header(0, up: false)).Attribute(Name, name).End();
        return socket.TryQuery(request, out why) is [var answer, ..] ? Parse(answer.Body.Span) : null;
    }

    /// <summary>All links of the socket's namespace.</summary>
    public static List<Link> List(NetlinkSocket socket)
    {
        NetlinkWriter request = new NetlinkWriter().Begin(GetLink, NetlinkFlags.Request | NetlinkFlags.Dump, Header(0, up: false)).End();
        List<NetlinkMessage> answers = socket.TryQuery(request, out Errno why) ?? throw new SyscallException("list links", why);
        return answers.ConvertAll(answer => Parse(answer.Body.Span));
    }

    private static Link Parse(ReadOnlySpan<byte> body)
    {
        var link = new Link(
            BinaryPrimitives.ReadInt32LittleEndian(body[4..]), "", (BinaryPrimitives.ReadInt32LittleEndian(body[8..]) & FlagUp) != 0, 0, 0, "", default);
        var attributes = new AttributeReader(body[16..]);
        while (attributes.Next())
        {
            link = attributes.Type switch
            {
                Name => link with { Name = attributes.Text },
                Mtu => link with { Mtu = (int)attributes.Number },
                Master => link with { Master = (int)attributes.Number },
                InterfaceAlias => link with { Alias = attributes.Text },
                Statistics64 => link with { Counters = Counters(attributes.Value) },
                _ => link,
            };
        }

        return link;
    }

    private static LinkCounters Counters(ReadOnlySpan<byte> v)
    {
        Span<ulong> n = stackalloc ulong[8];
        for (int i = 0; i < n.Length; i++)
        {
            n[i] = BinaryPrimitives.ReadUInt64LittleEndian(v[(i * 8)..]);
        }

        return new LinkCounters(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]);
    }

    // struct ifinfomsg: family, pad, type, index, flags, change
    private static byte[] Header(int index, bool up)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), index);
        if (up)
        {
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), FlagUp);
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), FlagUp);
        }

        return header;
    }
}
