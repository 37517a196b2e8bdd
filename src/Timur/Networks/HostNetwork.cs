using Timur.Kernel;
using Timur.Kernel.Netlink;
using Timur.State;

namespace Timur.Networks;

/// <summary>
/// The host's side of container networks: prepares itself at first use, attaches and releases containers, and can take everything of its own back.
/// All methods work in the calling thread's network namespace.
/// </summary>
public sealed class HostNetwork(DataPaths paths)
{
    private readonly NetworkNames _names = new(paths);

    /// <summary>Makes directories, bridge, forwarding and rules where they are missing. Two questions to the kernel when all is there.</summary>
    public NetworkRecord Prepare()
    {
        using NetlinkSocket links = NetlinkSocket.Open(NetlinkProtocol.Route);
        using NetlinkSocket rules = NetlinkSocket.Open(NetlinkProtocol.Netfilter);
        return Prepare(links, rules, out _);
    }

    /// <summary>Gives the container a namespace with an address in the default network, and publishes its ports. What a former run left is released first;
    /// the caller holds the container's lock.</summary>
    /// <param name="space">The namespace, where the container's process made it itself; null makes one.</param>
    /// <exception cref="Failure">A port or address is taken, no address is left, or the host can't be prepared.</exception>
    public NetworkAttachment Attach(ContainerId id, NetworkRequest request, UndoList undo, Fd? space = null)
    {
        Release(id);
        using NetlinkSocket links = NetlinkSocket.Open(NetlinkProtocol.Route);
        using NetlinkSocket rules = NetlinkSocket.Open(NetlinkProtocol.Netfilter);
        NetworkRecord network = Prepare(links, rules, out Link bridge);
        PortReservations reservations = PortReservations.Take(request.Ports, network.HasIpv6);
        undo.Add("reserved ports", reservations.Dispose);

        uint ipv4 = Claim(network, id, request.Ipv4);
        var record = new AttachmentRecord(network.Name, Ipv4Subnet.Format(ipv4), reservations.Ports);
        undo.Add($"address {record.Ipv4}", () => AddressLeases.Release(paths, network.Name, record.Ipv4, id));
        record.Create(paths, id);
        undo.Add($"network of {id.Short}", () => Release(id));

        Fd own = ContainerLink.Make(links, network, bridge, id, ipv4, record.Ports.Count > 0, space);
        undo.Add("network namespace", own.Dispose);
        Publish(rules, network, record, id);
        return new NetworkAttachment(
            own, network.Name, record.Ipv4, network.Subnet.PrefixLength, Ipv4Subnet.Format(network.Subnet.Gateway),
            network.HasIpv6 ? Text(AddressPlan.Ipv6Address(network.Ipv6Prefix, ipv4)) : null,
            network.HasIpv6 ? Text(AddressPlan.Ipv6Gateway(network.Ipv6Prefix)) : null,
            Convert.ToHexStringLower(AddressPlan.Mac(ipv4)) is var mac ? $"{mac[..2]}:{mac[2..4]}:{mac[4..6]}:{mac[6..8]}:{mac[8..10]}:{mac[10..]}" : "",
            record.Ports, reservations.Sockets);
    }

    /// <summary>
    /// Takes back what the container holds; nothing happens when it holds nothing. The veth pair dies with the namespace, in the kernel's own time:
    /// removing it here would wait for that.
    /// </summary>
    public void Release(ContainerId id)
    {
        if (AttachmentRecord.TryRead(paths, id) is not { } record)
        {
            return;
        }

        if (record.Ports.Count > 0)
        {
            using NetlinkSocket rules = NetlinkSocket.Open(NetlinkProtocol.Netfilter);
            Unpublish(rules, id);
        }

        AddressLeases.Release(paths, record.Network, record.Ipv4, id);
        AttachmentRecord.Remove(paths, id);
    }

    /// <summary>Traffic of a running container's link, as the container sees it; null when it has none.</summary>
    public LinkCounters? Statistics(ContainerId id)
    {
        using NetlinkSocket links = NetlinkSocket.Open(NetlinkProtocol.Route);
        if (Links.TryFind(links, NetworkNames.Link(id), out _)?.Counters is not { } host)
        {
            return null;
        }

        // What the host's end sends, the container receives.
        return new LinkCounters(
            host.SentPackets, host.ReceivedPackets, host.SentBytes, host.ReceivedBytes, host.SendErrors, host.ReceiveErrors, host.SendDrops, host.ReceiveDrops);
    }

    /// <summary>What of ours is left over, missing or hindered by others.</summary>
    /// <param name="isLive">Whether the container with that id runs or is being started; asked after what it would hold was seen.</param>
    public IReadOnlyList<NetworkFinding> Check(Predicate<string> isLive) => new NetworkCheck(paths, _names, this, isLive).Run();

    /// <param name="live">Ids of the containers that run or are being started.</param>
    public IReadOnlyList<NetworkFinding> Check(IReadOnlySet<string> live) => Check(live.Contains);

