namespace Timur.Kernel;

/// <summary>How a process ended.</summary>
/// <param name="Code">Its exit code, or the number of the signal that killed it.</param>
/// <param name="Signaled">True when a signal killed it.</param>
public readonly record struct ProcessEnd(int Code, bool Signaled)
{
    /// <summary>As a shell shows it: the code, or 128 plus the signal's number.</summary>
    public int ShellCode => Signaled ? 128 + Code : Code;

    /// <summary>From the status that wait4(2) gives.</summary>
    internal static ProcessEnd FromStatus(int status)
    {
        int signal = status & 0x7f;
        return signal == 0 ? new ProcessEnd((status >> 8) & 0xff, false) : new ProcessEnd(signal, true);
    }
}

/// <summary>Processes by id and by descriptor.</summary>
public static unsafe class Processes
{
    /// <summary>This process's id.</summary>
    public static int Self => (int)Sys.Call(Nr.getpid);

    /// <summary>Sets which permissions new files don't get (umask(2)), for the whole process; returns those before.</summary>
    public static uint SetUmask(uint mask) => (uint)Sys.Call(Nr.umask, mask);

    /// <summary>Effective user id.</summary>
    public static uint EffectiveUser => (uint)Sys.Call(Nr.geteuid);

    /// <summary>Effective group id.</summary>
    public static uint EffectiveGroup => (uint)Sys.Call(Nr.getegid);

    /// <summary>kill(2); signal 0 only asks whether the process exists.</summary>
    public static bool TryKill(int pid, int signal, out Errno why)
    {
        why = Sys.Why(Sys.Call(Nr.kill, pid, signal));
        return why == Errno.None;
    }

    /// <summary>pidfd_open(2), or null and the reason.</summary>
    public static Fd? TryOpen(int pid, out Errno why)
    {
        long result = Sys.Call(Nr.pidfd_open, pid, 0);
        why = Sys.Why(result);
        return result < 0 ? null : new Fd((int)result);
    }

    /// <summary>pidfd_send_signal(2).</summary>
    public static bool TryKill(Fd process, int signal, out Errno why)
    {
        why = Sys.Why(Sys.Call(Nr.pidfd_send_signal, process.Raw, signal, 0, 0));
        return why == Errno.None;
    }

    /// <summary>
    /// Waits for a child's end and reaps it (wait4(2) with __WALL, so that children cloned without an exit signal count).
    /// Null when it is still running and <paramref name="wait"/> is false, or when it isn't a child of this process.
    /// </summary>
    public static ProcessEnd? TryReap(int pid, bool wait, out Errno why)
    {
        int status = 0;
        long result = Sys.CallRetry(Nr.wait4, pid, (long)&status, 0x40000000 | (wait ? 0 : 1), 0);
        why = Sys.Why(result);
        return result <= 0 ? null : ProcessEnd.FromStatus(status);
    }

    /// <summary>Waits until a process has ended (ppoll(2) on its descriptor); false after the time-out, -1 waits for ever.</summary>
    public static bool WaitForEnd(Fd process, int milliseconds)
    {
        long* request = stackalloc long[1];
        *(int*)request = process.Raw;
        *((short*)request + 2) = 1;
        *((short*)request + 3) = 0;
        long* time = stackalloc long[2];
        time[0] = milliseconds / 1000;
        time[1] = milliseconds % 1000 * 1_000_000L;
        return Sys.CallRetry(Nr.ppoll, (long)request, 1, milliseconds < 0 ? 0 : (long)time, 0, 8) > 0;
    }

    /// <summary>Start time of a process in clock ticks after boot (field 22 of /proc/PID/stat): tells a process from a later one with the same id.</summary>
    public static ulong? StartTime(int pid)
    {
        string[]? fields = StatusFields(pid);
        return fields is null || fields[0] is "Z" or "X" ? null : ulong.Parse(fields[19]);
    }

    /// <summary>The process has a controlling terminal (field 7 of /proc/PID/stat).</summary>
    public static bool HasTerminal(int pid) => StatusFields(pid) is { } fields && fields[4] != "0";

    /// <summary>/proc/PID/stat from its third field on (proc_pid_stat(5)), or null when there is no such process.</summary>
    private static string[]? StatusFields(int pid)
    {
        byte[]? stat = Files.TryReadAll($"/proc/{pid}/stat", out _);

        // The name, field 2, may hold spaces and parentheses: count from the last ')'.
        return stat is null ? null : System.Text.Encoding.UTF8.GetString(stat.AsSpan(stat.AsSpan().LastIndexOf((byte)')') + 2)).Split(' ');
    }
}
