using System.Globalization;
using System.Text.Json;
using Timur.Cgroups;

namespace Timur.Cli.Oci;

/// <summary>
/// A container's counters in the members that readers of <c>events</c> know from runc: the same for cgroup v1 and v2, times in nanoseconds, sizes in bytes, and a zero
/// left out where runc leaves it out.
/// </summary>
internal static class StatisticsJson
{
    private const long NanosecondsInTick = 10_000_000;

    internal static void Write(Utf8JsonWriter json, Cgroup cgroup)
    {
        json.WriteStartObject("cpu");
        Processor(json, cgroup);
        json.WriteEndObject();
        json.WriteStartObject("cpuset");
        if (cgroup.Nearest("cpuset") is { } cpuset)
        {
            CpuSet(json, cpuset);
        }

        json.WriteEndObject();
        json.WriteStartObject("memory");
        if (cgroup.Find("memory") is { } memory)
        {
            Memory(json, memory);
        }

        json.WriteEndObject();
        json.WriteStartObject("pids");
        Counted(json, "current", cgroup.Find("pids")?.GetNumber("pids.current"));
        Counted(json, "limit", cgroup.Find("pids")?.GetNumber("pids.max"));
        json.WriteEndObject();
        json.WriteStartObject("blkio");
        if (cgroup.Find("blkio") is { } io)
        {
            BlockIoJson.Write(json, io);
            Pressure(json, io, "io.pressure");
        }

        json.WriteEndObject();
        json.WriteStartObject("hugetlb");
        if (cgroup.Find("hugetlb") is { } hugetlb)
        {
            HugePages(json, hugetlb);
        }

        json.WriteEndObject();
        json.WriteStartObject("intel_rdt");
        json.WriteEndObject();
        json.WriteNull("network_interfaces");
    }

    private static void Processor(Utf8JsonWriter json, Cgroup cgroup)
    {
        CgroupDirectory? account = cgroup.Find("cpuacct");
        CgroupDirectory? cpu = cgroup.Find("cpu");
        bool v1 = account is { Version: 1 };
        json.WriteStartObject("usage");
        Counted(json, "total", v1 ? account?.GetNumber("cpuacct.usage") : account?.GetNumber("cpu.stat", "usage_usec") * 1000);
        if (v1)
        {
            Array(json, "percpu", Numbers(account?.Get("cpuacct.usage_percpu")));
            string[][] rows = [.. (account?.Get("cpuacct.usage_all") ?? "").Split('\n').Skip(1).Select(line => line.Split(' ')).Where(fields => fields.Length == 3)];
            Array(json, "percpu_kernel", [.. rows.Select(fields => Number(fields[2]))]);
            Array(json, "percpu_user", [.. rows.Select(fields => Number(fields[1]))]);
        }

        json.WriteNumber("kernel", (v1 ? account?.GetNumber("cpuacct.stat", "system") * NanosecondsInTick : account?.GetNumber("cpu.stat", "system_usec") * 1000) ?? 0);
        json.WriteNumber("user", (v1 ? account?.GetNumber("cpuacct.stat", "user") * NanosecondsInTick : account?.GetNumber("cpu.stat", "user_usec") * 1000) ?? 0);
        json.WriteEndObject();
        json.WriteStartObject("throttling");
        Counted(json, "periods", cpu?.GetNumber("cpu.stat", "nr_periods"));
        Counted(json, "throttledPeriods", cpu?.GetNumber("cpu.stat", "nr_throttled"));
        Counted(json, "throttledTime", cpu is { Version: 1 } ? cpu?.GetNumber("cpu.stat", "throttled_time") : cpu?.GetNumber("cpu.stat", "throttled_usec") * 1000);
        json.WriteEndObject();
        Pressure(json, cpu, "cpu.pressure");
    }

    private static void CpuSet(Utf8JsonWriter json, CgroupDirectory cpuset)
    {
        string effective = cpuset.Version == 1 ? "cpuset.effective_" : "cpuset.";
        string suffix = cpuset.Version == 1 ? "" : ".effective";
        Array(json, "cpus", Ranges(cpuset.Get($"{effective}cpus{suffix}")));
        json.WriteNumber("cpu_exclusive", cpuset.GetNumber("cpuset.cpu_exclusive") ?? 0);
        Array(json, "mems", Ranges(cpuset.Get($"{effective}mems{suffix}")));
        foreach (string name in (ReadOnlySpan<string>)["mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab", "memory_pressure", "sched_load_balance", "sched_relax_domain_level"])
        {
            json.WriteNumber(name, cpuset.GetNumber("cpuset." + name) ?? 0);
        }
    }

