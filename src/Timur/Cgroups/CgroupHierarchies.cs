using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cgroups;

/// <content>Which directories in which hierarchies a cgroup is.</content>
public sealed partial class Cgroup
{
    /// <summary>The directory that has this controller.</summary>
    private CgroupDirectory? Directory(string controller)
        => _layout.Find(controller) is { } hierarchy ? new CgroupDirectory(hierarchy.MountPoint + Path, hierarchy.Version) : null;

    /// <summary>Where there is no v1, every process is in it, whatever controllers the machine has; on a mixed machine only when one of ours is there.</summary>
    private CgroupDirectory? UnifiedDirectory()
        => _layout is { Mode: "v2", UnifiedMount: { } mount } ? new CgroupDirectory(mount + Path, 2) : Directory("memory") is { Version: 2 } directory ? directory : null;

    private CgroupDirectory? Anchor() => Directory("pids") ?? Directory("memory") ?? Directory("cpu") ?? UnifiedDirectory();

    /// <summary>Each directory once: controllers may share a hierarchy.</summary>
    private List<CgroupDirectory> Directories()
    {
        var directories = new List<CgroupDirectory>();
        foreach (string controller in Used)
        {
            AddOnce(directories, controller);
        }

        foreach (string controller in Optional)
        {
            if (Directory(controller) is { } optional && Files.Exists(optional.Path))
            {
                AddOnce(directories, controller);
            }
        }

        foreach (CgroupDirectory? further in (ReadOnlySpan<CgroupDirectory?>)[OfSystemd(), BesideV1()])
        {
            if (further is { } directory && Files.Exists(directory.Path))
            {
                directories.Add(directory);
            }
        }

        return directories;
    }

    /// <summary>In the hierarchy by which systemd tells who belongs to what; null where systemd makes it itself.</summary>
    private CgroupDirectory? OfSystemd() => !IsTracked && _layout is { Mode: not "v2", SystemdMount: { } mount } ? new CgroupDirectory(mount + Path, 1) : null;

    /// <summary>On a mixed machine, where v2 has no controller of ours; null elsewhere.</summary>
    private CgroupDirectory? BesideV1()
        => !IsTracked && _layout is { Mode: "hybrid", UnifiedMount: { } mount } && UnifiedDirectory() is null ? new CgroupDirectory(mount + Path, 2) : null;

    private void AddOnce(List<CgroupDirectory> directories, string controller)
    {
        if (Directory(controller) is { } directory && !directories.Contains(directory))
        {
            directories.Add(directory);
        }
    }

    private void MakeDirectories(LinuxResources resources)
    {
        foreach (string controller in Used)
        {
            Make(controller);
        }

        if (resources.Cpu.Cpus is not null || resources.Cpu.Mems is not null)
        {
            Make("cpuset");
        }

        if (resources.HugepageLimits.Count > 0)
        {
            Make("hugetlb");
        }

        if (resources.Network.ClassId is not null || resources.Network.Priorities.Count > 0)
        {
            Make("net_cls");
            Make("net_prio");
        }

        if (resources.Rdma.Count > 0)
        {
            Make("rdma");
        }
    }

    private void MakeDirectoriesToSee(CgroupSight sight)
    {
        if (sight == CgroupSight.Read)
        {
            // Java's machine takes no limit for one where it sees no cpuset.
            Make("cpuset");
        }
        else if (sight == CgroupSight.Write)
        {
            MakeFurtherDirectories();
        }
    }

    private void MakeFurtherDirectories()
    {
        foreach (string controller in Optional)
        {
            Make(controller);
        }

        if (_layout is { Mode: not "v2", SystemdMount: { } systemd } && Mounts.FileSystemType(systemd) == FileSystemMagic.Cgroup1)
        {
            Make("", new Hierarchy(systemd, 1));
        }

        if (BesideV1() is not null)
        {
            Make("", new Hierarchy(_layout.UnifiedMount!, 2));
        }
    }

    private void Make(string controller)
    {
        if (_layout.Find(controller) is { } hierarchy)
        {
            Make(controller, hierarchy);
        }
    }

    private void Make(string controller, Hierarchy hierarchy)
    {
        string directory = hierarchy.MountPoint + Path;
        if (Kernel.Directories.TryCreate(directory, out Errno why))
        {
            _made.Add(directory);
            if (hierarchy.Version == 2 && !UnifiedControllers.HasAll(directory, _layout))
            {
                UnifiedControllers.EnableAlong(hierarchy.MountPoint, Path);
            }

            Inherit(controller, hierarchy, directory);
        }
        else if (why != Errno.EEXIST)
        {
            MakeAlong(hierarchy, controller);
            _made.Add(directory);
        }
        else
        {
            // Controllers may share a hierarchy.
            _existed |= !_made.Contains(directory);
        }

        // systemd passes on what it knows, which huge pages aren't part of.
        if (hierarchy.Version == 2 && Array.IndexOf(Optional, controller) >= 0 && !UnifiedControllers.Has(directory, controller))
        {
            UnifiedControllers.EnableAlong(hierarchy.MountPoint, Path);
        }
    }

    /// <summary>Makes what is missing of the path, from the top.</summary>
    private void MakeAlong(Hierarchy hierarchy, string controller)
    {
        string directory = hierarchy.MountPoint;
        foreach (string name in Path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (hierarchy.Version == 2)
            {
                UnifiedControllers.Enable(directory);
            }

            directory += "/" + name;
            if (!Kernel.Directories.TryCreate(directory, out Errno why) && why != Errno.EEXIST)
            {
                throw new SyscallException("mkdir", why, directory);
            }

            Inherit(controller, hierarchy, directory);
        }
    }

    private static void Inherit(string controller, Hierarchy hierarchy, string directory)
    {
        if (controller == "cpuset" && hierarchy.Version == 1)
        {
            CpusetController.Inherit(directory);
        }
    }
}
