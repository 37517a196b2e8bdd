namespace Timur.Kernel;

/// <summary>Ownership, mode and times of a file about to be made. Times are seconds and nanoseconds since 1970; seconds may be negative.</summary>
public readonly record struct OwnerAndTimes(uint Permissions, uint UserId, uint GroupId, long Seconds, uint Nanoseconds);

/// <summary>
/// Builds a tree below one directory from names that are bytes, not text. Every path is resolved by openat2(2) with that directory as root, so that no
/// symbolic link, "..", or magic link leads out of it; a last component is never followed. Directories that a path needs are made: root's, mode 0755.
/// </summary>
public sealed unsafe class TreeWriter(Fd root) : IDisposable
{
    private const int NoFollow = 0x100;

    private byte[] _parentPath = [0xff];
    private Fd? _parent;

    /// <summary>Hears of each directory that a path needed and nobody had made: its place, links resolved.</summary>
    public Action<byte[]>? Implied { get; init; }

    /// <summary>Makes or keeps a directory; anything else of that name is replaced.</summary>
    public void MakeDirectory(ReadOnlySpan<byte> path, uint permissions)
    {
        (Fd parent, byte[] name) = Split(path);
        if (name.Length == 1)
        {
            return;
        }

        fixed (byte* text = name)
        {
            long result = Sys.Call(Nr.mkdirat, parent.Raw, (long)text, permissions);
            if (result == -(int)Errno.EEXIST && !IsDirectory(parent, text))
            {
                Sys.Check(Sys.Call(Nr.unlinkat, parent.Raw, (long)text, 0), "unlink", Show(path));
                result = Sys.Call(Nr.mkdirat, parent.Raw, (long)text, permissions);
            }

            if (result != -(int)Errno.EEXIST)
            {
                Sys.Check(result, "mkdir", Show(path));
            }
        }
    }

    /// <summary>A new empty file, open for writing; anything of that name is replaced.</summary>
    /// <param name="path">Below the root.</param>
    /// <param name="permissions">What it is to have in the end, as far as the process's umask(2) lets it; <see cref="SetAttributes(Fd, OwnerAndTimes, IReadOnlyList{ValueTuple{byte[], byte[]}}, ReadOnlySpan{byte})"/> does the rest.</param>
    public Fd MakeFile(ReadOnlySpan<byte> path, uint permissions = 0x180)
    {
        (Fd parent, byte[] name) = Split(path);
        permissions &= 0x1FF;
        long flags = Files.OpenBits(Open.Write | Open.Create | Open.Exclusive | Open.NoFollow);
        fixed (byte* text = name)
        {
            long result = Sys.CallRetry(Nr.openat, parent.Raw, (long)text, flags, permissions);
            if (result == -(int)Errno.EEXIST)
            {
                (parent, _) = Clear(path);
                result = Sys.CallRetry(Nr.openat, parent.Raw, (long)text, flags, permissions);
            }

            return new Fd((int)Sys.Check(result, "create", Show(path)));
        }
    }

    /// <summary>A symbolic link with exactly this target.</summary>
    public void MakeSymbolicLink(ReadOnlySpan<byte> path, ReadOnlySpan<byte> target)
    {
        (Fd parent, byte[] name) = Clear(path);
        byte[] content = Terminated(target);
        fixed (byte* text = name, to = content)
        {
            Sys.Check(Sys.Call(Nr.symlinkat, (long)to, parent.Raw, (long)text), "symlink", Show(path));
        }
    }

    /// <summary>A hard link to a file of this tree; false when there is none of that name.</summary>
    public bool TryMakeHardLink(ReadOnlySpan<byte> path, ReadOnlySpan<byte> existing)
    {
        byte[] parentOfTarget = Directory(existing, out byte[] targetName);
        using Fd? from = OpenDirectory(parentOfTarget);
        if (from is null || Kind(from, targetName) is null or FileKind.Directory)
        {
            return false;
        }

        (Fd parent, byte[] name) = Clear(path);

        fixed (byte* text = name, target = targetName)
        {
            long result = Sys.Call(Nr.linkat, from.Raw, (long)target, parent.Raw, (long)text, 0);
            if (result == -(int)Errno.ENOENT)
            {
                return false;
            }

            Sys.Check(result, "link", Show(path));
            return true;
        }
    }

    /// <summary>A hard link to what another tree on the same file system has, not followed when it is a symbolic link.</summary>
    public void LinkFrom(TreeWriter other, ReadOnlySpan<byte> existing, ReadOnlySpan<byte> path)
    {
        (Fd from, byte[] source) = other.Split(existing);
        (Fd parent, byte[] name) = Clear(path);
        fixed (byte* text = name, target = source)
        {
            Sys.Check(Sys.Call(Nr.linkat, from.Raw, (long)target, parent.Raw, (long)text, 0), "link", Show(path));
        }
    }

