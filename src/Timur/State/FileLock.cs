using Timur.Kernel;

namespace Timur.State;

/// <summary>An advisory lock (flock(2)) on a directory or on a file of its own; the kernel lets go of it when the holder dies.</summary>
public sealed class FileLock : IDisposable
{
    private readonly Fd _fd;

    private FileLock(Fd fd) => _fd = fd;

    /// <summary>Waits for the lock; the file is made when it is missing.</summary>
    public static FileLock Take(string path, bool exclusive = true)
        => TryTake(path, exclusive, wait: true) ?? throw new InvalidOperationException("flock returned without the lock");

    /// <summary>Null when somebody else holds it.</summary>
    public static FileLock? TryTake(string path, bool exclusive = true, bool wait = false)
        => TryTake(Files.Open(path, Open.ReadWrite | Open.Create, 0x180), exclusive, wait);

    /// <summary>The lock of a directory that exists; null when it is gone, or held while this call may not wait.</summary>
    public static FileLock? TryTakeDirectory(string path, bool wait)
        => Files.TryOpen(path, Open.Directory, out Errno why) is { } fd ? TryTake(fd, exclusive: true, wait)
            : why == Errno.ENOENT ? null : throw new SyscallException("open", why, path);

    /// <summary>A lock on a file or directory that exists; null when somebody else holds it.</summary>
    public static FileLock? OnExisting(string path, bool wait, bool exclusive = true)
        => TryTake(Files.Open(path, Open.Read | Open.NonBlock), exclusive, wait);

    /// <summary>Lets others hold it, too, as long as they don't want it alone.</summary>
    public void Share() => Files.TryLock(_fd, exclusive: false, wait: true);

    public void Dispose() => _fd.Dispose();

    private static FileLock? TryTake(Fd fd, bool exclusive, bool wait)
    {
        if (Files.TryLock(fd, exclusive, wait))
        {
            return new FileLock(fd);
        }

        fd.Dispose();
        return null;
    }
}
