using System.Runtime.InteropServices;
using System.Text;

namespace Timur.Kernel;

/// <summary>What statx(2) tells about a file.</summary>
public readonly record struct FileStatus(
    FileKind Kind, uint Permissions, uint Links, uint UserId, uint GroupId, ulong Inode, ulong Size, ulong Blocks512,
    uint DeviceMajor, uint DeviceMinor, uint SpecialMajor, uint SpecialMinor, long ModifiedSeconds, uint ModifiedNanoseconds, bool IsMountRoot);

/// <summary>
/// Files by system call. The base library's File and FileStream take a millisecond of cold code on a start; these take microseconds, and they know
/// directory descriptors.
/// </summary>
public static unsafe class Files
{
    internal const int AtFdCwd = -100;
    private const int AtSymlinkNoFollow = 0x100;
    private const int AtEmptyPath = 0x1000;
    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>open(2), close-on-exec; throws when it fails.</summary>
    public static Fd Open(string path, Open flags = Kernel.Open.Read, uint mode = 0x1A4)
        => TryOpen(path, flags, out Errno why, mode) ?? throw new SyscallException("open", why, path);

    /// <summary>open(2), close-on-exec; null and the reason when it fails.</summary>
    public static Fd? TryOpen(string path, Open flags, out Errno why, uint mode = 0x1A4) => TryOpenAt(null, path, flags, out why, mode);

    /// <summary>openat(2) below <paramref name="directory"/> (null: the working directory), close-on-exec.</summary>
    public static Fd? TryOpenAt(Fd? directory, string path, Open flags, out Errno why, uint mode = 0x1A4)
    {
        using var text = new CString(path, stackalloc byte[512]);
        long result = Sys.CallRetry(Nr.openat, directory?.Raw ?? AtFdCwd, text.Address, OpenBits(flags), mode);
        why = Sys.Why(result);
        return result < 0 ? null : new Fd((int)result);
    }

    /// <summary>
    /// openat2(2): resolves <paramref name="path"/> as if <paramref name="root"/> were "/", so that no symbolic link leads out of it.
    /// Magic links are never followed.
    /// </summary>
    public static Fd? TryOpenInRoot(Fd root, string path, Open flags, out Errno why, uint mode = 0, Resolve resolve = Resolve.InRoot | Resolve.NoMagicLinks)
    {
        using var text = new CString(path, stackalloc byte[512]);
        ulong* how = stackalloc ulong[3];
        how[0] = (ulong)OpenBits(flags);
        how[1] = (flags & Kernel.Open.Create) != 0 ? mode : 0;
        how[2] = (ulong)resolve;
        long result;
        do
        {
            result = Sys.Call(Nr.openat2, root.Raw, text.Address, (long)how, 24);
        }
        while (result is -(int)Errno.EINTR or -(int)Errno.EAGAIN);
        why = Sys.Why(result);
        return result < 0 ? null : new Fd((int)result);
    }

    /// <summary>The bits that open(2) takes on this architecture, O_CLOEXEC included.</summary>
    internal static long OpenBits(Open flags)
    {
        long bits = (long)flags | 0x80000;
        if (Arm)
        {
            const Open moved = Kernel.Open.Directory | Kernel.Open.NoFollow | Kernel.Open.Direct;
            bits &= ~(long)moved;
            bits |= (flags & Kernel.Open.Directory) != 0 ? 0x4000L : 0;
            bits |= (flags & Kernel.Open.NoFollow) != 0 ? 0x8000L : 0;
            bits |= (flags & Kernel.Open.Direct) != 0 ? 0x10000L : 0;
        }

        return bits;
    }

    /// <summary>read(2) until the buffer is full or the file ends; returns the bytes read.</summary>
    public static int Read(Fd fd, Span<byte> buffer)
    {
        int total = 0;
        fixed (byte* start = buffer)
        {
            while (total < buffer.Length)
            {
                int count = (int)Sys.Check(Sys.CallRetry(Nr.read, fd.Raw, (long)(start + total), buffer.Length - total), "read");
                if (count == 0)
                {
                    break;
                }

                total += count;
            }
        }

        return total;
    }

