using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>Marks and priorities of packets (cgroup-v1/net_cls.rst, net_prio.rst); v2 leaves both to packet filters.</summary>
internal static class NetworkController
{
    internal static void Apply(CgroupDirectory? classes, CgroupDirectory? priorities, NetworkResources network, LimitWords words, List<string> warnings)
    {
        if (network.ClassId is { } id)
        {
            Set(classes, "net_cls.classid", id.ToString(), words.PacketClass, warnings);
        }

        foreach ((string link, uint priority) in network.Priorities)
        {
            Set(priorities, "net_prio.ifpriomap", $"{link} {priority}", $"{words.PacketPriority} on {link}", warnings);
        }
    }

    private static void Set(CgroupDirectory? place, string file, string value, string limit, List<string> warnings)
    {
        if (place is { Version: 1 } directory)
        {
            directory.Set(file, value, limit);
        }
        else
        {
            warnings.Add($"{limit} has no effect: this machine has no {file[..file.IndexOf('.')]} controller");
        }
    }
}
