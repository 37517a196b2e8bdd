using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>Marks and priorities of packets (cgroup-v1/net_cls.rst, net_prio.rst); v2 leaves both to packet filters.</summary>
internal static class NetworkController
{
    /// <param name="warnings">Get what v2 can't do; null on v1, where a controller that isn't there is a failure.</param>
    internal static void Apply(CgroupDirectory? classes, CgroupDirectory? priorities, NetworkResources network, LimitWords words, List<string>? warnings)
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

    private static void Set(CgroupDirectory? place, string file, string value, string limit, List<string>? warnings)
    {
        string controller = file[..file.IndexOf('.')];
        if (place is { Version: 1 } directory)
        {
            directory.Set(file, value, limit);
        }
        else if (warnings is null)
        {
            throw CgroupDirectory.Missing(controller, limit);
        }
        else
        {
            warnings.Add($"{limit} has no effect: cgroup v2 has no {controller} controller");
        }
    }
}
