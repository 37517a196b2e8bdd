using System.Globalization;

namespace Timur.Bench.Figures;

/// <summary>One bar of the latency histogram: how many events took about this long.</summary>
internal readonly record struct LatencyBar(double Milliseconds, long Count);

/// <summary>What one run of sysbench printed.</summary>
/// <param name="Values">By metric key.</param>
internal sealed record SysbenchResult(string Version, IReadOnlyDictionary<string, double> Values, IReadOnlyList<LatencyBar> Histogram);

/// <summary>
/// Reads the report that sysbench prints, of versions 0.4.12, 1.0 and 1.1. Every line of it is understood or refused: a figure in a form that isn't known
/// must not pass as none.
/// </summary>
internal sealed class SysbenchOutput
{
    /// <summary>Lines that carry no figure, by how they begin.</summary>
    private static readonly string[] Prose =
    [
        "Running the test", "Running memory speed test", "Number of threads", "Initializing", "Threads started", "Time limit exceeded", "Done.", "Prime numbers limit", "WARNING:", "Doing ",
        "block size:", "total size:", "operation:", "scope:", "Extra file open flags", "Block size", "Number of IO requests", "Number of random requests",
        "Read/Write ratio", "Combined Random", "Periodic FSYNC", "Calling fsync", "Using ", "Additional request validation", "Validation checks", "Memory block size", "Memory transfer size", "Memory operations type",
        "Memory scope type",
        "Random number generator seed", "Maximum prime number", "Test execution summary", "General statistics", "Latency histogram", "value  ---", "(last message repeated",
        "Thread yields per test", "Operations performed", "total file size", "Report intermediate", "Warmup time", "Target transaction rate",
    ];

    private static readonly string[] Sections = ["CPU speed:", "File operations:", "Throughput:", "Latency (ms):", "per-request statistics:", "Threads fairness:", "Operations performed:"];

    private readonly Dictionary<string, double> _values = [];
    private readonly List<LatencyBar> _histogram = [];
    private string _section = "";
    private string _version = "";

    /// <exception cref="FormatException">Names the line that isn't known, or says what is missing.</exception>
    internal static SysbenchResult Parse(string text)
    {
        var output = new SysbenchOutput();
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            string trimmed = line.Trim();
            if (trimmed.Length > 0 && !output.Read(trimmed))
            {
                throw new FormatException($"line {number} of sysbench's output isn't known: '{trimmed}'");
            }
        }

