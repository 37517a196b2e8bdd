using System.Text.Json;
using Timur.Cgroups;

namespace Timur.Cli.Oci;

/// <summary>Counters of block I/O by device and direction (cgroup-v1/blkio-controller.rst, cgroup-v2.rst io.stat).</summary>
internal static class BlockIoJson
{
    private static readonly (string Name, string[] Files)[] FilesV1 =
    [
        ("ioServiceBytesRecursive", ["blkio.bfq.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"]),
        ("ioServicedRecursive", ["blkio.bfq.io_serviced_recursive", "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"]),
        ("ioQueueRecursive", ["blkio.bfq.io_queued_recursive"]),
        ("ioServiceTimeRecursive", ["blkio.bfq.io_service_time_recursive"]),
        ("ioWaitTimeRecursive", ["blkio.bfq.io_wait_time_recursive"]),
        ("ioMergedRecursive", ["blkio.bfq.io_merged_recursive"]),
        ("ioTimeRecursive", ["blkio.bfq.time_recursive"]),
        ("sectorsRecursive", ["blkio.bfq.sectors_recursive"]),
    ];

    private static readonly (string Name, string Key, string Operation)[] KeysV2 =
    [
        ("ioServiceBytesRecursive", "rbytes", "Read"), ("ioServiceBytesRecursive", "wbytes", "Write"), ("ioServicedRecursive", "rios", "Read"), ("ioServicedRecursive", "wios", "Write"),
    ];

    private readonly record struct Entry(long Major, long Minor, string Operation, long Value);

    internal static void Write(Utf8JsonWriter json, CgroupDirectory io)
    {
        if (io.Version == 1)
        {
            foreach ((string name, string[] files) in FilesV1)
            {
                Write(json, name, files.Select(file => FromV1(io.Get(file))).FirstOrDefault(entries => entries.Count > 0) ?? []);
            }

            return;
        }

        string text = io.Get("io.stat") ?? "";
        foreach (IGrouping<string, (string Name, string Key, string Operation)> group in KeysV2.GroupBy(key => key.Name))
        {
            Write(json, group.Key, [.. group.SelectMany(key => FromV2(text, key.Key, key.Operation))]);
        }
    }

    /// <summary><c>8:0 Read 4096</c>; a line without a device is the sum of all.</summary>
    private static List<Entry> FromV1(string? text)
    {
        var entries = new List<Entry>();
        foreach (string line in (text ?? "").Split('\n'))
        {
            string[] fields = line.Split(' ', ':');
            if (fields.Length is 3 or 4 && long.TryParse(fields[0], out long major) && long.TryParse(fields[1], out long minor) && long.TryParse(fields[^1], out long value))
            {
                entries.Add(new Entry(major, minor, fields.Length == 4 ? fields[2] : "", value));
            }
        }

        return entries;
    }

    /// <summary><c>8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0</c>.</summary>
    private static IEnumerable<Entry> FromV2(string text, string key, string operation)
    {
        foreach (string line in text.Split('\n'))
        {
            string[] fields = line.Split(' ');
            string[] device = fields[0].Split(':');
            string? found = fields.FirstOrDefault(field => field.StartsWith(key + "=", StringComparison.Ordinal));
            if (found is not null && device.Length == 2 && long.TryParse(found.AsSpan(key.Length + 1), out long value))
            {
                yield return new Entry(long.Parse(device[0]), long.Parse(device[1]), operation, value);
            }
        }
    }

    private static void Write(Utf8JsonWriter json, string name, List<Entry> entries)
    {
        if (entries.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (Entry entry in entries)
        {
            json.WriteStartObject();
            json.WriteNumber("major", entry.Major);
            json.WriteNumber("minor", entry.Minor);
            if (entry.Operation.Length > 0)
            {
                json.WriteString("op", entry.Operation);
            }

            json.WriteNumber("value", entry.Value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
