namespace Timur.Cgroups;

/// <summary>Stopping all processes of a cgroup (cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst cgroup.freeze).</summary>
internal static class Freezer
{
    /// <summary>Returns when every process is stopped; a cgroup that doesn't get there in 2 s is thawed again.</summary>
    internal static void Freeze(CgroupDirectory directory)
    {
        for (int attempt = 0; attempt < 1000; attempt++)
        {
            // v1 can hang half-way while processes fork: asking again helps.
            directory.Set(directory.Version == 1 ? "freezer.state" : "cgroup.freeze", directory.Version == 1 ? "FROZEN" : "1", "pause");
            if (IsFrozen(directory))
            {
                return;
            }

            Thread.Sleep(2);
        }

        TryThaw(directory);
        throw new Failure("pause: some processes didn't stop within two seconds", "they may be waiting for a device; see ps -o stat");
    }

    internal static bool TryThaw(CgroupDirectory? place) => place is { } directory
        && (directory.Version == 1 ? directory.TrySet("freezer.state", "THAWED", out _) : directory.TrySet("cgroup.freeze", "0", out _));

    internal static bool IsFrozen(CgroupDirectory? place) => place switch
    {
        { Version: 1 } v1 => v1.Get("freezer.state") == "FROZEN",
        { } v2 => v2.GetNumber("cgroup.events", "frozen") == 1,
        _ => false,
    };
}