    private static void Memory(Utf8JsonWriter json, CgroupDirectory memory)
    {
        bool v1 = memory.Version == 1;
        Counted(json, "cache", memory.GetNumber("memory.stat", v1 ? "cache" : "file"));
        if (v1)
        {
            EntryV1(json, "usage", memory, "memory");
            EntryV1(json, "swap", memory, "memory.memsw");
            EntryV1(json, "kernel", memory, "memory.kmem");
            EntryV1(json, "kernelTCP", memory, "memory.kmem.tcp");
        }
        else
        {
            long usage = memory.GetNumber("memory.current") ?? 0;
            ulong limit = LimitV2(memory, "memory.max");
            ulong swap = LimitV2(memory, "memory.swap.max");
            Entry(json, "usage", limit, usage, memory.GetNumber("memory.peak"), memory.GetNumber("memory.events", "max") ?? 0);

            // Together, as v1 counts it.
            Entry(json, "swap", ulong.MaxValue - limit < swap ? ulong.MaxValue : limit + swap, usage + (memory.GetNumber("memory.swap.current") ?? 0), null, memory.GetNumber("memory.swap.events", "max") ?? 0);
            Entry(json, "kernel", 0, memory.GetNumber("memory.stat", "kernel") ?? 0, null, 0);
            Entry(json, "kernelTCP", 0, memory.GetNumber("memory.stat", "sock") ?? 0, null, 0);
        }

        json.WriteStartObject("raw");
        foreach ((string name, long value) in Words(memory.Get("memory.stat")))
        {
            json.WriteNumber(name, value);
        }

        json.WriteEndObject();
        Pressure(json, memory, "memory.pressure");
        json.WriteStartObject("event_count");
        foreach ((string name, long value) in Words(v1 ? null : memory.Get("memory.events")))
        {
            Counted(json, name, value);
        }

        json.WriteEndObject();
    }

    private static void EntryV1(Utf8JsonWriter json, string name, CgroupDirectory memory, string prefix)
        => Entry(
            json, name, (ulong)(memory.GetNumber(prefix + ".limit_in_bytes") ?? 0), memory.GetNumber(prefix + ".usage_in_bytes") ?? 0, memory.GetNumber(prefix + ".max_usage_in_bytes"),
            memory.GetNumber(prefix + ".failcnt") ?? 0);

    private static void Entry(Utf8JsonWriter json, string name, ulong limit, long usage, long? most, long failures)
    {
        json.WriteStartObject(name);
        json.WriteNumber("limit", limit);
        Counted(json, "usage", usage);
        Counted(json, "max", most);
        json.WriteNumber("failcnt", failures);
        json.WriteEndObject();
    }

    /// <summary>All ones where there is no limit.</summary>
    private static ulong LimitV2(CgroupDirectory memory, string file) => memory.Get(file) is { } text && ulong.TryParse(text, out ulong limit) ? limit : ulong.MaxValue;

    private static void HugePages(Utf8JsonWriter json, CgroupDirectory hugetlb)
    {
        bool v1 = hugetlb.Version == 1;
        string last = v1 ? ".usage_in_bytes" : ".current";
        foreach (string file in hugetlb.Names())
        {
            // hugetlb.2MB.current; those of reservations have one more word.
            if (!file.StartsWith("hugetlb.", StringComparison.Ordinal) || !file.EndsWith(last, StringComparison.Ordinal) || file.Split('.') is not [_, var size, _])
            {
                continue;
            }

            json.WriteStartObject(size);
            Counted(json, "usage", hugetlb.GetNumber(file));
            Counted(json, "max", v1 ? hugetlb.GetNumber($"hugetlb.{size}.max_usage_in_bytes") : null);
            json.WriteNumber("failcnt", (v1 ? hugetlb.GetNumber($"hugetlb.{size}.failcnt") : hugetlb.GetNumber($"hugetlb.{size}.events", "max")) ?? 0);
            json.WriteEndObject();
        }
    }

    /// <summary>Pressure stall information (Documentation/accounting/psi.rst): percent of the last 10, 60 and 300 seconds, and microseconds in all.</summary>
    private static void Pressure(Utf8JsonWriter json, CgroupDirectory? place, string file)
    {
        if (place is not { Version: 2 } directory || directory.Get(file) is not { Length: > 0 } text)
        {
            return;
        }

        json.WriteStartObject("psi");
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split(' ');
            json.WriteStartObject(words[0]);
            foreach (string word in words.Skip(1))
            {
                string[] pair = word.Split('=');
                json.WriteNumber(pair[0], decimal.Parse(pair[1], CultureInfo.InvariantCulture));
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static IEnumerable<(string Name, long Value)> Words(string? text)
    {
        foreach (string line in (text ?? "").Split('\n'))
        {
            if (line.Split(' ') is [var name, var value] && long.TryParse(value, out long number))
            {
                yield return (name, number);
            }
        }
    }

    private static long[] Numbers(string? text) => [.. (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Number)];

    private static long Number(string text) => long.TryParse(text, out long number) ? number : 0;

    /// <summary><c>0-2,5</c> as 0, 1, 2, 5.</summary>
    private static long[] Ranges(string? list)
    {
        var numbers = new List<long>();
        foreach (string range in (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = range.Split('-');
            for (long number = Number(ends[0]); number <= Number(ends[^1]); number++)
            {
                numbers.Add(number);
            }
        }

        return [.. numbers];
    }

    private static void Array(Utf8JsonWriter json, string name, long[] numbers)
    {
        if (numbers.Length == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private static void Counted(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number and not 0)
        {
            json.WriteNumber(name, number);
        }
    }
}
