namespace Timur.Bench.Figures;

/// <summary>Something that is measured, under the key it has in the raw records.</summary>
/// <param name="Unit">As it is shown: <c>ms</c>, <c>MiB/s</c>, or empty for counts.</param>
/// <param name="HigherIsBetter">More is faster: a ratio below 1 is a loss. Otherwise more is slower.</param>
internal sealed record Metric(string Key, string Title, string Unit, bool HigherIsBetter = false);

/// <summary>Every metric of the raw records.</summary>
internal static class Metrics
{
    internal static readonly Metric EventsPerSecond = new("events_per_second", "events per second", "/s", HigherIsBetter: true);
    internal static readonly Metric MemorySpeed = new("memory_mib_per_second", "memory written", "MiB/s", HigherIsBetter: true);
    internal static readonly Metric FileOperations = new("file_operations_per_second", "file operations (reads, writes, fsyncs)", "/s", HigherIsBetter: true);
    internal static readonly Metric Written = new("written_mib_per_second", "written", "MiB/s", HigherIsBetter: true);
    internal static readonly Metric LatencyAverage = new("latency_avg", "latency, average", "ms");
    internal static readonly Metric Milliseconds = new("milliseconds", "time", "ms");
    internal static readonly Metric HelperMemory = new("helper_kib", "resident helper", "KiB");

    /// <summary>In the order the tables show them.</summary>
    internal static readonly Metric[] All =
    [
        new("total_time", "total time", "s"),
        new("events", "events", "", HigherIsBetter: true),
        EventsPerSecond,
        new("latency_min", "latency, minimum", "ms"),
        LatencyAverage,
        new("latency_p95", "latency, 95th percentile", "ms"),
        new("latency_max", "latency, maximum", "ms"),
        new("latency_sum", "latency, sum", "ms"),
        new("events_avg", "events per thread, average", "", HigherIsBetter: true),
        new("events_stddev", "events per thread, standard deviation", ""),
        new("time_avg", "execution time per thread, average", "s"),
        new("time_stddev", "execution time per thread, standard deviation", "s"),
        new("memory_operations_per_second", "memory operations", "/s", HigherIsBetter: true),
        MemorySpeed,
        new("reads_per_second", "reads", "/s", HigherIsBetter: true),
        new("writes_per_second", "writes", "/s", HigherIsBetter: true),
        new("fsyncs_per_second", "fsyncs", "/s", HigherIsBetter: true),
        FileOperations,
        new("read_mib_per_second", "read", "MiB/s", HigherIsBetter: true),
        Written,
        new("disk_reads_per_operation", "disk reads per file operation", ""),
        new("disk_writes_per_operation", "disk writes per file operation", ""),
        new("disk_flushes_per_operation", "disk flushes per file operation", ""),
        new("disk_kib_per_operation", "KiB to the disk per file operation", "KiB"),
        Milliseconds,
        new("cpu_milliseconds", "processor time of the command", "ms"),
        HelperMemory,
    ];

    internal static Metric? Find(string key) => Array.Find(All, metric => metric.Key == key);
}