    /// <summary>One read(2); 0 at the end, or -1 and the reason.</summary>
    public static int TryRead(Fd fd, Span<byte> buffer, out Errno why)
    {
        fixed (byte* start = buffer)
        {
            long result = Sys.CallRetry(Nr.read, fd.Raw, (long)start, buffer.Length);
            why = Sys.Why(result);
            return result < 0 ? -1 : (int)result;
        }
    }

    /// <summary>write(2) until all is written.</summary>
    public static void Write(Fd fd, ReadOnlySpan<byte> bytes, string? target = null)
    {
        if (!TryWrite(fd, bytes, out Errno why))
        {
            throw new SyscallException("write", why, target);
        }
    }

    /// <summary>write(2) until all is written; false and the reason when the kernel refuses.</summary>
    public static bool TryWrite(Fd fd, ReadOnlySpan<byte> bytes, out Errno why)
    {
        fixed (byte* start = bytes)
        {
            int total = 0;
            do
            {
                long result = Sys.CallRetry(Nr.write, fd.Raw, (long)(start + total), bytes.Length - total);
                if (result < 0)
                {
                    why = Sys.Why(result);
                    return false;
                }

                total += (int)result;
            }
            while (total < bytes.Length);
        }

        why = Errno.None;
        return true;
    }

    /// <summary>pwrite(2) until all is written.</summary>
    public static void WriteAt(Fd fd, ReadOnlySpan<byte> bytes, long offset, string? target = null)
    {
        fixed (byte* start = bytes)
        {
            int total = 0;
            while (total < bytes.Length)
            {
                total += (int)Sys.Check(Sys.CallRetry(Nr.pwrite64, fd.Raw, (long)(start + total), bytes.Length - total, offset + total), "write", target);
            }
        }
    }

    /// <summary>One write(2); the bytes taken, or -1 and the reason.</summary>
    public static int TryWriteSome(Fd fd, ReadOnlySpan<byte> bytes, out Errno why)
    {
        fixed (byte* start = bytes)
        {
            long result = bytes.Length == 0 ? 0 : Sys.CallRetry(Nr.write, fd.Raw, (long)start, bytes.Length);
            why = Sys.Why(result);
            return result < 0 ? -1 : (int)result;
        }
    }

    /// <summary>The whole file; throws when it can't be read. Works for /proc and /sys, whose sizes are zero.</summary>
    public static byte[] ReadAll(string path) => TryReadAll(path, out Errno why) ?? throw new SyscallException("read", why, path);

    /// <summary>The whole file, or null and the reason.</summary>
    public static byte[]? TryReadAll(string path, out Errno why)
    {
        using Fd? fd = TryOpen(path, Kernel.Open.Read, out why);
        return fd is null ? null : TryReadAll(fd, out why);
    }

    /// <summary>
    /// As <see cref="TryReadAll(string, out Errno)"/> for ordinary small files: one that comes in less than the buffer has ended, and isn't asked again.
    /// </summary>
    public static byte[]? TryReadRecord(string path, out Errno why)
    {
        using Fd? fd = TryOpen(path, Kernel.Open.Read, out why);
        if (fd is null)
        {
            return null;
        }

        Span<byte> buffer = stackalloc byte[4096];
        int count = TryRead(fd, buffer, out why);
        return count < 0 ? null : count < buffer.Length ? buffer[..count].ToArray() : [.. buffer, .. TryReadAll(fd, out why) ?? []];
    }

    /// <summary>From the descriptor's position to its end, or null and the reason.</summary>
    public static byte[]? TryReadAll(Fd fd, out Errno why)
    {
        Span<byte> first = stackalloc byte[4096];
        byte[]? grown = null;
        int length = 0;
        while (true)
        {
            Span<byte> target = grown is null ? first : grown;
            int count = TryRead(fd, target[length..], out why);
            if (count < 0)
            {
                return null;
            }

            length += count;
            if (count == 0)
            {
                return target[..length].ToArray();
            }

            if (length == target.Length)
            {
                if (length == (int)Status(fd).Size)
                {
                    return grown ?? target.ToArray();
                }

                // A regular file says how long it is; those of proc(5) and sysfs(5) don't.
                byte[] larger = new byte[Status(fd).Size is var size && size > (ulong)length ? checked((int)size) : length * 4];
                target.CopyTo(larger);
                grown = larger;
            }
        }
    }

    /// <summary>The whole file as UTF-8 text without its last newline, or null and the reason.</summary>
    public static string? TryReadText(string path, out Errno why)
        => TryReadAll(path, out why) is { } bytes ? Encoding.UTF8.GetString(bytes).TrimEnd('\n') : null;

