namespace Timur.Cgroups;

/// <summary>A cgroup's counters. Times are nanoseconds, sizes bytes; null means that this machine doesn't tell.</summary>
public sealed record CgroupStatistics
{
    public long? CpuNanoseconds { get; init; }

    public long? ThrottledNanoseconds { get; init; }

    public long? ThrottledPeriods { get; init; }

    public long? MemoryUsage { get; init; }

    /// <summary>Page cache that could be dropped at once (inactive_file): Docker takes it off the usage it shows.</summary>
    public long? MemoryInactiveFile { get; init; }

    public long? MemoryPeak { get; init; }

    /// <summary>Null when unlimited.</summary>
    public long? MemoryLimit { get; init; }

    public long OomKills { get; init; }

    public long? Pids { get; init; }

    public long? PidsLimit { get; init; }

    public long? ReadBytes { get; init; }

    public long? WriteBytes { get; init; }

    /// <summary>Percent of the last ten seconds in which some process waited (PSI, v2 only).</summary>
    public double? CpuPressure { get; init; }

    public double? MemoryPressure { get; init; }

    public double? IoPressure { get; init; }

    internal static CgroupStatistics Read(CgroupDirectory? cpu, CgroupDirectory? account, CgroupDirectory? memory, CgroupDirectory? pids, CgroupDirectory? io)
    {
        bool cpuV1 = account is { Version: 1 };
        bool memoryV1 = memory is { Version: 1 };
        long? limit = memory?.GetNumber(memoryV1 ? "memory.limit_in_bytes" : "memory.max");
        (long? read, long? written) = ReadIo(io);
        return new CgroupStatistics
        {
            CpuNanoseconds = cpuV1 ? account?.GetNumber("cpuacct.usage") : account?.GetNumber("cpu.stat", "usage_usec") * 1000,
            ThrottledPeriods = cpu?.GetNumber("cpu.stat", "nr_throttled"),
            ThrottledNanoseconds = cpu is { Version: 1 } ? cpu?.GetNumber("cpu.stat", "throttled_time") : cpu?.GetNumber("cpu.stat", "throttled_usec") * 1000,
            MemoryUsage = memory?.GetNumber(memoryV1 ? "memory.usage_in_bytes" : "memory.current"),
            MemoryInactiveFile = memory?.GetNumber("memory.stat", memoryV1 ? "total_inactive_file" : "inactive_file"),
            MemoryPeak = memory?.GetNumber(memoryV1 ? "memory.max_usage_in_bytes" : "memory.peak"),
            MemoryLimit = limit is > 0 and < long.MaxValue / 2 ? limit : null,
            OomKills = MemoryController.OomKills(memory),
            Pids = pids?.GetNumber("pids.current"),
            PidsLimit = pids?.GetNumber("pids.max"),
            ReadBytes = read,
            WriteBytes = written,
            CpuPressure = Pressure(cpu, "cpu.pressure"),
            MemoryPressure = Pressure(memory, "memory.pressure"),
            IoPressure = Pressure(io, "io.pressure"),
        };
    }

    private static (long? Read, long? Written) ReadIo(CgroupDirectory? io)
    {
        if (io is not { } directory)
        {
            return (null, null);
        }

        bool v1 = directory.Version == 1;
        long read = 0;
        long written = 0;
        foreach (string line in (directory.Get(v1 ? "blkio.throttle.io_service_bytes" : "io.stat") ?? "").Split('\n'))
        {
            string[] fields = line.Split(' ');
            foreach (string field in fields)
            {
                read += v1 ? 0 : Prefixed(field, "rbytes=");
                written += v1 ? 0 : Prefixed(field, "wbytes=");
            }

            read += v1 && fields is [_, "Read", _] ? long.Parse(fields[2]) : 0;
            written += v1 && fields is [_, "Write", _] ? long.Parse(fields[2]) : 0;
        }

        return (read, written);
    }

    private static long Prefixed(string field, string prefix)
        => field.StartsWith(prefix, StringComparison.Ordinal) && long.TryParse(field.AsSpan(prefix.Length), out long value) ? value : 0;

    /// <summary><c>some avg10=1.23 ...</c></summary>
    private static double? Pressure(CgroupDirectory? place, string file)
    {
        string text = place is { Version: 2 } directory ? directory.Get(file) ?? "" : "";
        int at = text.IndexOf("avg10=", StringComparison.Ordinal);
        return at >= 0 && double.TryParse(text.AsSpan(at + 6, text.IndexOf(' ', at) - at - 6), out double value) ? value : null;
    }
}
