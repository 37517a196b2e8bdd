using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>CPU time: a quota of microseconds in each period, and shares of what is contended (sched-bwc.rst, cgroup-v2.rst CPU).</summary>
internal static class CpuController
{
    private const ulong DefaultPeriod = 100_000;

    internal static void Apply(CgroupDirectory? place, CpuResources cpu, List<string> warnings)
    {
        if (cpu with { Cpus = null, Mems = null } == new CpuResources())
        {
            return;
        }

        if (place is not { } directory)
        {
            warnings.Add("--cpus and --cpu-shares have no effect: this machine has no cpu controller");
            return;
        }

        if (directory.Version == 1)
        {
            ApplyV1(directory, cpu, warnings);
        }
        else
        {
            ApplyV2(directory, cpu, warnings);
        }
    }

    private static void ApplyV1(CgroupDirectory directory, CpuResources cpu, List<string> warnings)
    {
        if (cpu.RealtimePeriod is { } realtime)
        {
            directory.Set("cpu.rt_period_us", realtime.ToString(), "real-time period");
        }

        if (cpu.RealtimeRuntime is { } budget)
        {
            directory.Set("cpu.rt_runtime_us", budget.ToString(), "real-time runtime");
        }

        if (cpu.Shares is { } shares)
        {
            directory.Set("cpu.shares", shares.ToString(), "--cpu-shares");
        }

        if (cpu.Period is { } period)
        {
            directory.Set("cpu.cfs_period_us", period.ToString(), "--cpu-period");
        }

        if (cpu.Quota is { } quota)
        {
            directory.Set("cpu.cfs_quota_us", quota.ToString(), "--cpus");
        }

        if (cpu.Burst is { } burst)
        {
            directory.Set("cpu.cfs_burst_us", burst.ToString(), "CPU burst");
        }

        if (cpu.Idle is { } idle && !directory.TrySet("cpu.idle", idle.ToString(), out Kernel.Errno why))
        {
            warnings.Add($"CPU idle has no effect: cpu.idle: {Kernel.ErrnoText.Describe(why)}");
        }
    }

    private static void ApplyV2(CgroupDirectory directory, CpuResources cpu, List<string> warnings)
    {
        if (cpu.RealtimePeriod is not null || cpu.RealtimeRuntime is not null)
        {
            warnings.Add("real-time period and runtime have no effect: cgroup v2 has no such files");
        }

        if (cpu.Idle is { } idle)
        {
            directory.Set("cpu.idle", idle.ToString(), "CPU idle");
        }

        if (cpu.Shares is { } shares)
        {
            directory.Set("cpu.weight", ToWeight(shares).ToString(), "--cpu-shares");
        }

        if (cpu.Quota is not null || cpu.Period is not null)
        {
            string quota = cpu.Quota is { } microseconds and > 0 ? microseconds.ToString() : "max";
            directory.Set("cpu.max", $"{quota} {cpu.Period ?? DefaultPeriod}", "--cpus");
        }

        if (cpu.Burst is { } burst)
        {
            directory.Set("cpu.max.burst", burst.ToString(), "CPU burst");
        }
    }

    /// <summary>2 to 262144 shares onto 1 to 10000, linearly, as the OCI runtimes agreed for v2.</summary>
    internal static ulong ToWeight(ulong shares) => shares == 0 ? 100 : 1 + ((Math.Clamp(shares, 2, 262144) - 2) * 9999 / 262142);
}
