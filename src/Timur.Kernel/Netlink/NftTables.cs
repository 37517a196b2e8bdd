namespace Timur.Kernel.Netlink;

/// <summary>A base chain of any table, as far as a check needs it.</summary>
/// <param name="Hook">Its hook's number, or -1 when it isn't a base chain.</param>
/// <param name="Drops">Its policy is to drop what no rule accepts.</param>
public sealed record NftChain(int Family, string Table, string Name, int Hook, bool Drops);

/// <summary>Questions to nftables.</summary>
public static class NftTables
{
    private const int Subsystem = 10 << 8;
    private const int MessageGetTable = 1;
    private const int MessageGetChain = 4;
    private const int MessageGetElement = 13;
    private const byte FamilyInet = 1;

    /// <summary>Whether the inet table is there.</summary>
    public static bool Exists(NetlinkSocket socket, string table)
    {
        NetlinkWriter request = new NetlinkWriter().Begin(Subsystem | MessageGetTable, NetlinkFlags.Request, [FamilyInet, 0, 0, 0]).Attribute(1, table).End();
        bool found = socket.TryQuery(request, out Errno why) is not null;
        return found || why == Errno.ENOENT ? found : throw new SyscallException("list nftables table", why, table);
    }

    /// <summary>All chains of all tables and families.</summary>
    public static List<NftChain> Chains(NetlinkSocket socket)
    {
        NetlinkWriter request = new NetlinkWriter().Begin(Subsystem | MessageGetChain, NetlinkFlags.Request | NetlinkFlags.Dump, [0, 0, 0, 0]).End();
        List<NetlinkMessage> answers = socket.TryQuery(request, out Errno why) ?? throw new SyscallException("list nftables chains", why);
        return answers.ConvertAll(answer => ParseChain(answer.Body.Span));
    }

    /// <summary>The elements of a map, with their comments; empty when table or map is missing.</summary>
    public static List<NftElement> Elements(NetlinkSocket socket, string table, string map)
    {
        NetlinkWriter request = new NetlinkWriter().Begin(Subsystem | MessageGetElement, NetlinkFlags.Request | NetlinkFlags.Dump, [FamilyInet, 0, 0, 0])
            .Attribute(1, table).Attribute(2, map).End();
        List<NetlinkMessage>? answers = socket.TryQuery(request, out Errno why);
        if (answers is null)
        {
            return why == Errno.ENOENT ? [] : throw new SyscallException("list nftables elements", why, map);
        }

        var elements = new List<NftElement>();
        foreach (NetlinkMessage answer in answers)
        {
            var attributes = new AttributeReader(answer.Body.Span[4..]);
            while (attributes.Next())
            {
                if (attributes.Type == 3)
                {
                    ParseElements(attributes.Value, elements);
                }
            }
        }

        return elements;
    }

    private static NftChain ParseChain(ReadOnlySpan<byte> body)
    {
        var chain = new NftChain(body[0], "", "", -1, false);
        var attributes = new AttributeReader(body[4..]);
        while (attributes.Next())
        {
            chain = attributes.Type switch
            {
                1 => chain with { Table = attributes.Text },
                3 => chain with { Name = attributes.Text },
                4 => chain with { Hook = ParseHook(attributes.Value) },
                5 => chain with { Drops = attributes.NetworkNumber == 0 },
                _ => chain,
            };
        }

        return chain;
    }

    private static int ParseHook(ReadOnlySpan<byte> value)
    {
        var attributes = new AttributeReader(value);
        int hook = -1;
        while (attributes.Next())
        {
            hook = attributes.Type == 1 ? (int)attributes.NetworkNumber : hook;
        }

        return hook;
    }

    private static void ParseElements(ReadOnlySpan<byte> list, List<NftElement> elements)
    {
        var items = new AttributeReader(list);
        while (items.Next())
        {
            var element = new NftElement([], [], "");
            var parts = new AttributeReader(items.Value);
            while (parts.Next())
            {
                element = parts.Type switch
                {
                    1 => element with { Key = Value(parts.Value) },
                    2 => element with { Data = Value(parts.Value) },
                    6 when parts.Value.Length > 2 => element with { Comment = System.Text.Encoding.ASCII.GetString(parts.Value[2..]).TrimEnd('\0') },
                    _ => element,
                };
            }

            elements.Add(element);
        }
    }

    private static byte[] Value(ReadOnlySpan<byte> nested)
    {
        var attributes = new AttributeReader(nested);
        return attributes.Next() ? attributes.Value.ToArray() : [];
    }
}
