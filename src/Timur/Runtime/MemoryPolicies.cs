using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>Where memory comes from on machines with several nodes (set_mempolicy(2)).</summary>
internal static class MemoryPolicies
{
    internal static void Compile(LaunchProgram program, MemoryPolicySpec policy)
    {
        int mode = policy.Mode switch
        {
            "MPOL_DEFAULT" => 0,
            "MPOL_PREFERRED" => 1,
            "MPOL_BIND" => 2,
            "MPOL_INTERLEAVE" => 3,
            "MPOL_LOCAL" => 4,
            "MPOL_PREFERRED_MANY" => 5,
            "MPOL_WEIGHTED_INTERLEAVE" => 6,
            _ => throw new Failure($"config.json: linux.memoryPolicy.mode: '{policy.Mode}' isn't a mode", "set_mempolicy(2) lists them"),
        };
        foreach (string flag in policy.Flags)
        {
            mode |= flag switch
            {
                "MPOL_F_NUMA_BALANCING" => 1 << 13,
                "MPOL_F_RELATIVE_NODES" => 1 << 14,
                "MPOL_F_STATIC_NODES" => 1 << 15,
                _ => throw new Failure($"config.json: linux.memoryPolicy.flags: '{flag}' isn't a flag", "set_mempolicy(2) lists them"),
            };
        }

        program.MemoryPolicy(mode, CpuList.Parse(policy.Nodes, "config.json: linux.memoryPolicy.nodes"));
    }
}
