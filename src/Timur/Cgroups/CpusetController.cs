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

    /// <summary>
    /// A new v1 cpuset is empty, and nothing can join it until it has CPUs and nodes: it gets its parent's. So does the parent, which somebody may have made just now, or left
    /// empty: the hierarchy's top never is.
    /// </summary>
    internal static void Inherit(string directory)
    {
        foreach (string file in (ReadOnlySpan<string>)["cpuset.cpus", "cpuset.mems"])
        {
            Filled(directory, file);
        }
    }

    /// <summary>What the file holds, once it has been filled; null above the hierarchy.</summary>
    private static string? Filled(string directory, string file)
    {
        string? held = Files.TryReadText($"{directory}/{file}", out _);
        if (held is "" && Filled(Path.GetDirectoryName(directory)!, file) is { Length: > 0 } inherited)
        {
            Files.TryWriteText($"{directory}/{file}", inherited, out _);
            return inherited;
        }

        return held;
    }
}
