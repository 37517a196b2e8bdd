using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// What is in the store but perhaps not on the disk yet: nobody waits for the disk, a process of its own does, and until then a mark says that a power cut would leave
/// the thing in doubt. <c>settling/NAME.PID.N</c> is a symbolic link to <see cref="Boot.Id"/>: so short that a journal has all of it together with its name. It is made when
/// the thing is complete but has no name yet: so no power cut leaves one with a name and without a mark, and whoever finds the mark and waits for the disk may take it away.
/// </summary>
internal sealed class Settling(DataPaths paths, bool settles)
{
    /// <summary>The hidden command of the process that waits for the disk.</summary>
    internal const string Verb = "__settle";

    /// <summary>Stands for records: configurations, manifests, names.</summary>
    internal const string Records = "records";

    private const int Inherited = 3;

    private static int _count;

    private readonly string _marks = MarksOf(paths);

    /// <summary>There are none most of the time, nor their directory.</summary>
    internal static string MarksOf(DataPaths paths) => paths.Images + "/settling";

    /// <summary>Says of a layer or blob that gets that name now, or of one of the <see cref="Records"/>, that it is there before the disk has it.</summary>
    internal void Mark(string name)
    {
        string mark = $"{_marks}/{name}.{Processes.Self}.{Interlocked.Increment(ref _count)}";
        while (!Files.TrySymlink(Boot.Id, mark, out Errno why))
        {
            // Whoever took the last mark away took the directory, too.
            if (why != Errno.ENOENT)
            {
                throw new SyscallException("symlink", why, mark);
            }

            Directories.Create(_marks);
        }
    }

    /// <summary>Lets another process bring to the disk what is marked. Should that die, or not come to be, the next one does it.</summary>
    internal void FinishInBackground()
    {
        using Fd? marks = settles ? Files.TryOpen(_marks, Open.Read | Open.Directory, out _) : null;
        if (marks is null)
        {
            return;
        }

        try
        {
            using Launched _ = Spawning.Background(["timur-settle", Verb, _marks], [], marks);
        }
        catch (SyscallException)
        {
            // The command has done its work, and a machine that can start no process has other cares.
        }
    }

    /// <summary>The process's own life. What the disk refuses stays marked.</summary>
    internal static int Run(string directory)
    {
        using Fd marks = Descriptors.Standard(Inherited);
        string[] settled = [.. Marks(directory, isFromThisStart: true)];
        Files.SyncFileSystem(marks, directory);
        Remove(directory, settled);
        return 0;
    }

    /// <summary>Names whose marks are from before the machine went down: what they stand for may be anything.</summary>
    internal IReadOnlySet<string> InDoubt() => Marks(_marks, isFromThisStart: false).Select(mark => mark[..mark.IndexOf('.')]).ToHashSet();

    /// <summary>What was in doubt is put right.</summary>
    internal void Forget() => Remove(_marks, [.. Marks(_marks, isFromThisStart: false)]);

    private static IEnumerable<string> Marks(string directory, bool isFromThisStart)
        => Directories.List(directory).Select(entry => entry.Name).Where(name => name.Contains('.') && Files.TryReadLink($"{directory}/{name}", out _) is { } boot && boot == Boot.Id == isFromThisStart);

    private static void Remove(string directory, string[] marks)
    {
        foreach (string mark in marks)
        {
            Files.TryUnlink($"{directory}/{mark}", out _);
        }

        Directories.TryRemove(directory, out _);
    }
}
