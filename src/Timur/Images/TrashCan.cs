using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// Directories that are removed together: renamed into the trash one by one, then deleted by a process of its own, so that nobody waits for a hundred thousand
/// files. The locks go over to that process; should it die, system check finds what is left.
/// </summary>
public sealed class TrashCan(DataPaths paths) : IDisposable
{
    /// <summary>The hidden command of the process that deletes.</summary>
    public const string Verb = "__empty";

    private const int Inherited = 3;
    private readonly List<(string Path, FileLock Held)> _taken = [];

    /// <summary>
    /// Takes the directories that nobody uses. Whoever begins to use one locks it first and keeps the lock until it is on record, so <paramref name="used"/>, asked
    /// while all of them are locked here, is the whole truth.
    /// </summary>
    internal void TakeUnused(IReadOnlyList<string> directories, Func<HashSet<string>> used)
    {
        var locked = new List<(string Directory, FileLock Lock)>();
        foreach (string directory in directories.Distinct())
        {
            if (Files.Exists(directory) && FileLock.OnExisting(directory, wait: false) is { } free)
            {
                locked.Add((directory, free));
            }
        }

        HashSet<string> kept = locked.Count > 0 ? used() : [];
        foreach ((string directory, FileLock held) in locked)
        {
            string target = $"{paths.Trash}/{Path.GetFileName(directory)}.{Processes.Self}";
            if (kept.Contains(directory) || !TryMove(directory, target))
            {
                held.Dispose();
                continue;
            }

            _taken.Add((target, held));
        }
    }

    /// <summary>Lets another process delete what was taken; returns when that holds the locks.</summary>
    internal void EmptyInBackground()
    {
        if (_taken.Count == 0)
        {
            return;
        }

        (Fd near, Fd far) = Sockets.Pair(SocketKind.SequencedPacket);
        using (near)
        {
            using (far)
            {
                using Launched _ = Spawning.Background(["timur-trash", Verb, .. _taken.Select(one => one.Path)], [], far);
            }

            // Both hold open descriptions of their own, so this lock has to go before that one can come.
            _taken.ForEach(one => one.Held.Dispose());
            _taken.Clear();
            Files.TryRead(near, stackalloc byte[1], out Errno _);
        }
    }

    /// <summary>The process's own life.</summary>
    public static int Run(ReadOnlySpan<string> directories)
    {
        using Fd connection = Descriptors.Standard(Inherited);
        var held = new List<FileLock?>();
        foreach (string directory in directories)
        {
            held.Add(FileLock.TryTakeDirectory(directory, wait: true));
        }

        Files.TryWrite(connection, [1], out _);
        foreach (string directory in directories)
        {
            Directories.RemoveTree(directory);
        }

        held.ForEach(one => one?.Dispose());
        return 0;
    }

    public void Dispose()
    {
        foreach ((string path, FileLock held) in _taken)
        {
            Directories.RemoveTree(path);
            held.Dispose();
        }
    }

    private bool TryMove(string directory, string target)
    {
        Directories.Create(paths.Trash);
        return Files.TryRename(directory, target, out _);
    }
}
