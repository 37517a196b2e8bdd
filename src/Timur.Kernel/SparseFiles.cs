namespace Timur.Kernel;

/// <summary>Files with holes (lseek(2) SEEK_DATA), copied without filling them.</summary>
public static unsafe class SparseFiles
{
    private const int CloneFile = 0x40049409;
    private const int SeekData = 3;
    private const int SeekHole = 4;

    /// <summary>
    /// Copies a file to a new one: a reflink where the file system can (FICLONE, ioctl_ficlonerange(2)), else only the parts that hold data. The target
    /// must not exist; it is locked (flock(2)) until it is complete, and on failure nothing is left.
    /// </summary>
    public static void Copy(string source, string target)
    {
        using Fd from = Files.Open(source);
        using Fd to = Files.Open(target, Open.ReadWrite | Open.Create | Open.Exclusive, 0x180);
        Files.TryLock(to, exclusive: true, wait: false);
        try
        {
            if (Sys.Call(Nr.ioctl, to.Raw, CloneFile, from.Raw) == 0)
            {
                return;
            }

            long size = (long)Files.Status(from).Size;
            Files.Truncate(to, size, target);
            long at = 0;
            while ((at = Sys.Call(Nr.lseek, from.Raw, at, SeekData)) >= 0)
            {
                long end = Sys.Check(Sys.Call(Nr.lseek, from.Raw, at, SeekHole), "lseek", source);
                CopyRange(from, to, at, end, target);
                at = end;
            }

            if (at != -(int)Errno.ENXIO)
            {
                throw new SyscallException("lseek", (Errno)(-at), source);
            }
        }
        catch
        {
            Files.TryUnlink(target, out _);
            throw;
        }
    }

    /// <summary>
    /// Copies what one open file holds into another, which is empty: holes stay holes (lseek(2)), and files that have no size, as those of proc, are read to their end.
    /// Bytes of content copied.
    /// </summary>
    /// <param name="buffer">What is read at once.</param>
    public static long CopyContent(Fd from, Fd to, Span<byte> buffer, string target)
    {
        long size = (long)Files.Status(from).Size;
        long data = size == 0 ? -(int)Errno.EINVAL : Sys.Call(Nr.lseek, from.Raw, 0, SeekData);
        if (data == -(int)Errno.EINVAL)
        {
            return CopyRange(from, to, 0, long.MaxValue, buffer, target);
        }

        long copied = 0;
        long end = 0;
        while (data >= 0)
        {
            end = Sys.Check(Sys.Call(Nr.lseek, from.Raw, data, SeekHole), "lseek", target);
            copied += CopyRange(from, to, data, end, buffer, target);
            data = Sys.Call(Nr.lseek, from.Raw, end, SeekData);
        }

        if (data != -(int)Errno.ENXIO)
        {
            throw new SyscallException("lseek", (Errno)(-data), target);
        }

        if (end < size)
        {
            Files.Truncate(to, size, target);
        }

        return copied;
    }

    /// <summary>Reserves all blocks of a file now, so that it can't run out of space later (fallocate(2)).</summary>
    public static void Preallocate(Fd file, long size, string target) => Sys.Check(Sys.CallRetry(Nr.fallocate, file.Raw, 0, 0, size), "fallocate", target);

    private static long CopyRange(Fd from, Fd to, long start, long end, Span<byte> buffer, string target)
    {
        long at = start;
        Sys.Check(Sys.Call(Nr.lseek, from.Raw, at, 0), "lseek", target);
        int count;
        while (at < end && (count = Files.Read(from, buffer[..(int)Math.Min(buffer.Length, end - at)])) > 0)
        {
            Files.WriteAt(to, buffer[..count], at, target);
            at += count;
        }

        return at - start;
    }

    private static void CopyRange(Fd from, Fd to, long at, long end, string target)
    {
        long readAt = at;
        long writeAt = at;
        while (readAt < end)
        {
            Sys.Check(Sys.CallRetry(Nr.copy_file_range, from.Raw, (long)&readAt, to.Raw, (long)&writeAt, end - readAt, 0), "copy_file_range", target);
        }
    }
}
