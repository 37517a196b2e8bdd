using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>CPUs and memory nodes (cgroup-v1/cpusets.rst, cgroup-v2.rst Cpuset).</summary>
internal static class CpusetController
{
    internal static void Apply(CgroupDirectory? place, CpuResources cpu, LimitWords words, List<string> warnings)
    {
        if (cpu.Cpus is null && cpu.Mems is null)
        {
            return;
        }

        if (place is not { } directory)
        {
            warnings.Add($"{words.Cpus} and {words.MemoryNodes} have no effect: this machine has no cpuset controller");
            return;
        }

        if (cpu.Cpus is { } cpus)
        {
            directory.Set("cpuset.cpus", cpus, words.Cpus);
        }

        if (cpu.Mems is { } mems)
        {
            directory.Set("cpuset.mems", mems, words.MemoryNodes);
        }
    }

    /// <summary>A new v1 cpuset is empty, and nothing can join it until it has CPUs and nodes: it gets its parent's.</summary>
    internal static void Inherit(string directory)
    {
        foreach (string file in (ReadOnlySpan<string>)["cpuset.cpus", "cpuset.mems"])
        {
            if (Files.TryReadText($"{directory}/{file}", out _) is "" && Files.TryReadText($"{Path.GetDirectoryName(directory)}/{file}", out _) is { } inherited)
            {
                Files.TryWriteText($"{directory}/{file}", inherited, out _);
            }
        }
    }
}