    /// <summary>What stands there; null for nothing, or for what a missing directory would hold.</summary>
    public FileKind? Kind(ReadOnlySpan<byte> path)
    {
        byte[] directory = Directory(path, out byte[] name);
        using Fd? parent = OpenDirectory(directory);
        return parent is null ? null : Kind(parent, name);
    }

    /// <summary>A device node or FIFO.</summary>
    public void MakeNode(ReadOnlySpan<byte> path, FileKind kind, uint major, uint minor)
    {
        (Fd parent, byte[] name) = Clear(path);
        fixed (byte* text = name)
        {
            Sys.Check(Sys.Call(Nr.mknodat, parent.Raw, (long)text, (long)kind | 0x180, Files.DeviceNumber(major, minor)), "mknod", Show(path));
        }
    }

    /// <summary>
    /// Owner, then mode (a change of owner clears setuid), then extended attributes (it clears capabilities too), then times: the order that keeps all.
    /// </summary>
    public void SetAttributes(ReadOnlySpan<byte> path, OwnerAndTimes attributes, bool isLink, IReadOnlyList<(byte[] Name, byte[] Value)> extended)
    {
        (Fd parent, byte[] name) = Split(path);
        fixed (byte* text = name)
        {
            Sys.Check(Sys.Call(Nr.fchownat, parent.Raw, (long)text, attributes.UserId, attributes.GroupId, NoFollow), "chown", Show(path));
            if (!isLink)
            {
                Sys.Check(Sys.Call(Nr.fchmodat, parent.Raw, (long)text, attributes.Permissions), "chmod", Show(path));
            }

            foreach ((byte[] key, byte[] value) in extended)
            {
                SetExtended(parent, name, key, value, Show(path));
            }
        }

        SetTime(path, attributes);
    }

    /// <summary>What is at a path, a symbolic link itself; null when there is nothing, or no way to it.</summary>
    public FileStatus? TryStatus(ReadOnlySpan<byte> path)
    {
        byte[] directory = Directory(path, out byte[] name);
        using Fd? parent = OpenDirectory(directory);
        fixed (byte* text = name)
        {
            return parent is null ? null : Files.TryStatusAt(parent.Raw, text, NoFollow, out _);
        }
    }

    /// <summary>The same for a file that <see cref="MakeFile"/> has made and its content is in.</summary>
    public static void SetAttributes(Fd file, OwnerAndTimes attributes, IReadOnlyList<(byte[] Name, byte[] Value)> extended, ReadOnlySpan<byte> path)
    {
        // Most files have what they should from the start; asking costs a tenth of telling.
        FileStatus status = Files.Status(file);
        bool isOwned = (status.UserId, status.GroupId) == (attributes.UserId, attributes.GroupId);
        if (!isOwned)
        {
            Sys.Check(Sys.Call(Nr.fchown, file.Raw, attributes.UserId, attributes.GroupId), "chown", Show(path));
        }

        if (!isOwned || status.Permissions != attributes.Permissions)
        {
            Sys.Check(Sys.Call(Nr.fchmod, file.Raw, attributes.Permissions), "chmod", Show(path));
        }

        foreach ((byte[] key, byte[] value) in extended)
        {
            fixed (byte* attribute = Terminated(key), content = value)
            {
                Sys.Check(Sys.Call(Nr.fsetxattr, file.Raw, (long)attribute, (long)content, value.Length, 0), $"setxattr {Show(key)}", Show(path));
            }
        }

        long* times = stackalloc long[4];
        Fill(times, attributes);
        Sys.Check(Sys.Call(Nr.utimensat, file.Raw, 0, (long)times, 0), "utimensat", Show(path));
    }

    /// <summary>Modification and access time of a directory, when one is there: the last thing to do, since what is made in it changes them.</summary>
    public void SetDirectoryTime(ReadOnlySpan<byte> path, OwnerAndTimes attributes)
    {
        byte[] above = Directory(path, out byte[] name);
        using Fd? parent = OpenDirectory(above);
        if (parent is null || (name.Length > 1 && Kind(parent, name) is not FileKind.Directory))
        {
            return;
        }

        long* times = stackalloc long[4];
        Fill(times, attributes);
        fixed (byte* text = name.Length > 1 ? name : "."u8)
        {
            Sys.Check(Sys.Call(Nr.utimensat, parent.Raw, (long)text, (long)times, NoFollow), "utimensat", Show(path));
        }
    }

    /// <summary>Modification and access time of a file, or of a link itself.</summary>
    public void SetTime(ReadOnlySpan<byte> path, OwnerAndTimes attributes)
    {
        (Fd parent, byte[] name) = Split(path);
        long* times = stackalloc long[4];
        Fill(times, attributes);
        fixed (byte* text = name)
        {
            Sys.Check(Sys.Call(Nr.utimensat, parent.Raw, (long)text, (long)times, NoFollow), "utimensat", Show(path));
        }
    }

    private static void Fill(long* times, OwnerAndTimes attributes)
    {
        times[0] = times[2] = attributes.Seconds;
        times[1] = times[3] = attributes.Nanoseconds;
    }

