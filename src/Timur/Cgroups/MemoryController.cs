using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>Memory and swap (cgroup-v1/memory.rst, cgroup-v2.rst Memory).</summary>
internal static class MemoryController
{
    internal static void Apply(CgroupDirectory? place, MemoryResources memory, List<string> warnings)
    {
        if (memory with { CheckBeforeUpdate = false } == new MemoryResources())
        {
            return;
        }

        if (place is not { } directory)
        {
            warnings.Add("memory limits have no effect: this machine has no memory controller");
            return;
        }

        if (directory.Version == 1)
        {
            ApplyV1(directory, memory, warnings);
        }
        else
        {
            ApplyV2(directory, memory, warnings);
        }
    }

    internal static long OomKills(CgroupDirectory? place) => place switch
    {
        { Version: 1 } v1 => v1.GetNumber("memory.oom_control", "oom_kill") ?? 0,
        { } v2 => v2.GetNumber("memory.events", "oom_kill") ?? 0,
        _ => 0,
    };

    /// <summary>memory.limit may never exceed memory and swap together, so the order depends on the direction.</summary>
    private static void ApplyV1(CgroupDirectory directory, MemoryResources memory, List<string> warnings)
    {
        bool hasSwap = directory.Get("memory.memsw.limit_in_bytes") is not null;
        long? swap = memory.Swap;
        if (swap is not null && !hasSwap)
        {
            warnings.Add("--memory-swap has no effect: this kernel doesn't account for swap");
            swap = null;
        }

        if (memory.Limit is { } limit)
        {
            bool raiseSwapFirst = swap is { } wanted && (wanted == -1 || wanted > (directory.GetNumber("memory.memsw.limit_in_bytes") ?? 0));
            if (raiseSwapFirst)
            {
                directory.Set("memory.memsw.limit_in_bytes", swap.ToString()!, "--memory-swap");
                swap = null;
            }

            directory.Set("memory.limit_in_bytes", limit.ToString(), "--memory");
        }

        if (swap is { } remaining)
        {
            directory.Set("memory.memsw.limit_in_bytes", remaining.ToString(), "--memory-swap");
        }

        if (memory.Reservation is { } reservation)
        {
            directory.Set("memory.soft_limit_in_bytes", reservation.ToString(), "--memory-reservation");
        }

        if (memory.KernelTcp is { } tcp)
        {
            directory.Set("memory.kmem.tcp.limit_in_bytes", tcp.ToString(), "TCP memory");
        }

        if (memory.Swappiness is { } swappiness)
        {
            directory.Set("memory.swappiness", swappiness.ToString(), "--memory-swappiness");
        }

        if (memory.DisableOomKiller)
        {
            directory.Set("memory.oom_control", "1", "--oom-kill-disable");
        }
    }

    /// <summary>v2 limits swap alone, OCI both together: the difference is written.</summary>
    private static void ApplyV2(CgroupDirectory directory, MemoryResources memory, List<string> warnings)
    {
        if (memory.Swap is { } swap)
        {
            string value = swap == -1 ? "max" : (swap - (memory.Limit ?? 0)).ToString();
            if (!directory.TrySet("memory.swap.max", value, out Errno why) && !(value == "0" && why == Errno.ENOENT))
            {
                warnings.Add($"--memory-swap has no effect: memory.swap.max: {why.Describe()}");
            }
        }

        if (memory.Limit is { } limit)
        {
            directory.Set("memory.max", limit == -1 ? "max" : limit.ToString(), "--memory");
        }

        if (memory.Reservation is { } reservation)
        {
            directory.Set("memory.low", reservation == -1 ? "max" : reservation.ToString(), "--memory-reservation");
        }

        if (memory.KernelTcp is not null)
        {
            warnings.Add("the limit on TCP memory has no effect: cgroup v2 has no such file");
        }

        if (memory.Swappiness is not null)
        {
            warnings.Add("--memory-swappiness has no effect: cgroup v2 has no such file");
        }

        if (memory.DisableOomKiller)
        {
            warnings.Add("--oom-kill-disable has no effect: cgroup v2 has no such file");
        }
    }
}
