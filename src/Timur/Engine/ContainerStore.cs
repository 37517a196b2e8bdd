using Timur.Kernel;
using Timur.State;

namespace Timur.Engine;

/// <summary>A container as it is now.</summary>
public sealed record Container(ContainerRecord Record, ContainerState State)
{
    public ContainerId Id => Record.Id;

    public string Name => Record.Name;

    /// <summary>Parsed once: lists ask for them again and again.</summary>
    public RunOptions Options => field ??= RunOptions.FromCanonical(Record.Options);
}

/// <summary>
/// The containers of this machine: a directory for each (<c>container.json</c>, <c>state</c>, <c>lock</c>, its root), and a link for each name.
/// </summary>
public sealed class ContainerStore(DataPaths paths)
{
    private const string NameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

    public DataPaths Paths => paths;

    /// <summary>
    /// Every container, newest first; or only those that run or wait for their next life, and then no other's record is read. A directory without a
    /// record is not one (see <c>system check</c>).
    /// </summary>
    public List<Container> List(bool onlyActive = false)
    {
        var containers = new List<Container>();
        foreach (DirectoryEntry entry in Directories.List(paths.Containers))
        {
            if (ContainerId.TryParse(entry.Name, out ContainerId id) && (!onlyActive || IsActive(LoadState(id))) && TryLoad(id) is { } container
                && (!onlyActive || IsActive(container.State)))
            {
                containers.Add(container);
            }
        }

        containers.Sort((a, b) => b.Record.Created.CompareTo(a.Record.Created));
        return containers;
    }

    /// <summary>Every container whose record can be read, in no order; <paramref name="areAll"/> is false when there is one that can't.</summary>
    internal List<Container> ListReadable(out bool areAll)
    {
        var containers = new List<Container>();
        areAll = true;
        foreach (DirectoryEntry entry in Directories.List(paths.Containers))
        {
            try
            {
                if (ContainerId.TryParse(entry.Name, out ContainerId id) && TryLoad(id) is { } container)
                {
                    containers.Add(container);
                }
            }
            catch (Failure)
            {
                areAll = false;
            }
        }

        return containers;
    }

    private static bool IsActive(ContainerState state) => state.IsAlive || state.Status == ContainerStatus.Restarting;

    /// <summary>By name, id, or unique prefix of an id; anything else is a <see cref="Failure"/> with exit code <paramref name="notFound"/>.</summary>
    public Container Find(string reference, int notFound = 125)
    {
        ContainerId id = TryFindId(reference) ?? throw new Failure($"there is no container '{reference}'", "timur ps -a lists them", notFound);
        return TryLoad(id) ?? throw new Failure($"there is no container '{reference}'", "timur ps -a lists them", notFound);
    }

    /// <summary>The id behind a name, id or prefix; null when there is none, a <see cref="Failure"/> when there are several.</summary>
    public ContainerId? TryFindId(string reference)
    {
        if (IsName(reference) && Files.TryReadLink($"{paths.Names}/{reference}", out _) is { } target && ContainerId.TryParse(target, out ContainerId named))
        {
            return named;
        }

        if (ContainerId.TryParse(reference, out ContainerId whole))
        {
            return Files.Exists(paths.Container(whole)) ? whole : null;
        }

        if (reference.Length == 0 || reference.AsSpan().IndexOfAnyExcept("0123456789abcdef") >= 0)
        {
            return null;
        }

        var found = new List<ContainerId>();
        foreach (DirectoryEntry entry in Directories.List(paths.Containers))
        {
            if (entry.Name.StartsWith(reference, StringComparison.Ordinal) && ContainerId.TryParse(entry.Name, out ContainerId id))
            {
                found.Add(id);
            }
        }

        return found.Count switch
        {
            0 => null,
            1 => found[0],
            _ => throw new Failure($"'{reference}' is ambiguous: {string.Join(", ", found.ConvertAll(id => id.Short))}", "write more digits"),
        };
    }

    /// <summary>The container with that id, with a state that says the truth: a record of a process that is gone reads as exited.</summary>
    public Container? TryLoad(ContainerId id)
    {
        string directory = paths.Container(id);
        if (Files.TryReadRecord($"{directory}/container.json", out _) is not { } bytes)
        {
            return null;
        }

        return new Container(ContainerRecord.FromJson(bytes, $"{directory}/container.json"), LoadState(id));
    }

