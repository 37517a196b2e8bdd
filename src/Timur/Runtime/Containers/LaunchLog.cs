using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Runtime.Containers;

/// <summary>What <c>--debug</c> tells of a launch, with the words that callers of other runtimes look for in their logs.</summary>
internal static class LaunchLog
{
    /// <param name="filterFlags">Flags of seccomp(2), or null where there is no filter.</param>
    /// <param name="affinity">The processors that the process starts on, as a list, or null for this process's own.</param>
    internal static void Before(RuntimeLog log, LaunchProgram program, string? affinity, uint? filterFlags = null)
    {
        if (!log.IsDebug)
        {
            return;
        }

        log.Debug($"nsexec[{Environment.ProcessId}]: affinity: 0x{(affinity is null ? OwnMask() : Mask(CpuList.Parse(affinity, "process.execCPUAffinity.initial")))}");
        if (filterFlags is { } flags)
        {
            // All threads have the filter whether they are synchronized or not: there is one.
            log.Debug($"seccomp filter flags: {flags & ~1u}");
        }

        log.Debug($"nsexec container setup: clone with {program.Flags}, {program.Count} operations");
        for (int i = 0; i < program.Count; i++)
        {
            log.Debug($"operation {i}: {program.NameOf(i)}");
        }
    }

    internal static void AfterCreation(RuntimeLog log, int pid, bool waits)
    {
        log.Debug($"child process in init(): {pid}");
        log.Debug("init: closing the pipe to signal completion");
        log.Debug(waits ? "init: about to wait on exec fifo" : "init: about to exec");
    }

    internal static void AfterExec(RuntimeLog log, int pid, string command)
    {
        log.Debug($"child process in init(): {pid}");
        log.Debug($"setns_init: about to exec {command}");
    }

    /// <summary>Cpus_allowed of proc_pid_status(5): words of eight digits, the highest first.</summary>
    private static string OwnMask()
    {
        const string label = "Cpus_allowed:\t";
        string status = Files.TryReadText("/proc/self/status", out _) ?? "";
        int start = status.IndexOf(label, StringComparison.Ordinal) + label.Length;
        return Trimmed(status[start..status.IndexOf('\n', start)].Replace(",", ""));
    }

    private static string Mask(byte[] bits)
    {
        Array.Reverse(bits);
        return Trimmed(Convert.ToHexStringLower(bits));
    }

    private static string Trimmed(string digits) => digits.TrimStart('0') is { Length: > 0 } rest ? rest : "0";
}
