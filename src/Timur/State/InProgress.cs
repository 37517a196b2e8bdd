using Timur.Kernel;

namespace Timur.State;

/// <summary>
/// Files and directories that a living process is making or deleting: it holds a lock (flock(2)) on the thing itself. The kernel lets go of the lock when
/// the holder dies, so what is unfinished and not locked was left by an interrupted command.
/// </summary>
public static class InProgress
{
    /// <summary>Between the making of a name and the lock on it no command needs more; a younger thing may be about to be locked.</summary>
    private static readonly TimeSpan Youth = TimeSpan.FromSeconds(1);

    /// <summary>Locks a file or directory that exists until it is disposed; a rename keeps the lock.</summary>
    public static FileLock Hold(string path) => FileLock.OnExisting(path, wait: true) ?? throw new InvalidOperationException("flock returned without the lock");

    /// <summary>Somebody counts on it at this moment; false when it is gone.</summary>
    public static bool IsHeld(string path)
    {
        using FileLock? free = Files.Exists(path) ? FileLock.OnExisting(path, wait: false) : null;
        return free is null && Files.Exists(path);
    }

    /// <summary>Nobody works on it; false when it is gone.</summary>
    public static bool IsAbandoned(string path)
    {
        if (Files.TryStatus(path, out _) is not { } status || DateTimeOffset.UtcNow - DateTimeOffset.FromUnixTimeSeconds(status.ModifiedSeconds) < Youth)
        {
            return false;
        }

        if (status.Kind is not (FileKind.Regular or FileKind.Directory))
        {
            return true;
        }

        try
        {
            using FileLock? free = FileLock.OnExisting(path, wait: false);
            return free is not null;
        }
        catch (SyscallException e) when (e.Errno == Errno.ENOENT)
        {
            return false;
        }
    }
}