    /// <summary>Gives a directory an extended attribute, such as overlay's opaque mark; one that is missing is made.</summary>
    public void MarkDirectory(ReadOnlySpan<byte> path, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        using Fd directory = OpenOrMakeDirectory(path);
        SetExtended(directory, ".\0"u8.ToArray(), key, value, Show(path));
    }

    /// <summary>Takes away what stands there, a directory with all that is in it.</summary>
    public void Remove(ReadOnlySpan<byte> path) => Clear(path);

    public void Dispose() => _parent?.Dispose();

    /// <summary>Bytes of a name for a message.</summary>
    public static string Show(ReadOnlySpan<byte> path) => System.Text.Encoding.UTF8.GetString(path);

    private static void SetExtended(Fd parent, byte[] name, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, string shown)
    {
        // setxattr(2) has no form for a name in a directory: through the descriptor's own path, links not followed.
        byte[] prefix = System.Text.Encoding.ASCII.GetBytes($"{parent.ProcPath}/");
        byte[] whole = [.. prefix, .. name];
        byte[] keyText = Terminated(key);
        fixed (byte* text = whole, attribute = keyText, content = value)
        {
            Sys.Check(Sys.Call(Nr.lsetxattr, (long)text, (long)attribute, (long)content, value.Length, 0), $"setxattr {Show(key)}", shown);
        }
    }

    /// <summary>The parent's descriptor, after anything of that name was removed.</summary>
    private (Fd Parent, byte[] Name) Clear(ReadOnlySpan<byte> path)
    {
        (Fd parent, byte[] name) = Split(path);
        fixed (byte* text = name)
        {
            long result = Sys.Call(Nr.unlinkat, parent.Raw, (long)text, 0);
            if (result == -(int)Errno.EISDIR)
            {
                Directories.RemoveTree(parent, name, Show(path));
                _parentPath = [0xff];
                return Split(path);
            }

            if (result < 0 && result != -(int)Errno.ENOENT)
            {
                throw new SyscallException("unlink", (Errno)(-result), Show(path));
            }
        }

        return (parent, name);
    }

    /// <summary>The parent's descriptor, which is kept for the next call, and the zero-terminated last component.</summary>
    private (Fd Parent, byte[] Name) Split(ReadOnlySpan<byte> path)
    {
        byte[] directory = Directory(path, out byte[] name);
        if (_parent is not null && directory.AsSpan().SequenceEqual(_parentPath))
        {
            return (_parent, name);
        }

        Fd parent = OpenOrMakeDirectory(directory);
        _parent?.Dispose();
        (_parent, _parentPath) = (parent, directory);
        return (parent, name);
    }

    private static byte[] Directory(ReadOnlySpan<byte> path, out byte[] name)
    {
        path = path.TrimEnd((byte)'/');
        int slash = path.LastIndexOf((byte)'/');
        name = Terminated(path[(slash + 1)..]);
        return slash < 0 ? [] : path[..slash].ToArray();
    }

    /// <summary>Null when it doesn't exist.</summary>
    private Fd? OpenDirectory(ReadOnlySpan<byte> path)
    {
        byte[] text = Terminated(path.Length == 0 ? "."u8 : path);
        ulong* how = stackalloc ulong[3];
        how[0] = (ulong)Files.OpenBits(Open.Path | Open.Directory);
        how[1] = 0;
        how[2] = (ulong)(Resolve.InRoot | Resolve.NoMagicLinks);
        fixed (byte* start = text)
        {
            long result = Sys.CallRetry(Nr.openat2, root.Raw, (long)start, (long)how, 24);
            return result switch
            {
                -(int)Errno.ENOENT or -(int)Errno.ENOTDIR => null,
                -(int)Errno.ENAMETOOLONG => new DirectoryWalk(root, make: false).Go(path.ToArray()),
                _ => new Fd((int)Sys.Check(result, "open", Show(path))),
            };
        }
    }

    private Fd OpenOrMakeDirectory(ReadOnlySpan<byte> path) => OpenDirectory(path) ?? new DirectoryWalk(root, make: true, Implied).Go(path.ToArray())!;

    private static FileKind? Kind(Fd parent, byte[] name)
    {
        long fd;
        fixed (byte* text = name)
        {
            fd = Sys.Call(Nr.openat, parent.Raw, (long)text, Files.OpenBits(Open.Path | Open.NoFollow), 0);
        }

        if (fd < 0)
        {
            return null;
        }

        using var opened = new Fd((int)fd);
        return Files.Status(opened).Kind;
    }

    private static bool IsDirectory(Fd parent, byte* name)
    {
        long fd = Sys.Call(Nr.openat, parent.Raw, (long)name, Files.OpenBits(Open.Path | Open.Directory | Open.NoFollow));
        if (fd >= 0)
        {
            Sys.Call(Nr.close, fd);
        }

        return fd >= 0;
    }

    internal static byte[] Terminated(ReadOnlySpan<byte> bytes)
    {
        byte[] copy = new byte[bytes.Length + 1];
        bytes.CopyTo(copy);
        return copy;
    }
}
