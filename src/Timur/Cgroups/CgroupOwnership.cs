using Timur.Kernel;

namespace Timur.Cgroups;

/// <summary>Cgroups that a container manages itself.</summary>
public sealed partial class Cgroup
{
    private const string DelegateList = "/sys/kernel/cgroup/delegate";
    private const uint SameGroup = uint.MaxValue;

    /// <summary>
    /// Lets a user make cgroups below this one and move its processes between them: the directory and the files that the kernel says are for that
    /// become the user's, limits stay root's (cgroup-v2.rst, Delegation; cgroups(7)). On cgroup v2 alone: v1 isn't safe to be given away.
    /// </summary>
    /// <param name="user">As the host numbers it.</param>
    public void GiveTo(uint user)
    {
        if (user == 0 || _layout.Mode != "v2" || UnifiedDirectory() is not { } own)
        {
            return;
        }

        Files.Chown(own.Path, user, SameGroup);
        string files = Files.TryReadText(DelegateList, out _) ?? "cgroup.procs\ncgroup.threads\ncgroup.subtree_control";
        foreach (string path in files.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(file => $"{own.Path}/{file}").Where(Files.Exists))
        {
            Files.Chown(path, user, SameGroup);
        }
    }
}
