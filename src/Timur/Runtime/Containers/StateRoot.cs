using Timur.Kernel;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>The directory of all OCI containers that one caller knows (<c>--root</c>); it need not survive a reboot.</summary>
public sealed class StateRoot(string path)
{
    public const string Default = "/run/timur/oci";

    private const int LongestId = 1024;

    /// <summary>Milliseconds to wait for the record of a container that is being made.</summary>
    private const int Patience = 10_000;

    public string Path { get; } = path;

    /// <summary>The container's directory, whether it exists or not; a name that can't be one is refused.</summary>
    public string DirectoryOf(string id)
    {
        const string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
        bool valid = id.Length is <= LongestId && id is not ("." or "..") && id.AsSpan().IndexOfAnyExcept(letters) < 0;
        return id.Length == 0 ? throw new Failure("container id cannot be empty", exitCode: 1) : valid ? $"{Path}/{id}" : throw new Failure($"invalid container ID format: '{id}' has other characters than letters, digits, _ + - and .", exitCode: 1);
    }

    /// <summary>
    /// The container, or a failure in the words that callers look for. One whose process was started a moment ago may have no record yet: who makes it holds
    /// the lock on its directory until then.
    /// </summary>
    public OciContainer Find(string id)
    {
        OciContainer? container = TryFind(id);
        for (int i = 0; container is null && i < Patience && IsClaimed(id); i++)
        {
            Thread.Sleep(1);
            container = TryFind(id);
        }

        return container ?? TryFind(id) ?? throw new Failure("container does not exist", exitCode: 1);
    }

    private bool IsClaimed(string id)
    {
        string directory = DirectoryOf(id);
        if (!Files.Exists(directory))
        {
            return false;
        }

        using FileLock? free = FileLock.TryTakeDirectory(directory, wait: false);
        return free is null;
    }

    public OciContainer? TryFind(string id)
    {
        string directory = DirectoryOf(id);
        byte[]? bytes = Files.TryReadRecord(directory + OciContainer.RecordFile, out Errno why);
        if (bytes is not null)
        {
            return new OciContainer(directory, ContainerRecord.FromBytes(bytes, directory + OciContainer.RecordFile));
        }

        return why is Errno.ENOENT or Errno.ENOTDIR ? null : throw new SyscallException("read", why, directory + OciContainer.RecordFile);
    }

    /// <summary>Removes what a creation that was cut off has left; false when there is nothing, or somebody is at work on it.</summary>
    public bool TryDiscard(string id)
    {
        string directory = DirectoryOf(id);
        using FileLock? guard = Files.Exists(directory) ? FileLock.TryTakeDirectory(directory, wait: false) : null;
        if (guard is null || Files.Exists(directory + OciContainer.RecordFile))
        {
            return false;
        }

        ShownMounts.Remove(directory);
        Directories.RemoveTree(directory);
        return true;
    }

    /// <summary>Every container that has a record, in the order of their names.</summary>
    /// <param name="broken">Is told of one whose record can't be read; the others are listed all the same.</param>
    public IReadOnlyList<OciContainer> All(Action<string, Exception> broken)
    {
        var containers = new List<OciContainer>();
        if (!Files.Exists(Path))
        {
            return containers;
        }

        foreach (DirectoryEntry entry in Directories.List(Path))
        {
            if (entry.Kind == FileKind.Directory && !entry.Name.StartsWith('.') && TryRead(entry.Name, broken) is { } container)
            {
                containers.Add(container);
            }
        }

        containers.Sort((a, b) => string.CompareOrdinal(a.Record.Id, b.Record.Id));
        return containers;
    }

    private OciContainer? TryRead(string name, Action<string, Exception> broken)
    {
        try
        {
            return TryFind(name);
        }
        catch (Exception e) when (e is Failure or SyscallException)
        {
            broken(name, e);
            return null;
        }
    }

    /// <summary>Claims an id: its directory is made, and locked until the lock is disposed.</summary>
    internal FileLock Claim(string id)
    {
        string directory = DirectoryOf(id);
        Directories.Create(Path, 0x1C0);
        if (!Directories.TryCreate(directory, out Errno why, 0x1C0))
        {
            throw why == Errno.EEXIST ? new Failure("container with given ID already exists", "delete it first, or choose another id", 1) : new SyscallException("mkdir", why, directory);
        }

        return FileLock.TryTakeDirectory(directory, wait: true) ?? throw new SyscallException("flock", Errno.ENOENT, directory);
    }
}
