using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Timur.Kernel;

/// <summary>How a program ended and what it took: wall clock from its start to its end, processor time of it and of what it waited for (getrusage(2)).</summary>
/// <param name="TimedOut">It was ended because it took too long; its <see cref="ProcessEnd"/> tells of the kill.</param>
public readonly record struct ProgramRun(ProcessEnd End, TimeSpan Wall, TimeSpan Cpu, bool TimedOut)
{
    /// <summary>It ended by itself, with exit code 0.</summary>
    public bool Succeeded => !TimedOut && End is { Signaled: false, Code: 0 };
}

/// <summary>
/// A program of this machine that is started by posix_spawn(3) and waited for by its descriptor, without a thread and with its vectors made beforehand:
/// what is measured is the program. It gets a session of its own, so that a terminal's Ctrl-C goes to the caller alone.
/// </summary>
public sealed unsafe partial class ChildProgram : IDisposable
{
    // glibc and musl: 80 and 336 bytes.
    private const int ActionsSize = 512;
    private const int AttributesSize = 512;
    private const short SetSession = 0x80;
    private const int CreateTruncateWrite = 0x241;

    /// <summary>How often a wait looks whether it was cancelled.</summary>
    private const int LookMilliseconds = 200;

    private readonly byte** _words;
    private readonly byte** _environment;
    private readonly byte* _actions = (byte*)NativeMemory.AllocZeroed(ActionsSize);
    private readonly byte* _attributes = (byte*)NativeMemory.AllocZeroed(AttributesSize);
    private readonly int _count;
    private readonly int _variables;

    /// <param name="words">The program, looked for in PATH, and its arguments.</param>
    /// <param name="environment">Its environment, <c>NAME=VALUE</c>.</param>
    /// <param name="output">The file that gets its standard output; it is emptied at each start.</param>
    /// <param name="errors">The file that gets its standard error; null: as <paramref name="output"/>.</param>
    /// <param name="directory">Its working directory, or null for the caller's.</param>
    public ChildProgram(IReadOnlyList<string> words, IReadOnlyList<string> environment, string output = "/dev/null", string? directory = null, string? errors = null)
    {
        Words = words;
        _words = Vector(words);
        _environment = Vector(environment);
        (_count, _variables) = (words.Count, environment.Count);
        int error = posix_spawn_file_actions_init(_actions) | posix_spawnattr_init(_attributes) | posix_spawnattr_setflags(_attributes, SetSession)
            | posix_spawn_file_actions_addopen(_actions, 0, "/dev/null", 0, 0)
            | posix_spawn_file_actions_addopen(_actions, 1, output, CreateTruncateWrite, 0x180)
            | (errors is null ? posix_spawn_file_actions_adddup2(_actions, 1, 2) : posix_spawn_file_actions_addopen(_actions, 2, errors, CreateTruncateWrite, 0x180))
            | (directory is null ? 0 : posix_spawn_file_actions_addchdir_np(_actions, directory));
        if (error != 0)
        {
            throw new SyscallException("posix_spawn_file_actions", (Errno)error, words[0]);
        }
    }

    /// <summary>The program and its arguments.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>Runs it once; when it takes longer than the limit, or is cancelled, its whole process group is killed.</summary>
    public ProgramRun Run(TimeSpan limit, CancellationToken cancelled = default)
    {
        long start = Stopwatch.GetTimestamp();
        using Fd process = Start(out int pid);
        return Finish(process, pid, start, limit, cancelled);
    }

    /// <summary>Runs all at once; milliseconds from the first start to the last end. The first failure ends it with its program and end.</summary>
    public static (TimeSpan Wall, (ChildProgram Program, ProgramRun Run)? Failed) RunTogether(
        IReadOnlyList<ChildProgram> programs, TimeSpan limit, CancellationToken cancelled = default)
    {
        long start = Stopwatch.GetTimestamp();
        var started = new List<(ChildProgram Program, Fd Process, int Pid)>();
        foreach (ChildProgram program in programs)
        {
            started.Add((program, program.Start(out int pid), pid));
        }

        (ChildProgram, ProgramRun)? failed = null;
        foreach ((ChildProgram program, Fd process, int pid) in started)
        {
            ProgramRun run = Finish(process, pid, start, limit, cancelled);
            process.Dispose();
            failed ??= run.Succeeded ? null : (program, run);
        }

        return (Stopwatch.GetElapsedTime(start), failed);
    }

    public void Dispose()
    {
        Free(_words, _count);
        Free(_environment, _variables);
        _ = posix_spawn_file_actions_destroy(_actions);
        NativeMemory.Free(_actions);
        NativeMemory.Free(_attributes);
    }

    private Fd Start(out int pid)
    {
        int child;
        int error = posix_spawnp(&child, _words[0], _actions, _attributes, _words, _environment);
        if (error != 0)
        {
            throw new SyscallException("posix_spawn", (Errno)error, Words[0]);
        }

        pid = child;
        return Processes.TryOpen(child, out Errno why) ?? throw new SyscallException("pidfd_open", why, Words[0]);
    }

    private static ProgramRun Finish(Fd process, int pid, long start, TimeSpan limit, CancellationToken cancelled)
    {
        bool ended;
        TimeSpan left;
        do
        {
            left = limit - Stopwatch.GetElapsedTime(start);
            ended = Processes.WaitForEnd(process, Math.Clamp((int)left.TotalMilliseconds, 0, LookMilliseconds));
        }
        while (!ended && left > TimeSpan.Zero && !cancelled.IsCancellationRequested);
        TimeSpan wall = Stopwatch.GetElapsedTime(start);
        bool timedOut = !ended && !cancelled.IsCancellationRequested;
        if (!ended)
        {
            Processes.TryKill(-pid, Signals.Kill, out _);
        }

        // struct rusage begins with two timevals: user and system time.
        long* usage = stackalloc long[18];
        int status = 0;
        Sys.CallRetry(Nr.wait4, pid, (long)&status, 0x40000000, (long)usage);
        TimeSpan cpu = TimeSpan.FromSeconds(usage[0] + usage[2]) + TimeSpan.FromMicroseconds(usage[1] + usage[3]);
        return new ProgramRun(ProcessEnd.FromStatus(status), wall, cpu, timedOut);
    }

    private static byte** Vector(IReadOnlyList<string> texts)
    {
        var vector = (byte**)NativeMemory.AllocZeroed((nuint)(texts.Count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < texts.Count; i++)
        {
            vector[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }

        return vector;
    }

    private static void Free(byte** vector, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Marshal.FreeCoTaskMem((nint)vector[i]);
        }

        NativeMemory.Free(vector);
    }

    [LibraryImport("libc")]
    private static partial int posix_spawnp(int* pid, byte* file, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(byte* actions, int fd, string path, int flags, uint mode);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(byte* actions, int fd, int target);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addchdir_np(byte* actions, string path);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(byte* attributes, short flags);
}
