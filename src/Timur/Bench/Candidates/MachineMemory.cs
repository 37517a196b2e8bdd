using Timur.Kernel;

namespace Timur.Bench.Candidates;

/// <summary>Memory of the machine, from /proc/meminfo (proc_meminfo(5)).</summary>
internal static class MachineMemory
{
    /// <summary>The value of a line such as <c>MemTotal</c> in KiB; 0 when there is none.</summary>
    internal static long Kibibytes(string name)
    {
        string? line = (Files.TryReadText("/proc/meminfo", out _) ?? "").Split('\n').FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }
}