    /// <summary>The recorded state, corrected by what the kernel says.</summary>
    public ContainerState LoadState(ContainerId id)
    {
        string path = $"{paths.Container(id)}/state";
        if (Files.TryReadRecord(path, out _) is not { Length: > 0 } bytes)
        {
            // Empty is what a power cut may leave of a state that was only that it runs.
            return new ContainerState();
        }

        ContainerState state = ContainerState.FromBytes(bytes, path);
        bool gone = state.Status is ContainerStatus.Running or ContainerStatus.Paused && !ContainerState.Lives(state.Pid, state.PidStart)
            && !ContainerState.Lives(state.MonitorPid, state.MonitorStart);
        bool neverStarted = state.Status == ContainerStatus.Starting && !ContainerState.Lives(state.MonitorPid, state.MonitorStart);
        bool neverAgain = state.Status == ContainerStatus.Restarting && !ContainerState.Lives(state.MonitorPid, state.MonitorStart);
        if (neverAgain)
        {
            return state with { Status = ContainerStatus.Exited, Error = "its restart was interrupted" };
        }

        return gone || neverStarted
            ? state with { Status = ContainerStatus.Exited, ExitCode = 137, Error = "its monitor is gone", Pid = 0 }
            : state;
    }

    public void SaveState(ContainerId id, ContainerState state) => AtomicFile.WriteEvenWhenFull($"{paths.Container(id)}/state", state.ToBytes());

    public void SaveRecord(ContainerRecord record) => AtomicFile.Write($"{paths.Container(record.Id)}/container.json", record.ToJson());

    /// <summary>One operation on a container at a time; a <see cref="Failure"/> when the container is gone.</summary>
    public FileLock Lock(ContainerId id) => TryLock(id) ?? throw new Failure($"container {id.Short} was removed meanwhile", exitCode: 1);

    /// <summary>As <see cref="Lock"/>; null when the container is gone.</summary>
    public FileLock? TryLock(ContainerId id) => FileLock.TryTakeDirectory(paths.Container(id), wait: true);

    /// <summary>Makes the directory and claims the name; the record makes it a container.</summary>
    public void Create(ContainerRecord record, UndoList undo)
    {
        string directory = paths.Container(record.Id);
        if (!Directories.TryCreate(directory, out Errno why, 0x1C0))
        {
            if (why != Errno.ENOENT)
            {
                throw Unwritable(directory, why);
            }

            MakeParents();
            if (!Directories.TryCreate(directory, out why, 0x1C0))
            {
                throw Unwritable(directory, why);
            }
        }

        undo.Add($"container directory {record.Id.Short}", () => Directories.RemoveTree(directory));
        ClaimName(record.Name, record.Id);
        undo.Add($"name {record.Name}", () => ReleaseName(record.Name, record.Id));
        SaveRecord(record);
    }

    /// <summary>Makes the name point to the id; a name in use is a <see cref="Failure"/>.</summary>
    public void ClaimName(string name, ContainerId id)
    {
        if (!IsName(name))
        {
            throw new Failure($"'{name}' isn't a container name", "names have two characters or more, start with a letter or digit and go on with letters, digits, '_', '.' and '-'");
        }

        if (Files.TrySymlink(id.Text, $"{paths.Names}/{name}", out Errno why))
        {
            return;
        }

        if (why != Errno.EEXIST)
        {
            throw Unwritable($"{paths.Names}/{name}", why);
        }

        string holder = Files.TryReadLink($"{paths.Names}/{name}", out _) ?? "?";
        if (ContainerId.TryParse(holder, out ContainerId other) && !Files.Exists(paths.Container(other)))
        {
            // Its container was removed, or never came to be: a crash left the name.
            Files.TryUnlink($"{paths.Names}/{name}", out _);
            ClaimName(name, id);
            return;
        }

        throw new Failure($"the name '{name}' is taken by container {holder[..Math.Min(12, holder.Length)]}", $"choose another name, or remove that one: timur rm {name}");
    }

    public void ReleaseName(string name, ContainerId id)
    {
        if (Files.TryReadLink($"{paths.Names}/{name}", out _) == id.Text)
        {
            Files.TryUnlink($"{paths.Names}/{name}", out _);
        }
    }

    private static bool IsName(string name) => name.Length is >= 2 and <= 200 && char.IsAsciiLetterOrDigit(name[0]) && name.AsSpan().IndexOfAnyExcept(NameCharacters) < 0;

    /// <summary>
    /// The directories that all containers share. Each container's files lie in a part of the disk of their own: beside each other, ext4 would look at
    /// every inode that the last containers gave up before it takes one for the next (docs/decisions/005-startup.md).
    /// </summary>
    internal void MakeParents()
    {
        string sockets = paths.Run + "/containers";
        foreach (string directory in (ReadOnlySpan<string>)[paths.Containers, paths.Names, paths.Trash, sockets])
        {
            try
            {
                Directories.Create(directory, 0x1C9);
            }
            catch (SyscallException e)
            {
                throw Unwritable(directory, e.Errno);
            }
        }

        Directories.TrySpread(paths.Containers);
        Directories.TrySpread(sockets);
    }

    private static Failure Unwritable(string path, Errno why)
        => new($"can't write {path}: {why.Describe()}", why switch
        {
            Errno.EACCES or Errno.EPERM => "timur needs root for this: run it with sudo",
            Errno.EROFS => "put the data elsewhere: --root DIR, or TIMUR_ROOT",
            Errno.ENOSPC => "free some space, or put the data elsewhere with --root DIR",
            _ => null,
        });
}
