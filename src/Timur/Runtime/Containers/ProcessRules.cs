using Timur.Kernel;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>A process as it is asked for, made into one that this machine can give; what is taken away is a warning.</summary>
internal static class ProcessRules
{
    /// <summary>Complains about what no process could have.</summary>
    internal static void Check(ProcessSpec process, string document)
    {
        if (process.Args.Count == 0 || process.Args[0].Length == 0)
        {
            throw new Failure($"{document}: process.args: there is no command", exitCode: 1);
        }

        if (!process.Cwd.StartsWith('/'))
        {
            throw new Failure($"{document}: process.cwd: '{process.Cwd}' isn't an absolute path", exitCode: 1);
        }

        foreach ((string member, string? cpus) in (ReadOnlySpan<(string, string?)>)[("initial", process.ExecCpuAffinity?.Initial), ("final", process.ExecCpuAffinity?.Final)])
        {
            CpuList.Parse(cpus ?? "", $"{document}: process.execCPUAffinity.{member}");
        }

        SecurityModules.CheckSelinux(document, process.SelinuxLabel);
        if (process.Scheduler is { } scheduler)
        {
            Check(scheduler, document);
        }

        var types = new HashSet<int>();
        for (int i = 0; i < process.Rlimits.Count; i++)
        {
            string type = process.Rlimits[i].Type;
            if (!types.Add(SpecRules.At(document, $"process.rlimits[{i}].type", () => Rlimits.Number(type))))
            {
                throw new Failure($"{document}: process.rlimits[{i}].type: {type} is there twice", exitCode: 1);
            }
        }
    }

    /// <summary>sched(7): which policies have a priority, and which a deadline.</summary>
    private static void Check(SchedulerSpec scheduler, string document)
    {
        if (scheduler.Priority != 0 && scheduler.Policy is not ("SCHED_FIFO" or "SCHED_RR"))
        {
            throw new Failure($"{document}: process.scheduler.priority can only be specified for SCHED_FIFO or SCHED_RR, not for {scheduler.Policy}", exitCode: 1);
        }

        if ((scheduler.Runtime | scheduler.Deadline | scheduler.Period) != 0 && scheduler.Policy != "SCHED_DEADLINE")
        {
            throw new Failure($"{document}: process.scheduler.runtime, deadline and period can only be specified for SCHED_DEADLINE, not for {scheduler.Policy}", exitCode: 1);
        }
    }

    /// <summary>Capabilities that this process could pass on, and limits that it may set.</summary>
    internal static ProcessSpec Fit(ProcessSpec process, ulong own, RuntimeLog log)
        => process with
        {
            Capabilities = Fit(process.Capabilities ?? new CapabilitiesSpec(), own, log),
            Rlimits = Fit(process.Rlimits, log),
            ApparmorProfile = SecurityModules.Usable("process.apparmorProfile", process.ApparmorProfile, SecurityModules.HasAppArmor, log),
        };

    private static CapabilitiesSpec Fit(CapabilitiesSpec sets, ulong own, RuntimeLog log)
    {
        ulong unknown = 0;
        var strange = new SortedSet<string>(StringComparer.Ordinal);
        foreach (IReadOnlyList<string> names in (ReadOnlySpan<IReadOnlyList<string>>)[sets.Bounding, sets.Effective, sets.Permitted, sets.Inheritable, sets.Ambient])
        {
            foreach (string name in names)
            {
                if (!Capabilities.TryConfiguredNumber(name, out int number))
                {
                    strange.Add(name);
                }
                else
                {
                    unknown |= (1UL << number) & ~own;
                }
            }
        }

        if (strange.Count > 0)
        {
            log.Warn($"ignoring unknown or unavailable capabilities: [{string.Join(' ', strange)}]");
        }

        if (unknown != 0)
        {
            log.Warn($"capabilities that this process may not pass on are left out: {string.Join(' ', Capabilities.FromBits(unknown))}");
        }

        return sets.Ambient.Count == 0 || sets.Inheritable.Count == 0 ? sets : sets with { Ambient = Raisable(sets, log) };
    }

    /// <summary>
    /// A capability becomes ambient only when it is permitted and inheritable (capabilities(7)). Not for configurations without inheritable ones: engines gave up
    /// those (CVE-2022-24769) and go on listing the ambient.
    /// </summary>
    private static IReadOnlyList<string> Raisable(CapabilitiesSpec sets, RuntimeLog log)
    {
        ulong possible = Capabilities.Bits(sets.Permitted) & Capabilities.Bits(sets.Inheritable);
        ulong wanted = Capabilities.Bits(sets.Ambient);
        foreach (string name in Capabilities.FromBits(wanted & ~possible))
        {
            log.Warn($"can't raise ambient capability {name}: {Errno.EPERM.Describe().ToLowerInvariant()}");
        }

        return Capabilities.FromBits(wanted & possible);
    }

    private static IReadOnlyList<RlimitSpec> Fit(IReadOnlyList<RlimitSpec> wanted, RuntimeLog log)
    {
        if (wanted.Count == 0)
        {
            return wanted;
        }

        const int sysResource = 24;
        bool mayRaise = (Capabilities.OwnEffective() & (1UL << sysResource)) != 0;
        var fitting = new List<RlimitSpec>();
        foreach (RlimitSpec limit in wanted)
        {
            ulong ceiling = mayRaise ? ulong.MaxValue : ResourceLimits.Hard(Rlimits.Number(limit.Type));
            if (limit.Hard > ceiling)
            {
                log.Warn($"{limit.Type} is lowered from {limit.Hard} to this process's own hard limit {ceiling}: raising it needs CAP_SYS_RESOURCE");
            }

            fitting.Add(limit with { Hard = Math.Min(limit.Hard, ceiling), Soft = Math.Min(limit.Soft, ceiling) });
        }

        return fitting;
    }

    internal const string GroupsAnnotation = "run.oci.keep_original_groups";

    /// <summary>By an annotation that callers of crun use, such as Podman's <c>--group-add keep-groups</c>.</summary>
    internal static bool KeepsGroups(IReadOnlyDictionary<string, string> annotations) => annotations.GetValueOrDefault(GroupsAnnotation) == "1";
}