    /// <summary>Writes in one write(2), as kernel files want it; false and the reason when the kernel refuses the value.</summary>
    public static bool TryWriteText(string path, string text, out Errno why, Open flags = Kernel.Open.Write)
    {
        using Fd? fd = TryOpen(path, flags, out why);
        return fd is not null && TryWrite(fd, Encoding.UTF8.GetBytes(text), out why);
    }

    /// <summary>Creates or truncates a file with these bytes. Not atomic: see State for records.</summary>
    public static void WriteAll(string path, ReadOnlySpan<byte> bytes, uint mode = 0x1A4)
    {
        using Fd fd = Open(path, Kernel.Open.Write | Kernel.Open.Create | Kernel.Open.Truncate, mode);
        Write(fd, bytes, path);
    }

    /// <summary>statx(2); null when there is nothing, or the reason. Does not follow a last symbolic link unless asked.</summary>
    public static FileStatus? TryStatus(string path, out Errno why, bool follow = false) => TryStatusAt(null, path, out why, follow);

    /// <summary>statx(2) on an open descriptor.</summary>
    public static FileStatus Status(Fd fd) => TryStatusAt(fd, "", out Errno why) ?? throw new SyscallException("statx", why, fd.ProcPath);

    /// <summary>statx(2) relative to a directory; an empty path means the descriptor itself.</summary>
    public static FileStatus? TryStatusAt(Fd? directory, string path, out Errno why, bool follow = false)
    {
        using var text = new CString(path, stackalloc byte[512]);
        return TryStatusAt(directory?.Raw ?? AtFdCwd, text.Pointer, (follow ? 0 : AtSymlinkNoFollow) | (path.Length == 0 ? AtEmptyPath : 0), out why);
    }

    /// <summary>As the other, for a zero-terminated name that need not be text.</summary>
    internal static FileStatus? TryStatusAt(int directory, byte* path, int flags, out Errno why)
    {
        byte* buffer = stackalloc byte[256];
        long result = Sys.Call(Nr.statx, directory, (long)path, flags, 0x7ff, (long)buffer);
        why = Sys.Why(result);
        if (result < 0)
        {
            return null;
        }

        // struct statx, linux/stat.h
        uint* words = (uint*)buffer;
        ushort mode = *(ushort*)(buffer + 28);
        const ulong attributeMountRoot = 0x2000;
        return new FileStatus(
            (FileKind)(mode & 0xF000), (uint)mode & 0xFFF, words[4], words[5], words[6], *(ulong*)(buffer + 32), *(ulong*)(buffer + 40), *(ulong*)(buffer + 48),
            *(uint*)(buffer + 136), *(uint*)(buffer + 140), *(uint*)(buffer + 128), *(uint*)(buffer + 132),
            *(long*)(buffer + 112), *(uint*)(buffer + 120), (*(ulong*)(buffer + 8) & attributeMountRoot) != 0);
    }

    /// <summary>Whether anything, a dangling link included, has this name.</summary>
    public static bool Exists(string path) => TryStatus(path, out _) is not null;

    /// <summary>rename(2) within one file system; replaces the target atomically.</summary>
    public static void Rename(string from, string to)
    {
        if (!TryRename(from, to, out Errno why))
        {
            throw new SyscallException("rename", why, $"{from} to {to}");
        }
    }

