using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>Memory and swap (cgroup-v1/memory.rst, cgroup-v2.rst Memory).</summary>
internal static class MemoryController
{
    internal static void Apply(CgroupDirectory? place, MemoryResources memory, LimitWords words, List<string> warnings)
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
            ApplyV1(directory, memory, words, warnings);
        }
        else
        {
            ApplyV2(directory, memory, words, warnings);
        }
    }

    internal static long OomKills(CgroupDirectory? place) => place switch
    {
        { Version: 1 } v1 => v1.GetNumber("memory.oom_control", "oom_kill") ?? 0,
        { } v2 => v2.GetNumber("memory.events", "oom_kill") ?? 0,
        _ => 0,
    };

    /// <summary>memory.limit may never exceed memory and swap together, so the order depends on the direction.</summary>
    private static void ApplyV1(CgroupDirectory directory, MemoryResources memory, LimitWords words, List<string> warnings)
    {
        bool hasSwap = directory.Get("memory.memsw.limit_in_bytes") is not null;
        long? swap = memory.Swap;
        if (swap is not null && !hasSwap)
        {
            warnings.Add($"{words.MemorySwap} has no effect: this kernel doesn't account for swap");
            swap = null;
        }

        if (memory.Limit is { } limit)
        {
            bool raiseSwapFirst = swap is { } wanted && (wanted == -1 || wanted > (directory.GetNumber("memory.memsw.limit_in_bytes") ?? 0));
            if (raiseSwapFirst)
            {
                directory.Set("memory.memsw.limit_in_bytes", swap.ToString()!, words.MemorySwap);
                swap = null;
            }

            directory.Set("memory.limit_in_bytes", limit.ToString(), words.Memory);
        }

        if (swap is { } remaining)
        {
            directory.Set("memory.memsw.limit_in_bytes", remaining.ToString(), words.MemorySwap);
        }

        if (memory.Reservation is { } reservation)
        {
            directory.Set("memory.soft_limit_in_bytes", reservation.ToString(), words.MemoryReservation);
        }

        if (memory.KernelTcp is { } tcp)
        {
            directory.Set("memory.kmem.tcp.limit_in_bytes", tcp.ToString(), words.TcpMemory);
        }

        if (memory.Swappiness is { } swappiness)
        {
            directory.Set("memory.swappiness", swappiness.ToString(), words.Swappiness);
        }

        if (memory.DisableOomKiller)
        {
            directory.Set("memory.oom_control", "1", words.DisableOomKiller);
        }
    }

    /// <summary>v2 limits swap alone, OCI both together: the difference is written.</summary>
    private static void ApplyV2(CgroupDirectory directory, MemoryResources memory, LimitWords words, List<string> warnings)
    {
        if (memory.Swap is { } swap)
        {
            long limited = Math.Max(memory.Limit ?? directory.GetNumber("memory.max") ?? 0, 0);
            if (swap != -1 && swap < limited)
            {
                throw new Failure($"{words.MemorySwap}: {swap} is less than {words.Memory}: {limited}", "it counts memory and swap together");
            }

            string value = swap == -1 ? "max" : (swap - limited).ToString();
            if (!directory.TrySet("memory.swap.max", value, out Errno why) && !(value == "0" && why == Errno.ENOENT))
            {
                warnings.Add($"{words.MemorySwap} has no effect: memory.swap.max: {why.Describe()}");
            }
        }

        if (memory.Limit is { } limit)
        {
            directory.Set("memory.max", limit == -1 ? "max" : limit.ToString(), words.Memory);
        }

        if (memory.Reservation is { } reservation)
        {
            directory.Set("memory.low", reservation == -1 ? "max" : reservation.ToString(), words.MemoryReservation);
        }

        if (memory.KernelTcp is not null)
        {
            warnings.Add($"{words.TcpMemory} has no effect: cgroup v2 has no such file");
        }

        if (memory.Swappiness is not null)
        {
            warnings.Add($"{words.Swappiness} has no effect: cgroup v2 has no such file");
        }

        if (memory.DisableOomKiller)
        {
            warnings.Add($"{words.DisableOomKiller} has no effect: cgroup v2 has no such file");
        }
    }
}
