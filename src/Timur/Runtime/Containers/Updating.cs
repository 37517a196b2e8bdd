using Timur.Oci;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>New limits for a container that is there.</summary>
public static class Updating
{
    public static void Apply(OciContainer container, LinuxResources resources, RuntimeLog log)
    {
        using FileLock guard = container.Lock();
        if (container.Status == OciStatus.Stopped)
        {
            throw new Failure("container not running", exitCode: 1);
        }

        CheckMemory(container, resources.Memory);
        LinuxResources wanted = resources.Devices.Count == 0 ? resources : resources with { Devices = DefaultDeviceRules.Around(resources.Devices) };
        var warnings = new List<string>();
        container.Cgroup.MakeRoomFor(wanted);
        container.Cgroup.Apply(wanted, warnings);
        log.Warn(warnings);
    }

    private static void CheckMemory(OciContainer container, MemoryResources memory)
    {
        if (memory is { CheckBeforeUpdate: true, Limit: > 0 and { } limit } && container.Cgroup.Statistics().MemoryUsage is { } usage && usage >= limit)
        {
            throw new Failure($"rejecting memory limit {limit}: {usage} bytes are in use (checkBeforeUpdate)", exitCode: 1);
        }
    }
}
