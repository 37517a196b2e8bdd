using System.Text;
using Timur.Kernel;

namespace Timur.Cgroups;

/// <summary>Where a controller's hierarchy is mounted, and which version it is.</summary>
public readonly record struct Hierarchy(string MountPoint, int Version);

/// <summary>
/// Which hierarchy each controller lives in on this machine (cgroups(7)): cgroup v1 mounts, the v2 mount, or both (hybrid).
/// </summary>
public sealed class CgroupLayout
{
    private static readonly string[] V1Names = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb", "net_cls", "net_prio", "perf_event", "rdma"];

    private const string UsualPlace = "/sys/fs/cgroup";

    private readonly Dictionary<string, Hierarchy> _controllers = [];

    /// <summary>The v2 mount, on a v2 or a hybrid machine.</summary>
    public string? UnifiedMount { get; private set; }

    /// <summary>The v1 mount without controllers by which systemd tells who belongs to what; null where it has none.</summary>
    public string? SystemdMount { get; private set; }

    /// <summary><c>v1</c>, <c>v2</c>, <c>hybrid</c>, or <c>none</c>.</summary>
    public string Mode => (UnifiedMount, HasV1) switch
    {
        (not null, false) => "v2",
        (not null, true) => "hybrid",
        (null, true) => "v1",
        _ => "none",
    };

    /// <summary>Controllers by name. v2 names are translated: <c>blkio</c> stands for v2's <c>io</c>, and cpu serves <c>cpuacct</c>; v2 needs no controller for devices and freezing.</summary>
    public IReadOnlyDictionary<string, Hierarchy> Controllers => _controllers;

    private bool HasV1 { get; set; }

    /// <summary>
    /// Looks in the usual place (file-hierarchy(7)) first, because mountinfo takes the longer the more is mounted, and every start and end of a
    /// container asks.
    /// </summary>
    public static CgroupLayout Detect()
    {
        var layout = new CgroupLayout();
        if (!layout.TryUsualPlace())
        {
            layout = FromMountInfo();
        }

        layout.AddUnified();
        return layout;
    }

    /// <summary>False when a hierarchy that the kernel has isn't where everybody mounts it.</summary>
    private bool TryUsualPlace()
    {
        if (Mounts.FileSystemType(UsualPlace) == FileSystemMagic.Cgroup2)
        {
            UnifiedMount = UsualPlace;
            return true;
        }

        bool found = false;
        foreach (string line in (Files.TryReadText("/proc/self/cgroup", out _) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // ID:CONTROLLERS:PATH; v2 has no controllers here, and a hierarchy with only a name has none of interest.
            string controllers = line.Split(':', 3)[1];
            string place = $"{UsualPlace}/{(controllers.Length == 0 ? "unified" : controllers)}";
            if (controllers.StartsWith("name=", StringComparison.Ordinal))
            {
                SystemdMount = controllers == "name=systemd" ? $"{UsualPlace}/systemd" : SystemdMount;
                continue;
            }

            long type = Mounts.FileSystemType(place);
            if (controllers.Length == 0)
            {
                UnifiedMount = type == FileSystemMagic.Cgroup2 ? place : null;
            }
            else if (type == FileSystemMagic.Cgroup1)
            {
                AddV1(place, controllers);
                found = true;
            }
            else
            {
                return false;
            }
        }

        return found;
    }

    private static CgroupLayout FromMountInfo()
    {
        var layout = new CgroupLayout();
        string text = Encoding.UTF8.GetString(Files.ReadAll("/proc/self/mountinfo"));
        foreach (string line in text.Split('\n'))
        {
            int separator = line.IndexOf(" - cgroup", StringComparison.Ordinal);
            if (separator < 0)
            {
                continue;
            }

            string mountPoint = line.Split(' ', 6)[4];
            string[] rest = line[(separator + 3)..].Split(' ');
            if (rest[0] == "cgroup2")
            {
                layout.UnifiedMount ??= mountPoint;
            }
            else
            {
                layout.SystemdMount = rest[2].Contains("name=systemd", StringComparison.Ordinal) ? mountPoint : layout.SystemdMount;
                layout.AddV1(mountPoint, rest[2]);
            }
        }

        return layout;
    }

    /// <summary>Where a controller is, or null when this machine doesn't have it.</summary>
    public Hierarchy? Find(string controller) => _controllers.TryGetValue(controller, out Hierarchy hierarchy) ? hierarchy : null;

    private void AddV1(string mountPoint, string superOptions)
    {
        foreach (string option in superOptions.Split(','))
        {
            if (Array.IndexOf(V1Names, option) >= 0 && _controllers.TryAdd(option, new Hierarchy(mountPoint, 1)))
            {
                HasV1 = true;
            }
        }
    }

    private void AddUnified()
    {
        if (UnifiedMount is null)
        {
            return;
        }

        foreach (string name in (Files.TryReadText(UnifiedMount + "/cgroup.controllers", out _) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            _controllers.TryAdd(name == "io" ? "blkio" : name, new Hierarchy(UnifiedMount, 2));
        }

        if (!HasV1)
        {
            var unified = new Hierarchy(UnifiedMount, 2);
            _controllers["freezer"] = unified;
            _controllers["devices"] = unified;
            _controllers["cpuacct"] = unified;
        }
    }
}