        output.Derive();
        return output._values.ContainsKey("total_time")
            ? new SysbenchResult(output._version, output._values, output._histogram)
            : throw new FormatException("sysbench's output ends without a total time: it was cut off");
    }

    private bool Read(string line)
    {
        if (line.StartsWith("sysbench ", StringComparison.Ordinal))
        {
            _version = line.Split(' ')[1].TrimEnd(':');
            return true;
        }

        if (Array.IndexOf(Sections, line) >= 0)
        {
            _section = line.TrimEnd(':');
            return true;
        }

        return ReadBar(line) || ReadFigures(line) || Array.Exists(Prose, line.StartsWith) || IsFilesLine(line);
    }

    /// <summary><c>1.163 |******* 29</c>.</summary>
    private bool ReadBar(string line)
    {
        int bar = line.IndexOf('|');
        int space = line.LastIndexOf(' ');
        if (bar < 1 || space < bar || !Number(line[..bar].Trim(), out double value) || !long.TryParse(line[(space + 1)..], CultureInfo.InvariantCulture, out long count))
        {
            return false;
        }

        _histogram.Add(new LatencyBar(value, count));
        return true;
    }

    private bool ReadFigures(string line) => ReadGeneral(line) || ReadLatency(line) || ReadFairness(line) || ReadMemory(line) || ReadFiles(line);

    private bool ReadGeneral(string line)
        => Take(line, "events per second:", "events_per_second") || Take(line, "events/s (eps):", "events_per_second")
        || Take(line, "total time:", "total_time", "s") || Take(line, "time elapsed:", "total_time", "s")
        || Take(line, "total number of events:", "events") || TakeSeconds(line, "total time taken by event execution:", "latency_sum");

    private bool ReadLatency(string line)
        => _section is "Latency (ms)" or "per-request statistics"
        && (Take(line, "min:", "latency_min", "ms") || Take(line, "avg:", "latency_avg", "ms") || Take(line, "max:", "latency_max", "ms") || Take(line, "sum:", "latency_sum")
            || Take(line, "95th percentile:", "latency_p95", "ms") || Take(line, "approx.  95 percentile:", "latency_p95", "ms"));

    private bool ReadFairness(string line) => TakePair(line, "events (avg/stddev):", "events_avg", "events_stddev") || TakePair(line, "execution time (avg/stddev):", "time_avg", "time_stddev");

    /// <summary><c>Total operations: 10240 (28571.89 per second)</c>; 0.4 says <c>Operations performed: 10240 (28571.89 ops/sec)</c>.</summary>
    private bool ReadMemory(string line)
    {
        if (line.StartsWith("Total operations:", StringComparison.Ordinal) || (line.StartsWith("Operations performed:", StringComparison.Ordinal) && line.EndsWith("ops/sec)", StringComparison.Ordinal)))
        {
            return Inside(line, "memory_operations_per_second");
        }

        return (line.Contains("MiB transferred (", StringComparison.Ordinal) || line.Contains("MB transferred (", StringComparison.Ordinal)) && Inside(line, "memory_mib_per_second");
    }

    private bool ReadFiles(string line)
        => Take(line, "reads/s:", "reads_per_second") || Take(line, "writes/s:", "writes_per_second") || Take(line, "fsyncs/s:", "fsyncs_per_second")
        || Take(line, "read, MiB/s:", "read_mib_per_second") || Take(line, "written, MiB/s:", "written_mib_per_second")
        || ReadIops(line, "read:", "reads_per_second", "read_mib_per_second") || ReadIops(line, "write:", "writes_per_second", "written_mib_per_second")
        || ReadIops(line, "fsync:", "fsyncs_per_second", null);

    /// <summary>1.1: <c>read:  IOPS=4366.15 68.22 MiB/s (71.53 MB/s)</c>.</summary>
    private bool ReadIops(string line, string start, string operations, string? speed)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2 || words[0] != start || !words[1].StartsWith("IOPS=", StringComparison.Ordinal) || !Number(words[1][5..], out double perSecond))
        {
            return false;
        }

        _values[operations] = perSecond;
        if (speed is not null && words.Length > 2 && Number(words[2], out double mebibytes))
        {
            _values[speed] = mebibytes;
        }

        return true;
    }

    /// <summary><c>128 files, 8MiB each</c>, <c>1GiB total file size</c>.</summary>
    private static bool IsFilesLine(string line)
        => char.IsAsciiDigit(line[0]) && (line.EndsWith(" each", StringComparison.Ordinal) || line.EndsWith(" total file size", StringComparison.Ordinal));

    /// <summary>What some versions leave to the reader.</summary>
    private void Derive()
    {
        if (_values.TryGetValue("events", out double events) && _values.TryGetValue("total_time", out double time) && time > 0)
        {
            _values.TryAdd("events_per_second", events / time);
        }

        if (_values.TryGetValue("reads_per_second", out double reads) && _values.TryGetValue("writes_per_second", out double writes))
        {
            _values["file_operations_per_second"] = reads + writes + _values.GetValueOrDefault("fsyncs_per_second");
        }
    }

    private bool Take(string line, string start, string key, string unit = "")
    {
        if (!line.StartsWith(start, StringComparison.Ordinal))
        {
            return false;
        }

        string rest = line[start.Length..].Trim();
        rest = unit.Length > 0 && rest.EndsWith(unit, StringComparison.Ordinal) ? rest[..^unit.Length] : rest;
        return Number(rest, out double value) && Set(key, value);
    }

    private bool TakeSeconds(string line, string start, string key) => Take(line, start, key) && Set(key, _values[key] * 1000);

    private bool TakePair(string line, string start, string first, string second)
    {
        if (!line.StartsWith(start, StringComparison.Ordinal))
        {
            return false;
        }

        string[] parts = line[start.Length..].Split('/');
        return parts.Length == 2 && Number(parts[0].Trim(), out double one) && Number(parts[1].Trim(), out double two) && Set(first, one) && Set(second, two);
    }

    /// <summary>The number that begins the parentheses.</summary>
    private bool Inside(string line, string key)
    {
        int open = line.IndexOf('(');
        string inside = open < 0 ? "" : line[(open + 1)..].TrimStart();
        int end = inside.IndexOf(' ');
        return end > 0 && Number(inside[..end], out double value) && Set(key, value);
    }

    private bool Set(string key, double value)
    {
        _values[key] = value;
        return true;
    }

    private static bool Number(string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
}