    /// <summary>renameat2(2); with <paramref name="noReplace"/> an existing target is EEXIST.</summary>
    public static bool TryRename(string from, string to, out Errno why, bool noReplace = false)
    {
        using var source = new CString(from, stackalloc byte[512]);
        using var target = new CString(to, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.renameat2, AtFdCwd, source.Address, AtFdCwd, target.Address, noReplace ? 1 : 0));
        return why == Errno.None;
    }

    /// <summary>renameat2(2), RENAME_EXCHANGE: both names exist, and each gets the other's file.</summary>
    public static bool TryExchange(string one, string other, out Errno why)
    {
        using var first = new CString(one, stackalloc byte[512]);
        using var second = new CString(other, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.renameat2, AtFdCwd, first.Address, AtFdCwd, second.Address, 2));
        return why == Errno.None;
    }

    /// <summary>unlink(2); false and the reason when it fails.</summary>
    public static bool TryUnlink(string path, out Errno why)
    {
        using var text = new CString(path, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.unlinkat, AtFdCwd, text.Address, 0));
        return why == Errno.None;
    }

    /// <summary>symlink(2): <paramref name="path"/> will point to <paramref name="target"/>; atomic, EEXIST when the name is taken.</summary>
    public static bool TrySymlink(string target, string path, out Errno why)
    {
        using var what = new CString(target, stackalloc byte[512]);
        using var where = new CString(path, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.symlinkat, what.Address, AtFdCwd, where.Address));
        return why == Errno.None;
    }

    /// <summary>mkfifo(3).</summary>
    public static void MakeFifo(string path, uint mode)
    {
        using var text = new CString(path, stackalloc byte[512]);
        Sys.Check(Sys.Call(Nr.mknodat, AtFdCwd, text.Address, (long)FileKind.Fifo | mode, 0), "mkfifo", path);
    }

    /// <summary>mknod(2) of a device that nobody may open yet.</summary>
    public static bool TryMakeNode(string path, FileKind kind, long major, long minor, out Errno why)
    {
        using var text = new CString(path, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.mknodat, AtFdCwd, text.Address, (long)kind, DeviceNumber(major, minor)));
        return why == Errno.None;
    }

    /// <summary>Both numbers of a device as system calls take them (makedev(3)).</summary>
    internal static long DeviceNumber(long major, long minor) => ((major & 0xfff) << 8) | (minor & 0xff) | ((minor & ~0xffL) << 12) | ((major & ~0xfffL) << 32);

    /// <summary>readlink(2), or null and the reason.</summary>
    public static string? TryReadLink(string path, out Errno why)
    {
        using var text = new CString(path, stackalloc byte[512]);
        byte* buffer = stackalloc byte[4096];
        long result = Sys.Call(Nr.readlinkat, AtFdCwd, text.Address, (long)buffer, 4096);
        why = Sys.Why(result);
        return result < 0 ? null : Encoding.UTF8.GetString(buffer, (int)result);
    }

    /// <summary>readlinkat(2) on a descriptor of the link itself (O_PATH, O_NOFOLLOW), or null and the reason.</summary>
    public static string? TryReadLink(Fd link, out Errno why)
    {
        using var empty = new CString("", stackalloc byte[4]);
        byte* buffer = stackalloc byte[4096];
        long result = Sys.Call(Nr.readlinkat, link.Raw, empty.Address, (long)buffer, 4096);
        why = Sys.Why(result);
        return result < 0 ? null : Encoding.UTF8.GetString(buffer, (int)result);
    }

    /// <summary>chmod(2).</summary>
    public static void Chmod(string path, uint mode)
    {
        using var text = new CString(path, stackalloc byte[512]);
        Sys.Check(Sys.Call(Nr.fchmodat, AtFdCwd, text.Address, mode), "chmod", path);
    }

    /// <summary>lchown(2): never follows a link.</summary>
    public static void Chown(string path, uint user, uint group)
    {
        using var text = new CString(path, stackalloc byte[512]);
        Sys.Check(Sys.Call(Nr.fchownat, AtFdCwd, text.Address, user, group, AtSymlinkNoFollow), "chown", path);
    }

    /// <summary>ftruncate(2), in bytes.</summary>
    public static void Truncate(Fd fd, long size, string? target = null) => Sys.Check(Sys.CallRetry(Nr.ftruncate, fd.Raw, size), "truncate", target);

    /// <summary>fsync(2).</summary>
    public static void Sync(Fd fd, string? target = null) => Sys.Check(Sys.CallRetry(Nr.fsync, fd.Raw), "fsync", target);

    /// <summary>syncfs(2): flushes the file system that holds the descriptor.</summary>
    public static void SyncFileSystem(Fd fd, string? target = null) => Sys.Check(Sys.CallRetry(Nr.syncfs, fd.Raw), "syncfs", target);

    /// <summary>flock(2); false when another open file description holds it and <paramref name="wait"/> is false.</summary>
    public static bool TryLock(Fd fd, bool exclusive, bool wait)
    {
        long result = Sys.CallRetry(Nr.flock, fd.Raw, (exclusive ? 2 : 1) | (wait ? 0 : 4));
        return result != -(int)Errno.EAGAIN && Sys.Check(result, "flock") == 0;
    }
}
