using Timur.Cgroups;
using Timur.Kernel;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>The mounts of a specification by which a container sees its cgroups.</summary>
public static class CgroupMounts
{
    public static CgroupSight SightOf(Spec spec)
    {
        MountSpec? mount = spec.Mounts.LastOrDefault(mount => mount.Type is "cgroup" or "cgroup2");
        return mount is null ? CgroupSight.None : (MountOptions.Parse(mount.Options).Set & MountAttributes.ReadOnly) == 0 ? CgroupSight.Write : CgroupSight.Read;
    }
}
