namespace Timur.Kernel;

/// <summary>Ownership, mode and times of a file about to be made. Times are seconds and nanoseconds since 1970; seconds may be negative.</summary>
public readonly record struct OwnerAndTimes(uint Permissions, uint UserId, uint GroupId, long Seconds, uint Nanoseconds);

/// <summary>
/// Builds a tree below one directory from names that are bytes, not text. Every path is resolved by openat2(2) with that directory as root, so that no
/// symbolic link, "..", or magic link leads out of it; a last component is never followed.
/// </summary>
public sealed unsafe class TreeWriter(Fd root) : IDisposable
{
    private const int NoFollow = 0x100;
    private byte[] _parentPath = [0xff];
    private Fd? _parent;

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
    public Fd MakeFile(ReadOnlySpan<byte> path)
    {
        (Fd parent, byte[] name) = Clear(path);
        fixed (byte* text = name)
        {
            long flags = Files.OpenBits(Open.Write | Open.Create | Open.Exclusive | Open.NoFollow);
            return new Fd((int)Sys.Check(Sys.CallRetry(Nr.openat, parent.Raw, (long)text, flags, 0x180), "create", Show(path)));
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
        (Fd parent, byte[] name) = Clear(path);
        byte[] parentOfTarget = Directory(existing, out byte[] targetName);
        using Fd? from = OpenDirectory(parentOfTarget);
        if (from is null)
        {
            return false;
        }

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

    /// <summary>A device node or FIFO.</summary>
    public void MakeNode(ReadOnlySpan<byte> path, FileKind kind, uint major, uint minor)
    {
        (Fd parent, byte[] name) = Clear(path);
        long device = ((major & 0xfffL) << 8) | (minor & 0xff) | ((minor & ~0xffL) << 12) | ((major & ~0xfffL) << 32);
        fixed (byte* text = name)
        {
            Sys.Check(Sys.Call(Nr.mknodat, parent.Raw, (long)text, (long)kind | 0x180, device), "mknod", Show(path));
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

    /// <summary>Modification and access time of a file, or of a link itself.</summary>
    public void SetTime(ReadOnlySpan<byte> path, OwnerAndTimes attributes)
    {
        (Fd parent, byte[] name) = Split(path);
        long* times = stackalloc long[4];
        times[0] = times[2] = attributes.Seconds;
        times[1] = times[3] = attributes.Nanoseconds;
        fixed (byte* text = name)
        {
            Sys.Check(Sys.Call(Nr.utimensat, parent.Raw, (long)text, (long)times, NoFollow), "utimensat", Show(path));
        }
    }

    /// <summary>An extended attribute of a directory, such as overlay's opaque mark.</summary>
    public void SetExtended(ReadOnlySpan<byte> path, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        (Fd parent, byte[] name) = Split(path);
        SetExtended(parent, name, key, value, Show(path));
    }

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

        Fd parent = OpenDirectory(directory) ?? MakeParents(directory);
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
            return result == -(int)Errno.ENOENT ? null : new Fd((int)Sys.Check(result, "open", Show(path)));
        }
    }

    /// <summary>Directories that the archive doesn't mention: root's, mode 0755.</summary>
    private Fd MakeParents(byte[] path)
    {
        for (int i = 0; i <= path.Length; i++)
        {
            if (i < path.Length && path[i] != '/')
            {
                continue;
            }

            ReadOnlySpan<byte> prefix = path.AsSpan(0, i);
            byte[] above = Directory(prefix, out byte[] name);
            using Fd? parent = OpenDirectory(above);
            fixed (byte* text = name)
            {
                long result = Sys.Call(Nr.mkdirat, parent?.Raw ?? -1, (long)text, 0x1ED);
                if (result < 0 && result != -(int)Errno.EEXIST)
                {
                    throw new SyscallException("mkdir", (Errno)(-result), Show(prefix));
                }
            }
        }

        return OpenDirectory(path) ?? throw new SyscallException("open", Errno.ENOENT, Show(path));
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

    private static byte[] Terminated(ReadOnlySpan<byte> bytes)
    {
        byte[] copy = new byte[bytes.Length + 1];
        bytes.CopyTo(copy);
        return copy;
    }
}
