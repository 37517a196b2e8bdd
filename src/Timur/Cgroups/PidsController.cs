namespace Timur.Cgroups;

/// <summary>Number of tasks (cgroup-v1/pids.rst, cgroup-v2.rst PID).</summary>
internal static class PidsController
{
    internal static void Apply(CgroupDirectory? place, long? limit, LimitWords words, List<string> warnings)
    {
        if (limit is not { } count)
        {
            return;
        }

        if (place is { } directory)
        {
            directory.Set("pids.max", count > 0 ? count.ToString() : "max", words.Tasks);
        }
        else if (count > 0)
        {
            warnings.Add($"{words.Tasks} has no effect: this machine has no pids controller");
        }
    }
}
