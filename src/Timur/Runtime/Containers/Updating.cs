using Timur.Cgroups;
using Timur.Oci;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>New limits for a container that is there.</summary>
public static class Updating
{
    /// <param name="schemata">Lines for the container's class of service (resctrl).</param>
    /// <param name="words">What the caller calls the limits.</param>
    public static void Apply(OciContainer container, LinuxResources resources, LimitWords words, IReadOnlyList<string> schemata, RuntimeLog log)
    {
        using FileLock guard = container.Lock();
        if (container.Status == OciStatus.Stopped)
        {
            throw new Failure("container not running", exitCode: 1);
        }

        if (!container.HasCgroup)
        {
            throw new Failure("cannot update a container that has no cgroup", "it was made with --cgroup-manager=disabled", 1);
        }

        ResctrlGroup.RequireFor(schemata);
        CheckMemory(container, resources.Memory);
        resources = WithoutSwapLimit(resources);
        LinuxResources wanted = resources.Devices.Count == 0 ? resources : resources with { Devices = DefaultDeviceRules.Around(resources.Devices) };
        var warnings = new List<string>();
        if (container.Record.SystemdUnit is { } unit)
        {
            wanted = SystemdProperties.WithRoundedQuota(wanted with { Cpu = container.Cgroup.WholeBandwidth(wanted.Cpu) });
            SystemdScope.Update(unit, wanted);
        }

        container.Cgroup.MakeRoomFor(wanted);
        container.Cgroup.Apply(wanted, warnings, words);
        if (schemata.Count > 0)
        {
            Reclass(container, schemata);
        }

        log.Warn(warnings);
    }

    /// <summary>A container that has no class of its own yet gets one.</summary>
    private static void Reclass(OciContainer container, IReadOnlyList<string> schemata)
    {
        string? given = container.ReadSpec().Linux.IntelRdt?.ClosId;
        string? made = ResctrlGroup.Join(new IntelRdtSpec(given, schemata, EnableMonitoring: false), container.Id, container.Record.Pid);
        if (made is not null)
        {
            AtomicFile.Write(container.Directory + OciContainer.RecordFile, (container.Record with { OwnClosId = made }).ToBytes());
        }
    }

    /// <summary>Memory without a limit means swap without one, unless it is said otherwise: v1 counts both together.</summary>
    private static LinuxResources WithoutSwapLimit(LinuxResources resources)
        => resources.Memory is { Limit: -1, Swap: null } ? resources with { Memory = resources.Memory with { Swap = -1 } } : resources;

    /// <summary>runtime-spec config-linux.md, checkBeforeUpdate. Swap comes first, as in runc, whose words callers match.</summary>
    private static void CheckMemory(OciContainer container, MemoryResources memory)
    {
        if (!memory.CheckBeforeUpdate || container.Cgroup.Statistics().MemoryUsage is not { } usage)
        {
            return;
        }

        foreach ((string name, long? wanted) in new[] { ("memory+swap", memory.Swap), ("memory", memory.Limit) })
        {
            if (wanted is > 0 and { } limit && usage >= limit)
            {
                throw new Failure($"rejecting {name} limit {limit} <= usage {usage} (checkBeforeUpdate)", exitCode: 1);
            }
        }
    }
}
