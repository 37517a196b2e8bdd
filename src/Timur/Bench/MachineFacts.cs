using Timur.Cgroups;
using Timur.Engine;
using Timur.Kernel;

namespace Timur.Bench;

/// <summary>What stands beside every figure: the machine it was measured on.</summary>
internal static class MachineFacts
{
    internal static List<KeyValuePair<string, string>> Collect(string directory)
    {
        MountEntry? mount = Mounts.Holding(directory);
        return
        [
            new("kernel", Text("/proc/sys/kernel/osrelease") ?? "unknown"),
            new("system", MachineInfo.OperatingSystemName()),
            new("processor", $"{Environment.ProcessorCount} × {Processor()}"),
            new("frequency governor", Text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") ?? "none: the frequency isn't this system's to choose"),
            new("virtual machine", File.ReadAllText("/proc/cpuinfo").Contains(" hypervisor", StringComparison.Ordinal) ? "yes: other machines may take time away" : "no"),
            new("memory", $"{MachineMemory.Total >> 20} MiB"),
            new("cgroups", CgroupLayout.Detect().Mode),
            new("file system", mount is null ? "unknown" : $"{mount.Type} on {Path.GetFileName(mount.Source)}, {mount.Options},{mount.SuperOptions}"),
            new("disk", Disk(directory)),
            new("load average before", string.Join(' ', (Text("/proc/loadavg") ?? "").Split(' ').Take(3))),
        ];
    }

    private static string Processor()
        => (Text("/proc/cpuinfo") ?? "").Split('\n').FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? System.Runtime.InteropServices.RuntimeInformation.OSArchitecture.ToString();

    private static string Disk(string directory)
    {
        string? stat = DiskCounters.FileFor(directory);
        if (stat is null)
        {
            return "unknown: no block device below this file system";
        }

        string device = Path.GetDirectoryName(stat)!;
        string cache = Text(device + "/queue/write_cache") ?? "?";
        return $"{(Text(device + "/queue/rotational") == "1" ? "rotating" : "not rotating")}, scheduler {Text(device + "/queue/scheduler") ?? "?"}, write cache: {cache}{(cache == "write through" ? " (a flush costs nothing)" : "")}";
    }

    private static string? Text(string file) => Files.TryReadText(file, out _);
}
