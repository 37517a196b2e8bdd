using Timur.Kernel;
using Timur.Kernel.Netlink;

namespace Timur.Networks;

/// <summary>
/// Our nftables table: rules for the network's links, and maps of published ports. All chains accept by policy and match only our own bridge or our
/// own maps; nobody else's table is read or written on the way. Rules, in nft's words, with B for the bridge and S for its subnet:
/// <code>
/// publish      nat prerouting dstnat     ip daddr 127/8 return; dnat to daddr.proto.port map; fib daddr local dnat to proto.port map
/// publish-own  nat output     dstnat     ip6 daddr ::1 return; the same maps, for the host's own connections
/// masquerade   nat postrouting srcnat    saddr S oifname != B; saddr S oifname B ct status dnat (hairpin); saddr 127/8 oifname B
/// forward      filter forward            oifname B: established, dnat or from B accept, the rest drop
/// guard        filter prerouting raw     iifname B daddr 127/8 drop
/// </code>
/// The first rule of publish is there because translation comes before the kernel's martian check: a neighbour on the wire could otherwise reach
/// what is published on 127.0.0.1 only. IPv6 has no route_localnet: what comes from ::1 never leaves the host, so it isn't translated at all, and the
/// bound socket of the reservation answers it with a reset, whereupon programs that were told "localhost" try 127.0.0.1.
/// </summary>
internal static class HostRules
{
    private const int PriorityRaw = -300;
    private const int PriorityDestination = -100;
    private const int PriorityFilter = 0;
    private const int PrioritySource = 100;
    private static readonly byte[] Loopback4 = [127, 0, 0, 0];
    private static readonly byte[] Loopback6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    /// <summary>Replaces the table as a whole, with the ports that are published already, in one transaction.</summary>
    internal static void Install(NetlinkSocket socket, string table, NetworkRecord network, IReadOnlyList<PublishedElement> published)
    {
        NftBatch batch = new NftBatch(table).AddTable().RemoveTable().AddTable();
        foreach (NftMap map in PublishedMaps.All)
        {
            batch.AddMap(map);
        }

        AddPublishing(batch);
        AddMasquerade(batch, network);
        AddForwarding(batch, network.Bridge);
        batch.AddChain("guard", "filter", NftHook.Prerouting, PriorityRaw)
            .AddRule("guard", r => r.From(network.Bridge).Family(NftFamily.Ipv4).DestinationIn(Loopback4, 8).Drop());
        foreach (PublishedElement element in published)
        {
            batch.AddElements(element.Map, [element.Element]);
        }

        if (!batch.TryCommit(socket, out NetlinkRefusal refusal))
        {
            throw new Failure($"can't prepare the network: nftables table inet {table}: {refusal.Why.Describe()}{(refusal.Text is null ? "" : $" ({refusal.Text})")}",
                "the kernel needs nf_tables with inet NAT (5.2 or newer, nft_chain_nat, nft_masq, nft_fib_inet); use --network none or host otherwise");
        }
    }

    /// <summary>Removes the table; false when there was none.</summary>
    internal static bool Remove(NetlinkSocket socket, string table)
    {
        if (new NftBatch(table).RemoveTable().TryCommit(socket, out NetlinkRefusal refusal))
        {
            return true;
        }

        return refusal.Why == Errno.ENOENT ? false : throw new SyscallException("remove nftables table", refusal.Why, table);
    }

    private static void AddPublishing(NftBatch batch)
    {
        batch.AddChain("publish", "nat", NftHook.Prerouting, PriorityDestination)
            .AddRule("publish", r => r.Family(NftFamily.Ipv4).DestinationIn(Loopback4, 8).Return());
        batch.AddChain("publish-own", "nat", NftHook.Output, PriorityDestination)
            .AddRule("publish-own", r => r.Family(NftFamily.Ipv6).DestinationIn(Loopback6, 128).Return());
        foreach (string chain in (ReadOnlySpan<string>)["publish", "publish-own"])
        {
            foreach (NftFamily family in (ReadOnlySpan<NftFamily>)[NftFamily.Ipv4, NftFamily.Ipv6])
            {
                int words = family == NftFamily.Ipv4 ? 1 : 4;
                batch.AddRule(chain, r => r.Family(family).LoadDestination(family, 0).LoadProtocol(words).LoadDestinationPort(words + 1)
                    .Lookup(PublishedMaps.At(family).Name).TranslateDestination(family, 0, words));
                batch.AddRule(chain, r => r.Family(family).DestinationIsLocal().LoadProtocol(0).LoadDestinationPort(1)
                    .Lookup(PublishedMaps.Everywhere(family).Name).TranslateDestination(family, 0, words));
            }
        }
    }

    private static void AddMasquerade(NftBatch batch, NetworkRecord network)
    {
        const string chain = "masquerade";
        batch.AddChain(chain, "nat", NftHook.Postrouting, PrioritySource);
        AddMasquerade(batch, network.Bridge, NftFamily.Ipv4, Ipv4Subnet.Bytes(network.Subnet.First), network.Subnet.PrefixLength, Loopback4, 8);
        if (network.HasIpv6)
        {
            AddMasquerade(batch, network.Bridge, NftFamily.Ipv6, [.. network.Ipv6Prefix, .. new byte[8]], AddressPlan.Ipv6PrefixLength, Loopback6, 128);
        }
    }

    private static void AddMasquerade(NftBatch batch, string bridge, NftFamily family, byte[] subnet, int bits, byte[] loopback, int loopbackBits)
    {
        const string chain = "masquerade";
        batch.AddRule(chain, r => r.To(bridge, not: true).Family(family).SourceIn(subnet, bits).Masquerade());
        batch.AddRule(chain, r => r.To(bridge).Family(family).SourceIn(subnet, bits).DestinationTranslated().Masquerade());
        batch.AddRule(chain, r => r.To(bridge).Family(family).SourceIn(loopback, loopbackBits).Masquerade());
    }

    private static void AddForwarding(NftBatch batch, string bridge)
    {
        const string chain = "forward";
        batch.AddChain(chain, "filter", NftHook.Forward, PriorityFilter);
        batch.AddRule(chain, r => r.To(bridge).EstablishedOrRelated().Accept());
        batch.AddRule(chain, r => r.To(bridge).DestinationTranslated().Accept());
        batch.AddRule(chain, r => r.To(bridge).From(bridge).Accept());
        batch.AddRule(chain, r => r.To(bridge).Drop());
    }
}
