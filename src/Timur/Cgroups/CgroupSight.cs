namespace Timur.Cgroups;

/// <summary>What a container sees of its own cgroups.</summary>
public enum CgroupSight
{
    /// <summary>It has no mount of them.</summary>
    None,

    /// <summary>A mount to read limits and counters from.</summary>
    Read,

    /// <summary>It makes cgroups of its own, as an init system does, and needs one in every hierarchy, or it would find itself in the host's.</summary>
    Write,
}
