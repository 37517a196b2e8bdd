using System.Text;

namespace Timur.Kernel.Netlink;

/// <summary>Netfilter hooks of the inet family (linux/netfilter.h).</summary>
public enum NftHook
{
    Prerouting = 0, Input = 1, Forward = 2, Output = 3, Postrouting = 4,
}

/// <summary>A map of nftables: concatenated keys to concatenated data.</summary>
/// <param name="KeyType">Type numbers of nft(8), 6 bits each; only nft uses them, to print elements.</param>
/// <param name="KeyLength">Bytes; each part is padded to 4.</param>
public sealed record NftMap(string Name, uint KeyType, int KeyLength, uint DataType, int DataLength);

/// <summary>An element of a map; the comment is what <c>nft list</c> shows.</summary>
public readonly record struct NftElement(byte[] Key, byte[] Data, string Comment);

/// <summary>
/// One nftables transaction on one table of the inet family: all of it happens, or none (linux/netfilter/nfnetlink.h, nf_tables.h).
/// Add what is to be done, then <see cref="TryCommit"/>.
/// </summary>
public sealed class NftBatch
{
    private const ushort BatchBegin = 0x10;
    private const ushort BatchEnd = 0x11;
    private const byte Subsystem = 10;
    private const byte FamilyInet = 1;
    private const int MessageNewTable = 0;
    private const int MessageDeleteTable = 2;
    private const int MessageNewChain = 3;
    private const int MessageDeleteChain = 5;
    private const int MessageNewRule = 6;
    private const int MessageDeleteRule = 8;
    private const int MessageNewMap = 9;
    private const int MessageNewElement = 12;
    private const int MessageDeleteElement = 14;
    private const int MapFlag = 8;
    private readonly string _table;
    private readonly NetlinkWriter _writer = new();
    private uint _mapId;

    public NftBatch(string table)
    {
        _table = table;
        _writer.Begin(BatchBegin, NetlinkFlags.Request, [0, 0, 0, Subsystem]).End();
    }

    /// <summary>The messages so far; for tests.</summary>
    internal NetlinkWriter Writer => _writer;

    /// <summary>The table; one that exists already is fine.</summary>
    public NftBatch AddTable() => Message(MessageNewTable, NetlinkFlags.Create, w => w.Attribute(1, _table).NetworkNumber(2, 0));

    /// <summary>Removes the table with all that is in it; ENOENT when there is none.</summary>
    public NftBatch RemoveTable() => Message(MessageDeleteTable, NetlinkFlags.None, w => w.Attribute(1, _table));

    /// <summary>A base chain whose policy is accept.</summary>
    /// <param name="type"><c>filter</c> or <c>nat</c>.</param>
    /// <param name="priority">Lower runs earlier; see nft(8), "priority".</param>
    public NftBatch AddChain(string name, string type, NftHook hook, int priority) => Message(MessageNewChain, NetlinkFlags.Create, w =>
    {
        w.Attribute(1, _table).Attribute(3, name);
        int nest = w.Nest(4);
        w.NetworkNumber(1, (uint)hook).NetworkNumber(2, unchecked((uint)priority)).Close(nest);
        w.Attribute(7, type);
    });

    /// <summary>Removes a chain and its rules.</summary>
    public NftBatch RemoveChain(string name)
    {
        Message(MessageDeleteRule, NetlinkFlags.None, w => w.Attribute(1, _table).Attribute(2, name));
        return Message(MessageDeleteChain, NetlinkFlags.None, w => w.Attribute(1, _table).Attribute(3, name));
    }

    /// <summary>Appends a rule to a chain.</summary>
    public NftBatch AddRule(string chain, Action<NftRule> build) => Message(MessageNewRule, NetlinkFlags.Create | NetlinkFlags.Append, w =>
    {
        w.Attribute(1, _table).Attribute(2, chain);
        int nest = w.Nest(4);
        build(new NftRule(w));
        w.Close(nest);
    });

    /// <summary>A map; one that exists already is fine.</summary>
    public NftBatch AddMap(NftMap map) => Message(MessageNewMap, NetlinkFlags.Create, w =>
    {
        w.Attribute(1, _table).Attribute(2, map.Name).NetworkNumber(3, MapFlag);
        w.NetworkNumber(4, map.KeyType).NetworkNumber(5, (uint)map.KeyLength).NetworkNumber(6, map.DataType).NetworkNumber(7, (uint)map.DataLength);
        w.NetworkNumber(10, ++_mapId);
    });

    /// <summary>Elements of a map; a key that is taken fails the whole batch with EEXIST.</summary>
    public NftBatch AddElements(string map, IEnumerable<NftElement> elements)
        => Elements(MessageNewElement, NetlinkFlags.Create | NetlinkFlags.Exclusive, map, elements, full: true);

    /// <summary>Removes elements by key; one that isn't there fails the whole batch with ENOENT.</summary>
    public NftBatch RemoveElements(string map, IEnumerable<NftElement> elements) => Elements(MessageDeleteElement, NetlinkFlags.None, map, elements, full: false);

    /// <summary>Sends the transaction through a socket of <see cref="NetlinkProtocol.Netfilter"/>; nothing has changed when it fails.</summary>
    public bool TryCommit(NetlinkSocket socket, out NetlinkRefusal refusal)
    {
        _writer.Begin(BatchEnd, NetlinkFlags.Request, [0, 0, 0, Subsystem]).End();
        List<NetlinkRefusal> refused = socket.Send(_writer);
        refusal = refused.Count > 0 ? refused[0] : default;
        return refused.Count == 0;
    }

    // An attribute's length has 16 bits: long lists go into several messages.
    private NftBatch Elements(int type, NetlinkFlags flags, string map, IEnumerable<NftElement> elements, bool full)
    {
        const int mostPerMessage = 200;
        foreach (NftElement[] part in elements.Chunk(mostPerMessage))
        {
            Message(type, flags, w =>
            {
                w.Attribute(1, _table).Attribute(2, map);
                int list = w.Nest(3);
                foreach (NftElement element in part)
                {
                    int item = w.Nest(1);
                    Data(w, 1, element.Key);
                    if (full)
                    {
                        Data(w, 2, element.Data);
                        w.Attribute(6, Comment(element.Comment));
                    }

                    w.Close(item);
                }

                w.Close(list);
            });
        }

        return this;
    }

    private static void Data(NetlinkWriter w, ushort type, byte[] value)
    {
        int nest = w.Nest(type);
        w.Attribute(1, value).Close(nest);
    }

    // User data as nft(8) writes it: type 0 (comment), length with the final zero, text.
    private static byte[] Comment(string text)
    {
        byte[] bytes = new byte[text.Length + 3];
        bytes[1] = (byte)(text.Length + 1);
        Encoding.ASCII.GetBytes(text, bytes.AsSpan(2));
        return bytes;
    }

    private NftBatch Message(int type, NetlinkFlags flags, Action<NetlinkWriter> build)
    {
        // struct nfgenmsg: family, version, resource id
        _writer.Begin((ushort)((Subsystem << 8) | type), NetlinkFlags.Request | flags, [FamilyInet, 0, 0, 0]);
        build(_writer);
        _writer.End();
        return this;
    }
}
