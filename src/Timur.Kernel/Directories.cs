using System.Text;

namespace Timur.Kernel;

/// <summary>One name in a directory; <see cref="Kind"/> is 0 where the file system doesn't tell.</summary>
public readonly record struct DirectoryEntry(string Name, FileKind Kind);

/// <summary>Directories by system call.</summary>
public static unsafe class Directories
{
    private const int AtRemoveDirectory = 0x200;

    // d_type of a directory, readdir(3)
    private const byte DirectoryType = 4;

    /// <summary>mkdir(2); EEXIST and the like come back as the reason.</summary>
    public static bool TryCreate(string path, out Errno why, uint mode = 0x1ED)
    {
        using var text = new CString(path, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.mkdirat, Files.AtFdCwd, text.Address, mode));
        return why == Errno.None;
    }

    /// <summary>mkdir(2), with parents; an existing directory is fine.</summary>
    public static void Create(string path, uint mode = 0x1ED)
    {
        if (TryCreate(path, out Errno why, mode) || why == Errno.EEXIST)
        {
            return;
        }

        if (why == Errno.ENOENT && Path.GetDirectoryName(path) is { Length: > 0 } parent)
        {
            Create(parent, mode);
            if (TryCreate(path, out why, mode) || why == Errno.EEXIST)
            {
                return;
            }
        }

        throw new SyscallException("mkdir", why, path);
    }

    /// <summary>rmdir(2).</summary>
    public static bool TryRemove(string path, out Errno why)
    {
        using var text = new CString(path, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.unlinkat, Files.AtFdCwd, text.Address, AtRemoveDirectory));
        return why == Errno.None;
    }

    /// <summary>
    /// Tells the file system that what is in this directory has nothing to do with each other (FS_TOPDIR_FL, ioctl_iflags(2)): ext4 then spreads it over
    /// the disk. Any other file system, or one that refuses, is left as it is.
    /// </summary>
    public static void TrySpread(string path)
    {
        const int getFlags = unchecked((int)0x80086601);
        const int setFlags = 0x40086602;
        const int topDirectory = 0x20000;
        using Fd? fd = Files.TryOpen(path, Open.Read | Open.Directory, out _);
        long flags = 0;
        if (fd is not null && Sys.Call(Nr.ioctl, fd.Raw, getFlags, (long)&flags) == 0)
        {
            flags |= topDirectory;
            Sys.Call(Nr.ioctl, fd.Raw, setFlags, (long)&flags);
        }
    }

    /// <summary>The names in a directory, without "." and "..", in the order the file system has them; empty when it doesn't exist.</summary>
    public static List<DirectoryEntry> List(string path)
    {
        using Fd? fd = Files.TryOpen(path, Open.Read | Open.Directory, out Errno why);
        if (fd is null)
        {
            return why == Errno.ENOENT ? [] : throw new SyscallException("open", why, path);
        }

        return List(fd, path);
    }

    /// <summary>
    /// The same directory on another mount of its file system (name_to_handle_at(2)), such as one that doesn't map its ids; null where the file system or the
    /// directory has no handle, or when it isn't on that file system.
    /// </summary>
    /// <param name="mount">Any directory of that mount, open.</param>
    public static Fd? TryReopenOn(Fd mount, Fd directory)
    {
        const int emptyPath = 0x1000;
        const int longest = 128;

        // struct file_handle: bytes, type, handle.
        byte* handle = stackalloc byte[8 + longest];
        *(uint*)handle = longest;
        int mountId;
        byte nothing = 0;
        if (Sys.Call(Nr.name_to_handle_at, directory.Raw, (long)&nothing, (long)handle, (long)&mountId, emptyPath) < 0)
        {
            return null;
        }

        long opened = Sys.Call(Nr.open_by_handle_at, mount.Raw, (long)handle, Files.OpenBits(Open.Path | Open.Directory));
        return opened < 0 ? null : new Fd((int)opened);
    }

    /// <summary>The names in an open directory; one that was removed meanwhile has none.</summary>
    public static List<DirectoryEntry> List(Fd fd, string? target = null)
    {
        var entries = new List<DirectoryEntry>();
        const int size = 32768;
        byte* buffer = stackalloc byte[size];
        while (true)
        {
            long result = Sys.Call(Nr.getdents64, fd.Raw, (long)buffer, size);
            if (Sys.Why(result) == Errno.ENOENT)
            {
                return entries;
            }

            int count = (int)Sys.Check(result, "getdents64", target);
            if (count == 0)
            {
                return entries;
            }

            for (byte* entry = buffer; entry < buffer + count; entry += *(ushort*)(entry + 16))
            {
                // struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name
                string name = Encoding.UTF8.GetString(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + 19));
                if (name is not "." and not "..")
                {
                    entries.Add(new DirectoryEntry(name, (FileKind)(entry[18] << 12)));
                }
            }
        }
    }

    /// <summary>Bytes that a file or a tree occupies, as du(1) counts them: its directories too, a file of several names once; what can't be read counts nothing.</summary>
    public static long Usage(string path) => Usage(path, []);

    /// <summary>As the other, for several: what has a name in two of them counts once.</summary>
    public static long Usage(IEnumerable<string> paths)
    {
        var seen = new HashSet<(uint, uint, ulong)>();
        return paths.Sum(path => Usage(path, seen));
    }

    private static long Usage(string path, HashSet<(uint, uint, ulong)> seen)
    {
        if (path == "/" || Files.TryStatus(path, out _) is not { } top)
        {
            return 0;
        }

        long bytes = (long)top.Blocks512 * 512;
        using Fd? root = top.Kind == FileKind.Directory ? Files.TryOpen(path, Open.Read | Open.Directory | Open.NoFollow, out _) : null;
        var pending = new Stack<byte[]>(root is null ? [] : ["."u8.ToArray()]);
        while (pending.TryPop(out byte[]? directory))
        {
            bytes += UsageOfEntries(root!, directory, seen, pending);
        }

        return bytes;
    }

    /// <summary>Of what is in one directory; those in it are still to be visited. Names are bytes.</summary>
    private static long UsageOfEntries(Fd root, byte[] directory, HashSet<(uint, uint, ulong)> seen, Stack<byte[]> pending)
    {
        const int noFollow = 0x100;
        const int size = 32768;
        byte* buffer = stackalloc byte[size];
        byte[] path = [.. directory, 0];
        long bytes = 0;
        fixed (byte* text = path)
        {
            long opened = Sys.CallRetry(Nr.openat, root.Raw, (long)text, Files.OpenBits(Open.Directory | Open.NoFollow));
            if (opened < 0)
            {
                return 0;
            }

            using var fd = new Fd((int)opened);
            long count;
            while ((count = Sys.Call(Nr.getdents64, fd.Raw, (long)buffer, size)) > 0)
            {
                for (byte* entry = buffer; entry < buffer + count; entry += *(ushort*)(entry + 16))
                {
                    byte* name = entry + 19;
                    bool dots = name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
                    if (dots || Files.TryStatusAt(fd.Raw, name, noFollow, out _) is not { } status)
                    {
                        continue;
                    }

                    if (status.Kind == FileKind.Directory)
                    {
                        pending.Push([.. directory, (byte)'/', .. System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)]);
                    }

                    bool again = status.Links > 1 && status.Kind != FileKind.Directory && !seen.Add((status.DeviceMajor, status.DeviceMinor, status.Inode));
                    bytes += again ? 0 : (long)status.Blocks512 * 512;
                }
            }
        }

        return bytes;
    }

    /// <summary>
    /// Removes a tree without following links or crossing mounts. Names that are not UTF-8 are handled as bytes. Missing is fine.
    /// </summary>
    public static void RemoveTree(string path)
    {
        using var text = new CString(path, stackalloc byte[512]);
        long result = RemoveAt(Files.AtFdCwd, text.Pointer);
        if (result < 0 && result != -(int)Errno.ENOENT)
        {
            throw new SyscallException("remove", (Errno)(-result), path);
        }
    }

    /// <summary>As <see cref="RemoveTree(string)"/>, for a zero-terminated name in an open directory.</summary>
    internal static void RemoveTree(Fd parent, ReadOnlySpan<byte> name, string target)
    {
        fixed (byte* text = name)
        {
            long result = RemoveAt(parent.Raw, text);
            if (result < 0 && result != -(int)Errno.ENOENT)
            {
                throw new SyscallException("remove", (Errno)(-result), target);
            }
        }
    }

    private static long RemoveAt(int parent, byte* name) => RemoveAt(parent, name, parent, 0);

    /// <summary>
    /// Below this depth a directory is moved up beside the first one before it is emptied: a container can nest directories deeper than any stack.
    /// </summary>
    private const int MaximumDepth = 64;

    private static long RemoveAt(int parent, byte* name, int top, int depth)
    {
        long result = Sys.Call(Nr.unlinkat, parent, (long)name, 0);
        if (result != -(int)Errno.EISDIR)
        {
            return result;
        }

        return RemoveDirectoryAt(parent, name, top, depth);
    }

    private static long RemoveDirectoryAt(int parent, byte* name, int top, int depth)
    {
        long result = Sys.Call(Nr.unlinkat, parent, (long)name, AtRemoveDirectory);
        if (result != -(int)Errno.ENOTEMPTY)
        {
            return result;
        }

        if (depth >= MaximumDepth)
        {
            return MoveUp(parent, name, top);
        }

        long fd = Sys.Call(Nr.openat, parent, (long)name, Files.OpenBits(Open.Directory | Open.NoFollow));
        if (fd < 0)
        {
            return fd;
        }

        // What is moved up lands in the tree's first directory, and is found when that one is listed again.
        int first = depth == 0 ? (int)fd : top;
        long failure = 0;
        for (int round = 0; round < int.MaxValue; round++)
        {
            failure = RemoveContents((int)fd, first, depth);
            result = Sys.Call(Nr.unlinkat, parent, (long)name, AtRemoveDirectory);
            if (result != -(int)Errno.ENOTEMPTY || failure < 0 || depth > 0)
            {
                break;
            }

            Sys.Call(Nr.lseek, fd, 0, 0);
        }

        Sys.Call(Nr.close, fd);
        return failure < 0 && result < 0 ? failure : result;
    }

    private static long MoveUp(int parent, byte* name, int top)
    {
        byte* moved = stackalloc byte[32];
        ulong random;
        KernelRandom.Fill(new Span<byte>(&random, 8));
        int at = 0;
        moved[at++] = (byte)'m';
        for (int i = 0; i < 16; i++)
        {
            moved[at++] = (byte)('a' + (int)((random >> (i * 4)) & 15));
        }

        moved[at] = 0;
        return Sys.Call(Nr.renameat2, parent, (long)name, top, (long)moved, 1);
    }

    private static long RemoveContents(int fd, int top, int depth)
    {
        long failure = 0;
        const int size = 4096;
        byte* buffer = stackalloc byte[size];
        long count;
        while ((count = Sys.Call(Nr.getdents64, fd, (long)buffer, size)) > 0)
        {
            for (byte* entry = buffer; entry < buffer + count; entry += *(ushort*)(entry + 16))
            {
                byte* name = entry + 19;
                bool dots = name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
                long result = dots ? 0 : entry[18] == DirectoryType ? RemoveDirectoryAt(fd, name, top, depth + 1) : RemoveAt(fd, name, top, depth + 1);
                if (result < 0 && result != -(int)Errno.ENOENT)
                {
                    failure = result;
                }
            }
        }

        return count < 0 ? count : failure;
    }
}
