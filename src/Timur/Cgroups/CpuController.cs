using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>CPU time: a quota of microseconds in each period, and shares of what is contended (sched-bwc.rst, cgroup-v2.rst CPU).</summary>
internal static class CpuController
{
    private const string DefaultPeriod = "100000";

    internal static void Apply(CgroupDirectory? place, CpuResources cpu, LimitWords words, List<string> warnings)
    {
        if (cpu with { Cpus = null, Mems = null } == new CpuResources())
        {
            return;
        }

        if (place is not { } directory)
        {
            warnings.Add($"{words.CpuQuota} and {words.CpuShares} have no effect: this machine has no cpu controller");
            return;
        }

        if (directory.Version == 1)
        {
            ApplyV1(directory, cpu, words, warnings);
        }
        else
        {
            ApplyV2(directory, cpu, words, warnings);
        }
    }

    private static void ApplyV1(CgroupDirectory directory, CpuResources cpu, LimitWords words, List<string> warnings)
    {
        Realtime(directory, cpu, words);
        if (cpu.Shares is { } shares)
        {
            directory.Set("cpu.shares", shares.ToString(), words.CpuShares);
        }

        Bandwidth(directory, cpu, words);

        if (cpu.Idle is 0 or 1 && !directory.TrySet("cpu.idle", cpu.Idle.Value.ToString(), out Kernel.Errno why))
        {
            warnings.Add($"{words.CpuIdle} has no effect: cpu.idle: {Kernel.ErrnoText.Describe(why)}");
        }
        else if (cpu.Idle is not (null or 0 or 1))
        {
            directory.Set("cpu.idle", cpu.Idle.Value.ToString(), words.CpuIdle);
        }
    }

    /// <summary>The budget may not exceed the period: which of both is refused at first depends on what they were.</summary>
    private static void Realtime(CgroupDirectory directory, CpuResources cpu, LimitWords words)
    {
        bool isLate = cpu.RealtimePeriod is { } early && !directory.TrySet("cpu.rt_period_us", early.ToString(), out _);
        if (cpu.RealtimeRuntime is { } budget)
        {
            directory.Set("cpu.rt_runtime_us", budget.ToString(), words.RealtimeRuntime);
        }

        if (isLate)
        {
            directory.Set("cpu.rt_period_us", cpu.RealtimePeriod!.Value.ToString(), words.RealtimePeriod);
        }
    }

    /// <summary>The burst may not exceed the quota, nor their share of the period the parent's: what is refused at first fits when the others are set.</summary>
    private static void Bandwidth(CgroupDirectory directory, CpuResources cpu, LimitWords words)
    {
        var wanted = new List<(string File, string Value, string Limit)>();
        if (cpu.Burst is { } burst)
        {
            wanted.Add(("cpu.cfs_burst_us", burst.ToString(), words.CpuBurst));
        }

        if (cpu.Period is { } period)
        {
            wanted.Add(("cpu.cfs_period_us", period.ToString(), words.CpuPeriod));
        }

        if (cpu.Quota is { } quota)
        {
            wanted.Add(("cpu.cfs_quota_us", quota.ToString(), words.CpuQuota));
        }

        wanted.RemoveAll(one => directory.TrySet(one.File, one.Value, out _));
        foreach ((string file, string value, string limit) in wanted)
        {
            directory.Set(file, value, limit);
        }
    }

    private static void ApplyV2(CgroupDirectory directory, CpuResources cpu, LimitWords words, List<string> warnings)
    {
        if (cpu.RealtimePeriod is not null || cpu.RealtimeRuntime is not null)
        {
            warnings.Add($"{words.RealtimePeriod} and {words.RealtimeRuntime} have no effect: cgroup v2 has no such files");
        }

        if (cpu.Idle is { } idle)
        {
            directory.Set("cpu.idle", idle.ToString(), words.CpuIdle);
        }

        if (cpu.Shares is { } shares)
        {
            directory.Set("cpu.weight", ToWeight(shares).ToString(), words.CpuShares);
        }

        if (cpu.Quota is not null || cpu.Period is not null)
        {
            CpuResources whole = WholeBandwidth(directory, cpu);
            string quota = whole.Quota is > 0 and { } microseconds ? microseconds.ToString() : "max";
            directory.Set("cpu.max", $"{quota} {whole.Period?.ToString() ?? DefaultPeriod}", words.CpuQuota);
        }

        if (cpu.Burst is { } burst)
        {
            directory.Set("cpu.max.burst", burst.ToString(), words.CpuBurst);
        }
    }

    /// <summary>What isn't said of the two stays as it is.</summary>
    internal static CpuResources WholeBandwidth(CgroupDirectory? place, CpuResources cpu)
    {
        if (place is not { } directory || cpu.Quota is null == cpu.Period is null)
        {
            return cpu;
        }

        string[] now = directory.Version == 1 ? [directory.Get("cpu.cfs_quota_us") ?? "", directory.Get("cpu.cfs_period_us") ?? ""] : (directory.Get("cpu.max") ?? "").Split(' ');
        return cpu with
        {
            Quota = cpu.Quota ?? (long.TryParse(now[0], out long quota) ? quota : -1),
            Period = cpu.Period ?? (now.Length == 2 && ulong.TryParse(now[1], out ulong period) ? period : null),
        };
    }

    private const ulong MostShares = 262_144;
    private const ulong MostWeight = 10_000;
    private const ulong DefaultWeight = 100;

    /// <summary>
    /// 2 to 262144 shares onto weights of 1 to 10000, so that the kernel's default for the one (1024) is its default for the other (100): by the curve of runc 1.3.2
    /// and crun 1.23 (opencontainers/cgroups, pull request 20), whose three points these are in the logarithms. No shares (0) are the default.
    /// </summary>
    internal static ulong ToWeight(ulong shares)
    {
        double log = Math.Log2(shares);
        return shares switch
        {
            0 => DefaultWeight,
            <= 2 => 1,
            >= MostShares => MostWeight,
            _ => (ulong)Math.Ceiling(Math.Pow(10, (((log * log) + (125 * log)) / 612) - (7.0 / 34))),
        };
    }
}
