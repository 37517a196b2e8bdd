using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>What a process is set to beside its ids and capabilities, whether it is a container's first or a further one.</summary>
internal static class ProcessSettings
{
    private const string AppArmorOwn = "/proc/self/attr/apparmor/exec";
    private const string AttributesOfAny = "/proc/self/attr/exec";

    /// <summary>Through the host's /proc: whatever the container shows at these paths isn't asked (CVE-2023-28642, CVE-2025-52881).</summary>
    internal static void BeforeJoining(LaunchProgram program, ProcessSpec process)
    {
        if (process.OomScoreAdj is { } adjustment)
        {
            program.WriteHostFile("/proc/self/oom_score_adj", adjustment.ToString());
        }

        if (process.ApparmorProfile is { } profile)
        {
            program.WriteHostFile(Files.Exists(AppArmorOwn) ? AppArmorOwn : AttributesOfAny, "exec " + profile);
        }

        if (process.SelinuxLabel is { } label)
        {
            program.WriteHostFile(AttributesOfAny, label);
        }
    }

    internal static void BeforeIds(LaunchProgram program, ProcessSpec process)
    {
        if (process.Scheduler is { } scheduler)
        {
            program.Scheduler(
                scheduler.Policy, Policy(scheduler.Policy), Flags(scheduler.Flags), scheduler.Nice, (uint)scheduler.Priority, scheduler.Runtime, scheduler.Deadline,
                scheduler.Period);
        }

        if (process.IoPriority is { } priority)
        {
            program.IoPriority(priority.Class, priority.Level);
        }
    }

    /// <summary>The number of an execution domain (personality(2)).</summary>
    internal static long Domain(string personality) => personality == "LINUX32" ? 8 : 0;

    /// <summary>sched(7).</summary>
    private static uint Policy(string name) => name switch
    {
        "SCHED_OTHER" => 0,
        "SCHED_FIFO" => 1,
        "SCHED_RR" => 2,
        "SCHED_BATCH" => 3,
        "SCHED_ISO" => 4,
        "SCHED_IDLE" => 5,
        "SCHED_DEADLINE" => 6,
        _ => throw new Failure($"config.json: process.scheduler.policy: '{name}' isn't a policy", "sched(7) lists them, for example SCHED_OTHER"),
    };

    private static ulong Flags(IReadOnlyList<string> names)
    {
        ulong flags = 0;
        foreach (string name in names)
        {
            flags |= name switch
            {
                "SCHED_FLAG_RESET_ON_FORK" => 0x01UL,
                "SCHED_FLAG_RECLAIM" => 0x02,
                "SCHED_FLAG_DL_OVERRUN" => 0x04,
                "SCHED_FLAG_KEEP_POLICY" => 0x08,
                "SCHED_FLAG_KEEP_PARAMS" => 0x10,
                "SCHED_FLAG_UTIL_CLAMP_MIN" => 0x20,
                "SCHED_FLAG_UTIL_CLAMP_MAX" => 0x40,
                _ => throw new Failure($"config.json: process.scheduler.flags: '{name}' isn't a flag", "sched_setattr(2) lists them"),
            };
        }

        return flags;
    }
}
