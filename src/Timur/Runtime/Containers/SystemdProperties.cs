using Timur.Kernel;
using Timur.Oci;
using Timur.Systemd;

namespace Timur.Runtime.Containers;

/// <summary>Limits as properties of a unit (systemd.resource-control(5)), so that systemd doesn't put back what it knows nothing of.</summary>
internal static class SystemdProperties
{
    internal const ulong Unlimited = ulong.MaxValue;
    private const ulong MicrosecondsInSecond = 1_000_000;
    private const ulong DefaultPeriod = 100_000;

    /// <summary>systemd rounds up to whole percents of a processor.</summary>
    private const ulong QuotaStep = 10_000;

    /// <summary>systemd's NEWS, changes with 240.</summary>
    private const int FirstToReadNumbers = 240;

    /// <summary>Controllers that the unit is to have even without limits.</summary>
    internal static IEnumerable<UnitProperty> Accounting(bool v2)
        => new[] { "MemoryAccounting", "CPUAccounting", "TasksAccounting", v2 ? "IOAccounting" : "BlockIOAccounting" }.Select(name => UnitProperty.Of(name, true));

    /// <param name="v2">Whether limits are written to cgroup v2.</param>
    /// <param name="version">Asks for systemd's version, where it matters.</param>
    internal static List<UnitProperty> Of(LinuxResources resources, bool v2, Func<int> version)
    {
        var properties = new List<UnitProperty>();
        Memory(properties, resources.Memory, v2);
        Processor(properties, resources.Cpu, v2);
        if (resources.PidsLimit is { } tasks)
        {
            properties.Add(UnitProperty.Of("TasksMax", tasks > 0 ? (ulong)tasks : Unlimited));
        }

        if (resources.BlockIo.Weight is { } weight)
        {
            properties.Add(v2 ? UnitProperty.Of("IOWeight", 1 + ((weight - 10UL) * 9999 / 990)) : UnitProperty.Of("BlockIOWeight", (ulong)weight));
        }

        if (resources.Devices.Count > 0)
        {
            properties.Add(UnitProperty.Of("DevicePolicy", "strict"));
            properties.Add(UnitProperty.Pairs("DeviceAllow", Devices(resources.Devices, version)));
        }

        if (v2)
        {
            properties.AddRange(SystemdUnified.Of(resources.Unified, version));
        }

        return properties;
    }

    private static void Memory(List<UnitProperty> properties, MemoryResources memory, bool v2)
    {
        static ulong Bytes(long bytes) => bytes < 0 ? Unlimited : (ulong)bytes;
        if (memory.Limit is { } limit)
        {
            properties.Add(UnitProperty.Of(v2 ? "MemoryMax" : "MemoryLimit", Bytes(limit)));
        }

        if (v2 && memory.Reservation is { } reservation)
        {
            properties.Add(UnitProperty.Of("MemoryLow", Bytes(reservation)));
        }

        if (v2 && memory.Swap is { } swap && (swap < 0 || memory.Limit is not null))
        {
            properties.Add(UnitProperty.Of("MemorySwapMax", swap < 0 ? Unlimited : (ulong)Math.Max(swap - Math.Max(memory.Limit ?? 0, 0), 0)));
        }
    }

    private static void Processor(List<UnitProperty> properties, CpuResources cpu, bool v2)
    {
        if (cpu.Shares is { } shares)
        {
            properties.Add(v2 ? UnitProperty.Of("CPUWeight", Cgroups.CpuController.ToWeight(shares)) : UnitProperty.Of("CPUShares", shares));
        }

        if (cpu.Period is { } length)
        {
            properties.Add(UnitProperty.Of("CPUQuotaPeriodUSec", length));
        }

        if (cpu.Quota is { } quota)
        {
            properties.Add(Quota(quota, cpu.Period));
        }

        if (v2 && cpu.Cpus is { } processors)
        {
            properties.Add(UnitProperty.Bytes("AllowedCPUs", CpuList.Parse(processors, "cpu.cpus")));
        }

        if (v2 && cpu.Mems is { } nodes)
        {
            properties.Add(UnitProperty.Bytes("AllowedMemoryNodes", CpuList.Parse(nodes, "cpu.mems")));
        }
    }

    /// <param name="quota">Microseconds of each period; none when it isn't positive.</param>
    /// <param name="period">Microseconds.</param>
    internal static UnitProperty Quota(long quota, ulong? period)
        => UnitProperty.Of("CPUQuotaPerSecUSec", quota <= 0 ? Unlimited : PerSecond(quota, PeriodOf(period)));

    /// <summary>The quota that systemd makes of one: what is written beside it has to be the same, or systemd would change it at the next occasion.</summary>
    internal static LinuxResources WithRoundedQuota(LinuxResources resources)
        => resources.Cpu is { Quota: > 0 and var quota, Period: var period }
            ? resources with { Cpu = resources.Cpu with { Quota = (long)(PerSecond(quota, PeriodOf(period)) * PeriodOf(period) / MicrosecondsInSecond) } } : resources;

    private static ulong PeriodOf(ulong? period) => period is > 0 ? period.Value : DefaultPeriod;

    private static ulong PerSecond(long quota, ulong period) => (((ulong)quota * MicrosecondsInSecond / period) + QuotaStep - 1) / QuotaStep * QuotaStep;

    /// <summary>Rules that allow, as far as systemd can say them: a node by its numbers, a driver's by its name, or every one of a kind.</summary>
    private static List<(string Node, string Access)> Devices(IReadOnlyList<DeviceRule> rules, Func<int> version)
    {
        bool? takesMissing = null;
        var nodes = new List<(string, string)>();
        foreach (DeviceRule rule in rules.Where(rule => rule.Allow))
        {
            foreach (string type in rule.Type == "a" ? new[] { "c", "b" } : [rule.Type])
            {
                string kind = type == "c" ? "char" : "block";
                string? node = (rule.Major, rule.Minor) switch
                {
                    (null, null) => kind + "-*",
                    ({ } major, null) => DriverName(kind, major) is { } driver ? $"{kind}-{driver}" : null,
                    ({ } major, { } minor) => $"/dev/{kind}/{major}:{minor}",
                    _ => null,
                };

                // A machine without udev has no /dev/char. Newer versions read the numbers; older ones look the node up.
                if (node is not null && (!node.StartsWith('/') || Files.Exists(node) || (takesMissing ??= version() >= FirstToReadNumbers)))
                {
                    nodes.Add((node, rule.Access));
                }
            }
        }

        return nodes;
    }

    /// <summary>/proc/devices: two lists of major numbers and names.</summary>
    private static string? DriverName(string kind, long major)
    {
        bool inside = false;
        foreach (string line in (Files.TryReadText("/proc/devices", out _) ?? "").Split('\n'))
        {
            inside = line.EndsWith("devices:", StringComparison.Ordinal) ? line.StartsWith(kind, StringComparison.OrdinalIgnoreCase) : inside;
            if (inside && line.Trim().Split(' ', 2) is [var number, var name] && number == major.ToString())
            {
                return name;
            }
        }

        return null;
    }
}
