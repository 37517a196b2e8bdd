using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Timur.Bench;

/// <summary>
/// A program that is started and waited for by posix_spawn(3) and waitpid(2): the runtime's own Process class would add its threads' work to what is
/// measured. Its streams go to /dev/null.
/// </summary>
internal sealed unsafe partial class Command : IDisposable
{
    private const int FileActionsSize = 256;

    private readonly byte** _words;
    private readonly byte** _environment;
    private readonly byte* _actions;
    private readonly string _text;

    internal Command(IReadOnlyList<string> words, IReadOnlyList<string> environment)
    {
        _text = string.Join(' ', words);
        _words = Vector(words);
        _environment = Vector(environment);
        _actions = (byte*)NativeMemory.AllocZeroed(FileActionsSize);
        int error = posix_spawn_file_actions_init(_actions);
        for (int stream = 0; stream < 3; stream++)
        {
            error |= posix_spawn_file_actions_addopen(_actions, stream, "/dev/null", 2, 0);
        }

        if (error != 0)
        {
            throw new InvalidOperationException("posix_spawn_file_actions: no memory");
        }
    }

    /// <summary>Runs it once; milliseconds from the spawn to the end. A code other than 0 is an error: what failed isn't measured.</summary>
    internal double Time()
    {
        long start = Stopwatch.GetTimestamp();
        Wait(Start());
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>Runs several at once; milliseconds until the last has ended.</summary>
    internal static double TimeTogether(IReadOnlyList<Command> commands)
    {
        long start = Stopwatch.GetTimestamp();
        int[] pids = [.. commands.Select(command => command.Start())];
        for (int i = 0; i < pids.Length; i++)
        {
            commands[i].Wait(pids[i]);
        }

        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    internal int Start()
    {
        int pid;
        int error = posix_spawnp(&pid, _words[0], _actions, null, _words, _environment);
        return error == 0 ? pid : throw new InvalidOperationException($"{_text}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    internal void Wait(int pid)
    {
        int status;
        while (waitpid(pid, &status, 0) < 0)
        {
        }

        if (status != 0)
        {
            throw new InvalidOperationException($"{_text}: ended with status 0x{status:x}");
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_words);
        NativeMemory.Free(_environment);
        NativeMemory.Free(_actions);
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

    [LibraryImport("libc")]
    private static partial int posix_spawnp(int* pid, byte* file, byte* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(byte* actions, int fd, string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);
}
