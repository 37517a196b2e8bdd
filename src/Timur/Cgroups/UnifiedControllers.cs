using Timur.Kernel;

namespace Timur.Cgroups;

/// <summary>Delegation in the v2 hierarchy (Documentation/admin-guide/cgroup-v2.rst, Controlling Controllers).</summary>
internal static class UnifiedControllers
{
    /// <summary>
    /// Enables in a directory's children every controller it has. A controller that can't be enabled is left out: the limit that needs it will say so.
    /// </summary>
    internal static void Enable(string directory)
    {
        string available = Files.TryReadText(directory + "/cgroup.controllers", out _) ?? "";
        string enabled = Files.TryReadText(directory + "/cgroup.subtree_control", out _) ?? "";
        string[] has = enabled.Split(' ');
        foreach (string controller in available.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Array.IndexOf(has, controller) < 0)
            {
                Files.TryWriteText(directory + "/cgroup.subtree_control", "+" + controller, out _);
            }
        }
    }

    /// <summary>Enables them in every directory above a cgroup: a parent that somebody else made need not pass them on.</summary>
    internal static void EnableAlong(string mountPoint, string path)
    {
        string directory = mountPoint;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Enable(directory);
            directory += "/" + name;
        }
    }

    /// <summary>Whether a cgroup has one controller.</summary>
    internal static bool Has(string directory, string controller) => Array.IndexOf(Of(directory), controller) >= 0;

    private static string[] Of(string directory) => (Files.TryReadText(directory + "/cgroup.controllers", out _) ?? "").TrimEnd('\n').Split(' ');

    /// <summary>Whether a cgroup has every v2 controller that limits need.</summary>
    internal static bool HasAll(string directory, CgroupLayout layout)
    {
        string[] has = Of(directory);
        foreach (string controller in (ReadOnlySpan<string>)["cpu", "memory", "pids", "io", "cpuset"])
        {
            if (layout.Find(controller == "io" ? "blkio" : controller) is { Version: 2 } && Array.IndexOf(has, controller) < 0)
            {
                return false;
            }
        }

        return true;
    }
}
