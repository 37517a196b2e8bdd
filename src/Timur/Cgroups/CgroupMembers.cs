using Timur.Kernel;

namespace Timur.Cgroups;

/// <summary>The processes of a cgroup, in one hierarchy.</summary>
internal static class CgroupMembers
{
    /// <summary>Also those in the cgroups below.</summary>
    internal static IReadOnlyList<int> Of(string directory)
    {
        var pids = new List<int>();
        Collect(directory, pids);
        return pids;
    }

    private static void Collect(string directory, List<int> pids)
    {
        foreach (string line in (Files.TryReadText(directory + "/cgroup.procs", out _) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            pids.Add(int.Parse(line));
        }

        // A directory's links count its subdirectories, which the usual cgroup doesn't have.
        if (Files.TryStatus(directory, out _) is not { Links: > 2 })
        {
            return;
        }

        foreach (DirectoryEntry entry in Directories.List(directory))
        {
            if (entry.Kind == FileKind.Directory)
            {
                Collect($"{directory}/{entry.Name}", pids);
            }
        }
    }
}