    /// <summary>
    /// Removes our links, rules, leases and network records, and puts the host's switches back. Containers that still run lose their network.
    /// </summary>
    public void Clear()
    {
        using NetlinkSocket links = NetlinkSocket.Open(NetlinkProtocol.Route);
        using NetlinkSocket rules = NetlinkSocket.Open(NetlinkProtocol.Netfilter);
        HostRules.Remove(rules, _names.Table);
        if (Links.TryFind(links, _names.Bridge, out _) is { } bridge)
        {
            foreach (Link link in Links.List(links))
            {
                if (link.Master == bridge.Index && NetworkNames.IsContainerLink(link.Name))
                {
                    links.Send(new NetlinkWriter().RemoveLink(link.Name));
                }
            }

            links.Demand(new NetlinkWriter().RemoveLink(_names.Bridge), "remove link", _names.Bridge);
        }

        new HostForwarding(paths).Restore();
        Directories.RemoveTree(paths.Networks);
    }

    private NetworkRecord Prepare(NetlinkSocket links, NetlinkSocket rules, out Link bridge)
    {
        if (NetworkRecord.TryRead(paths, NetworkNames.DefaultNetwork) is { } known && Links.TryFind(links, known.Bridge, out _) is { Up: true } found
            && NftTables.Exists(rules, _names.Table))
        {
            bridge = found;
            return known;
        }

        Directories.Create(AddressLeases.Directory(paths, NetworkNames.DefaultNetwork), 0x1C0);
        Directories.Create(AttachmentRecord.Directory(paths), 0x1C0);
        using FileLock preparing = FileLock.Take($"{paths.Networks}/.lock");
        NetworkRecord network = NetworkRecord.TryRead(paths, NetworkNames.DefaultNetwork) ?? Define(links);
        new HostForwarding(paths).Enable(network.HasIpv6);
        if (!NftTables.Exists(rules, _names.Table))
        {
            HostRules.Install(rules, _names.Table, network, Published(network));
        }

        bridge = BridgeLink.Ensure(links, network);
        return network;
    }

    private NetworkRecord Define(NetlinkSocket links)
    {
        var inUse = new List<Ipv4Subnet>();
        foreach (Route route in Routes.List(links, ipv6: false))
        {
            if (route.Destination.Length == 4 && route.PrefixLength > 0)
            {
                inUse.Add(new Ipv4Subnet(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(route.Destination), route.PrefixLength));
            }
        }

        Ipv4Subnet subnet = AddressPlan.ChooseSubnet(inUse)
            ?? throw new Failure("can't prepare the network: the host's routes use every private block of addresses", "use --network none or host");
        var network = new NetworkRecord(NetworkNames.DefaultNetwork, _names.Bridge, subnet, HostForwarding.HasIpv6 ? AddressPlan.CreateIpv6Prefix() : []);
        network.Write(paths);
        return network;
    }

    // Rules that somebody flushed come back with the ports of the containers that run.
    private List<PublishedElement> Published(NetworkRecord network)
    {
        var elements = new List<PublishedElement>();
        foreach (DirectoryEntry entry in Directories.List(AttachmentRecord.Directory(paths)))
        {
            if (ContainerId.TryParse(entry.Name, out ContainerId id) && AttachmentRecord.TryRead(paths, id) is { } record)
            {
                elements.AddRange(Elements(network, record, entry.Name));
            }
        }

        return elements;
    }

    private uint Claim(NetworkRecord network, ContainerId id, string? wanted)
    {
        var leases = new AddressLeases(paths, network);
        if (wanted is null)
        {
            return leases.Claim(id);
        }

        uint address = Ipv4Subnet.TryParseAddress(wanted, out uint parsed) ? parsed : throw new Failure($"--ip {wanted}: not an IPv4 address", $"choose one of {network.Subnet}");
        leases.Claim(id, address);
        return address;
    }

    private void Publish(NetlinkSocket rules, NetworkRecord network, AttachmentRecord record, ContainerId id)
    {
        if (record.Ports.Count == 0)
        {
            return;
        }

        var batch = new NftBatch(_names.Table);
        foreach (PublishedElement element in Elements(network, record, id.Text))
        {
            batch.AddElements(element.Map, [element.Element]);
        }

        if (!batch.TryCommit(rules, out NetlinkRefusal refusal))
        {
            throw new Failure($"can't publish the ports of {id.Short}: {(refusal.Why == Errno.EEXIST ? "another container has one of them" : refusal.Why.Describe())}",
                "timur ps shows the ports of others; timur system check --repair removes those of vanished containers");
        }
    }

    // By comment, not by key: a key of a failed attachment may be another container's.
    private void Unpublish(NetlinkSocket rules, ContainerId id)
    {
        foreach (NftMap map in PublishedMaps.All)
        {
            List<NftElement> own = NftTables.Elements(rules, _names.Table, map.Name).FindAll(element => element.Comment == id.Text);
            if (own.Count > 0 && !new NftBatch(_names.Table).RemoveElements(map.Name, own).TryCommit(rules, out NetlinkRefusal refusal) && refusal.Why != Errno.ENOENT)
            {
                throw new SyscallException("remove published ports", refusal.Why, id.Short);
            }
        }
    }

    private static List<PublishedElement> Elements(NetworkRecord network, AttachmentRecord record, string comment)
    {
        uint ipv4 = Ipv4Subnet.ParseAddress(record.Ipv4);
        byte[] ipv6 = network.HasIpv6 ? AddressPlan.Ipv6Address(network.Ipv6Prefix, ipv4) : [];
        var elements = new List<PublishedElement>();
        foreach (PublishedPort port in record.Ports)
        {
            elements.Add(PublishedMaps.Element(port, Ipv4Subnet.Bytes(ipv4), ipv6, comment));
        }

        return elements;
    }

    private static string Text(byte[] address) => new System.Net.IPAddress(address).ToString();
}
