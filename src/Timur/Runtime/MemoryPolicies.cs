using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>Where memory comes from on machines with several nodes (set_mempolicy(2)).</summary>
public static class MemoryPolicies
{
    private const int FirstFlag = 13;

    /// <summary>Names of modes, by their numbers.</summary>
    public static IReadOnlyList<string> Modes { get; } =
        ["MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE"];

    /// <summary>Names of flags, from bit 13 on.</summary>
    public static IReadOnlyList<string> Flags { get; } = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"];

    /// <summary>Refused by a <see cref="Failure"/> in the words that callers of other runtimes know.</summary>
    internal static void Compile(LaunchProgram program, MemoryPolicySpec policy)
    {
        int mode = Place(Modes, policy.Mode, "mode");
        foreach (string flag in policy.Flags)
        {
            mode |= 1 << (FirstFlag + Place(Flags, flag, "flag"));
        }

        program.MemoryPolicy(mode, CpuList.Parse(policy.Nodes, "config.json: linux.memoryPolicy.nodes: invalid memory policy node"));
    }

    private static int Place(IReadOnlyList<string> names, string name, string kind)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i] == name)
            {
                return i;
            }
        }

        throw new Failure($"config.json: linux.memoryPolicy: invalid memory policy {kind} \"{name}\"", "set_mempolicy(2) lists them", 1);
    }
}
