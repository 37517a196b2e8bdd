using Timur.Kernel;
using Timur.Kernel.Netlink;
using Timur.State;

namespace Timur.Networks;

/// <summary>Something of the network that isn't as recorded.</summary>
/// <param name="Text">A sentence that names it.</param>
/// <param name="Repair">Puts it right; null when only a person can.</param>
public sealed record NetworkFinding(string Text, Action? Repair);

/// <summary>Compares what the kernel holds with what is recorded.</summary>
internal sealed class NetworkCheck(DataPaths paths, NetworkNames names, HostNetwork owner, Predicate<string> isLive)
{
    private const int Ipv4Family = 2;
    private const int InetFamily = 1;
    private readonly List<NetworkFinding> _findings = [];

    internal List<NetworkFinding> Run()
    {
        if (NetworkRecord.TryRead(paths, NetworkNames.DefaultNetwork) is not { } network)
        {
            return _findings;
        }

        using NetlinkSocket links = NetlinkSocket.Open(NetlinkProtocol.Route);
        using NetlinkSocket rules = NetlinkSocket.Open(NetlinkProtocol.Netfilter);
        CheckBridge(links, network);
        CheckLeases(network);
        CheckAttachments();
        if (!NftTables.Exists(rules, names.Table))
        {
            Add($"nftables table inet {names.Table} is missing: containers reach nothing outside and published ports don't answer", () => owner.Prepare());
        }

        CheckPublished(rules);
        CheckForeignPolicies(rules);
        return _findings;
    }

    private void CheckBridge(NetlinkSocket links, NetworkRecord network)
    {
        if (Links.TryFind(links, network.Bridge, out _) is not { Up: true } bridge)
        {
            Add($"bridge {network.Bridge} is missing or down", () => owner.Prepare());
            return;
        }

        foreach (Link link in Links.List(links))
        {
            if (link.Master == bridge.Index && NetworkNames.IsContainerLink(link.Name) && !isLive(link.Alias))
            {
                string name = link.Name;
                Add($"link {name} belongs to no container", () => RemoveLink(name));
            }
        }
    }

    private void CheckLeases(NetworkRecord network)
    {
        foreach ((string address, string holder) in AddressLeases.List(paths, network.Name))
        {
            if (!isLive(holder))
            {
                string path = $"{AddressLeases.Directory(paths, network.Name)}/{address}";
                Add($"address {address} is leased to {holder}, which doesn't run", () => Files.TryUnlink(path, out _));
            }
        }
    }

    private void CheckAttachments()
    {
        foreach (DirectoryEntry entry in Directories.List(AttachmentRecord.Directory(paths)))
        {
            if (ContainerId.TryParse(entry.Name, out ContainerId id) && !isLive(id.Text))
            {
                Add($"container {id.Short} doesn't run, but holds a place in the network", () =>
                {
                    owner.Release(id);
                    AttachmentRecord.Remove(paths, id);
                });
            }
        }
    }

    private void CheckPublished(NetlinkSocket rules)
    {
        foreach (NftMap map in PublishedMaps.All)
        {
            foreach (NftElement element in NftTables.Elements(rules, names.Table, map.Name))
            {
                if (!isLive(element.Comment))
                {
                    Add($"a port in {map.Name} is published for {element.Comment}, which doesn't run", () => RemoveElement(map.Name, element));
                }
            }
        }
    }

    // An accept of ours ends only our own chain: a packet must pass everybody's.
    private void CheckForeignPolicies(NetlinkSocket rules)
    {
        foreach (NftChain chain in NftTables.Chains(rules))
        {
            if (chain.Hook == (int)NftHook.Forward && chain.Drops && chain.Table != names.Table && (chain.Family is Ipv4Family or InetFamily))
            {
                Add($"chain {chain.Name} of table {chain.Table} drops forwarded packets by policy: unless it accepts those of {names.Bridge}, containers reach nothing outside", null);
            }
        }
    }

    private static void RemoveLink(string name)
    {
        using NetlinkSocket links = NetlinkSocket.Open(NetlinkProtocol.Route);
        if (links.Send(new NetlinkWriter().RemoveLink(name)) is [{ Why: not Errno.ENODEV } refusal, ..])
        {
            throw new SyscallException("remove link", refusal.Why, name);
        }
    }

    private void RemoveElement(string map, NftElement element)
    {
        using NetlinkSocket rules = NetlinkSocket.Open(NetlinkProtocol.Netfilter);
        if (!new NftBatch(names.Table).RemoveElements(map, [element]).TryCommit(rules, out NetlinkRefusal refusal) && refusal.Why != Errno.ENOENT)
        {
            throw new SyscallException("remove published port", refusal.Why, map);
        }
    }

    private void Add(string text, Action? repair) => _findings.Add(new NetworkFinding(text, repair));
}
