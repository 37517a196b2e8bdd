using Timur.Kernel;

namespace Timur.State;

/// <summary>Files that are whole at any moment: written beside their place and renamed into it.</summary>
public static class AtomicFile
{
    /// <summary>
    /// Replaces <paramref name="path"/>. A crash leaves the old file or the new one; a leftover <c>.NAME.PID.tmp</c> is removed by
    /// <c>timur system check --repair</c>. With <paramref name="durable"/> the bytes are on the disk before the name is.
    /// </summary>
    /// <param name="passing">
    /// The content is worth nothing after a power cut, which may then leave an empty file. ext4 writes a file to the disk at once when it is renamed over
    /// another; exchanging the two names does without.
    /// </param>
    /// <param name="beforeName">Done when all is written, before the file has its name.</param>
    public static void Write(string path, ReadOnlySpan<byte> bytes, uint mode = 0x180, bool durable = false, bool passing = false, Action? beforeName = null)
    {
        string temporary = Path.Combine(Path.GetDirectoryName(path) ?? "/", $".{Path.GetFileName(path)}.{Processes.Self}.tmp");
        try
        {
            using (Fd fd = Files.Open(temporary, Open.Write | Open.Create | Open.Truncate, mode))
            {
                Files.Write(fd, bytes, path);
                if (durable)
                {
                    Files.Sync(fd, path);
                }
            }

            beforeName?.Invoke();
            if (!passing || !Files.TryExchange(temporary, path, out _))
            {
                Files.Rename(temporary, path);
                return;
            }

            Files.TryUnlink(temporary, out _);
        }
        catch
        {
            Files.TryUnlink(temporary, out _);
            throw;
        }
    }

    /// <summary>
    /// As <see cref="Write"/>; when the disk is full, the file's own block takes the new bytes, which needs no space: a file of less than a block is
    /// then as good as replaced.
    /// </summary>
    public static void WriteEvenWhenFull(string path, ReadOnlySpan<byte> bytes, bool passing = false)
    {
        try
        {
            Write(path, bytes, passing: passing);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOSPC or Errno.EDQUOT && Files.Exists(path))
        {
            using Fd fd = Files.Open(path, Open.Write);
            Files.Write(fd, bytes, path);
            Files.Truncate(fd, bytes.Length, path);
        }
    }
}
