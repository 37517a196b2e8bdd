using Timur.Bench.Candidates;
using Timur.Cgroups;
using Timur.Kernel;

namespace Timur.Bench;

/// <summary>
/// crun and runc want one kind of cgroup hierarchy. Where a machine mounts both, every candidate alike sees a /sys/fs/cgroup without the unified one, in
/// the benchmark's own mount namespace.
/// </summary>
internal static class CgroupView
{
    private const string Place = "/sys/fs/cgroup";

    internal static void HideUnified(Workplace work)
    {
        string unified = Place + "/unified";
        if (CgroupLayout.Detect().Mode != "hybrid" || Mounts.FileSystemType(unified) != FileSystemMagic.Cgroup2)
        {
            return;
        }

        string stage = work.Folder("cgroup");
        Check(Mounts.TryMount("cgroup", stage, "tmpfs", out Errno why, data: "mode=755"), why, stage);
        foreach (DirectoryEntry entry in Directories.List(Place))
        {
            if (entry.Name != "unified" && Mounts.FileSystemType($"{Place}/{entry.Name}") == FileSystemMagic.Cgroup1)
            {
                Directories.Create($"{stage}/{entry.Name}");
                Mounts.Bind($"{Place}/{entry.Name}", $"{stage}/{entry.Name}");
            }
        }

        Mounts.Bind(stage, Place, recursive: true);
        Mounts.DetachTree(stage);
    }

    private static void Check(bool done, Errno why, string target)
    {
        if (!done)
        {
            throw new SyscallException("mount(tmpfs)", why, target);
        }
    }
}
