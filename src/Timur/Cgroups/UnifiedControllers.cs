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
}
