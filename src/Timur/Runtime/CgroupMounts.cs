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

    /// <summary>Gives a new cgroup to the container's user, where that is how it should be.</summary>
    public static void HandOver(Spec spec, Cgroup cgroup)
    {
        if (OwnerOf(spec) is { } owner)
        {
            cgroup.GiveTo(owner);
        }
    }

    /// <summary>
    /// Whose the container's own cgroup is to be on cgroup v2, as the host numbers users: the process's, if it sees a cgroup namespace of its own that it may write
    /// to (runtime-spec config-linux.md, Cgroup ownership). Null where nobody is to get it.
    /// </summary>
    private static uint? OwnerOf(Spec spec)
    {
        bool isOwn = spec.Linux.Namespaces.Any(ns => ns is { Type: "cgroup", Path: null });
        if (!isOwn || spec.Process is not { } process || SightOf(spec) != CgroupSight.Write)
        {
            return null;
        }

        return spec.Linux.Namespaces.FirstOrDefault(ns => ns.Type == "user") is not { } users ? process.UserId
            : users.Path is null ? IdMapping.Outside(spec.Linux.UidMappings, process.UserId) : null;
    }
}
