using Timur.Systemd;

namespace Timur.Runtime.Containers;

/// <summary>
/// Files of cgroup v2 that a configuration sets by name (config-linux.md, Unified) as properties of a unit (systemd.resource-control(5)): systemd writes what it
/// knows over what it finds whenever it changes one of a controller's limits.
/// </summary>
internal static class SystemdUnified
{
    /// <summary>CPUWeight=idle (systemd's NEWS, changes with 252).</summary>
    private const int FirstWithIdle = 252;

    /// <param name="version">Asks for systemd's version, where it matters.</param>
    /// <returns>Nothing for files that systemd has no property for.</returns>
    internal static IEnumerable<UnitProperty> Of(IReadOnlyDictionary<string, string> files, Func<int> version)
        => files.OrderBy(file => file.Key, StringComparer.Ordinal).SelectMany(file => Of(file.Key, file.Value.Trim(), version));

    private static IEnumerable<UnitProperty> Of(string file, string value, Func<int> version)
    {
        string? number = file switch
        {
            "cpu.weight" => "CPUWeight",
            "memory.min" => "MemoryMin",
            "memory.low" => "MemoryLow",
            "memory.high" => "MemoryHigh",
            "memory.max" => "MemoryMax",
            "memory.swap.max" => "MemorySwapMax",
            "pids.max" => "TasksMax",
            "io.weight" => "IOWeight",
            _ => null,
        };
        return (number, file) switch
        {
            ({ } property, _) => [UnitProperty.Of(property, Number(file, file == "io.weight" ? value.Replace("default ", "", StringComparison.Ordinal) : value))],
            (_, "cpu.max") => Quota(value),
            (_, "cpu.idle") when value == "1" && version() >= FirstWithIdle => [UnitProperty.Of("CPUWeight", 0UL)],
            (_, "cpuset.cpus") => [UnitProperty.Bytes("AllowedCPUs", CpuList.Parse(value, Member(file)))],
            (_, "cpuset.mems") => [UnitProperty.Bytes("AllowedMemoryNodes", CpuList.Parse(value, Member(file)))],
            _ => [],
        };
    }

    /// <summary><c>QUOTA [PERIOD]</c>, in microseconds, <c>max</c> for no quota.</summary>
    private static UnitProperty[] Quota(string value)
    {
        string[] words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is not (1 or 2))
        {
            throw Unreadable("cpu.max", value);
        }

        ulong? period = words.Length == 2 ? Number("cpu.max", words[1]) : null;
        ulong quota = Number("cpu.max", words[0]);
        UnitProperty perSecond = SystemdProperties.Quota(quota == SystemdProperties.Unlimited ? -1 : (long)Math.Min(quota, long.MaxValue / 1_000_000), period);
        return period is { } length ? [UnitProperty.Of("CPUQuotaPeriodUSec", length), perSecond] : [perSecond];
    }

    private static ulong Number(string file, string value)
        => value == "max" ? SystemdProperties.Unlimited : ulong.TryParse(value, out ulong number) && (number > 0 || file != "cpu.max") ? number : throw Unreadable(file, value);

    private static Failure Unreadable(string file, string value) => new($"{Bundle.Document}: {Member(file)}: '{value}' is not what this file takes", "see Documentation/admin-guide/cgroup-v2.rst", 1);

    private static string Member(string file) => $"linux.resources.unified: {file}";
}
