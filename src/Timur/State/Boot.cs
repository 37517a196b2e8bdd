using Timur.Kernel;

namespace Timur.State;

/// <summary>This start of the machine.</summary>
public static class Boot
{
    /// <summary>Another one after each start (proc_sys_kernel(5), random/boot_id): 36 characters; <c>?</c> where there is no proc.</summary>
    public static string Id { get; } = Files.TryReadText("/proc/sys/kernel/random/boot_id", out _) ?? "?";
}
