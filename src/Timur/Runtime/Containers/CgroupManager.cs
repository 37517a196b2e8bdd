namespace Timur.Runtime.Containers;

/// <summary>Who makes the cgroup of a new container.</summary>
public enum CgroupManager
{
    /// <summary>This process, in the mounted hierarchies.</summary>
    Files,

    /// <summary>systemd: it is a unit.</summary>
    Systemd,

    /// <summary>Nobody: the container stays where its creator is, without limits, and can't be paused.</summary>
    Disabled,
}
