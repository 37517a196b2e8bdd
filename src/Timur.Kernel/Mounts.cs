using System.Text;

namespace Timur.Kernel;

/// <summary>Attributes of a mount, in mount_setattr(2)'s numbers.</summary>
[Flags]
public enum MountAttributes
{
    None = 0, ReadOnly = 1, NoSetuid = 2, NoDevices = 4, NoExecute = 8, NoAccessTime = 0x10, StrictAccessTime = 0x20, NoDirectoryAccessTime = 0x80, NoSymbolicFollow = 0x200000,
}

/// <summary>File system types as statfs(2) tells them (linux/magic.h).</summary>
public static class FileSystemMagic
{
    public const long Cgroup1 = 0x27e0eb;
    public const long Cgroup2 = 0x63677270;
}

/// <summary>Mounts in this process's own mount namespace. What is mounted inside a container is done by its launch program.</summary>
public static class Mounts
{
    private const int MsBind = 0x1000;
    private const int MsRecursive = 0x4000;
    private const int MsPrivate = 0x40000;

    /// <summary>statfs(2)'s type of what is mounted there; 0 when there is nothing.</summary>
    public static unsafe long FileSystemType(string path)
    {
        using var text = new CString(path, stackalloc byte[512]);
        long* status = stackalloc long[15];
        return Sys.Call(Nr.statfs, text.Address, (long)status) < 0 ? 0 : *status;
    }

    /// <summary>Attributes of the mount that a path is on (statfs(2), f_flags); none when there is nothing.</summary>
    public static unsafe MountAttributes AttributesAt(string path)
    {
        using var text = new CString(path, stackalloc byte[512]);
        long* status = stackalloc long[15];
        if (Sys.Call(Nr.statfs, text.Address, (long)status) < 0)
        {
            return MountAttributes.None;
        }

        // ST_RDONLY, ST_NOSUID, ST_NODEV and ST_NOEXEC have the same bits; ST_NOATIME, ST_NODIRATIME, ST_RELATIME and ST_NOSYMFOLLOW have not.
        long flags = status[10];
        return (MountAttributes)(flags & 0xf)
            | ((flags & 0x400) != 0 ? MountAttributes.NoAccessTime : (flags & 0x1000) == 0 ? MountAttributes.StrictAccessTime : MountAttributes.None)
            | ((flags & 0x800) != 0 ? MountAttributes.NoDirectoryAccessTime : MountAttributes.None)
            | ((flags & 0x2000) != 0 ? MountAttributes.NoSymbolicFollow : MountAttributes.None);
    }

    /// <summary>mount(2) of a new file system; <paramref name="data"/> are its own options, at most a page.</summary>
    public static bool TryMount(string source, string target, string type, out Errno why, long flags = 0, string data = "")
    {
        using var from = new CString(source, stackalloc byte[512]);
        using var to = new CString(target, stackalloc byte[512]);
        using var kind = new CString(type, stackalloc byte[32]);
        using var options = new CString(data, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.mount, from.Address, to.Address, kind.Address, flags, options.Address));
        return why == Errno.None;
    }

    /// <summary>
    /// A mounted file system that is attached nowhere (fsmount(2)): nobody sees it, and it ends with its descriptor unless a launch program attaches it.
    /// </summary>
    public static Fd NewDetached(string type, string source, IReadOnlyList<KeyValuePair<string, string?>> options, MountAttributes attributes)
    {
        using var kind = new CString(type, stackalloc byte[32]);
        using var context = new Fd((int)Sys.Check(Sys.Call(Nr.fsopen, kind.Address, 1), "fsopen", type));
        Configure(context, 1, "source", source);
        foreach ((string key, string? value) in options)
        {
            Configure(context, value is null ? 0 : 1, key, value);
        }

        Sys.Check(Sys.Call(Nr.fsconfig, context.Raw, 6, 0, 0, 0), $"mount({type})", source);
        return new Fd((int)Sys.Check(Sys.Call(Nr.fsmount, context.Raw, 1, (long)attributes), "fsmount", source));
    }

    /// <summary>Puts a mount that is attached nowhere in its place (move_mount(2)); it stays after its descriptor.</summary>
    public static void Attach(Fd mount, string target)
    {
        const int fromEmptyPath = 4;
        using var nothing = new CString("", stackalloc byte[8]);
        using var to = new CString(target, stackalloc byte[512]);
        Sys.Check(Sys.Call(Nr.move_mount, mount.Raw, nothing.Address, Files.AtFdCwd, to.Address, fromEmptyPath), "move_mount", target);
    }

    /// <summary>
    /// A copy of the mount at a path, attached nowhere, whose files belong to the ids that the user namespace gives them (mount_setattr(2),
    /// MOUNT_ATTR_IDMAP; EINVAL where the file system can't).
    /// </summary>
    /// <param name="recursive">With the mounts below it.</param>
    /// <param name="mapAll">They are mapped as well.</param>
    public static unsafe Fd CloneIdMapped(string path, Fd userNamespace, bool recursive = false, bool mapAll = false)
    {
        const int cloneCloseOnExec = 1 | 0x80000;
        const int below = 0x8000;
        using var text = new CString(path, stackalloc byte[512]);
        var mount = new Fd((int)Sys.Check(Sys.Call(Nr.open_tree, Files.AtFdCwd, text.Address, cloneCloseOnExec | (recursive ? below : 0)), "open_tree", path));
        try
        {
            MapIds(mount, userNamespace, mapAll, path);
            return mount;
        }
        catch
        {
            mount.Dispose();
            throw;
        }
    }

    /// <summary>A copy of the mount at a path, attached nowhere, in which devices can be opened whatever the mount that they stand on says (mount_setattr(2), MOUNT_ATTR_NODEV).</summary>
    public static unsafe Fd CloneWithDevices(string path)
    {
        const int cloneCloseOnExec = 1 | 0x80000;
        const int emptyPath = 0x1000;
        using var text = new CString(path, stackalloc byte[512]);
        var mount = new Fd((int)Sys.Check(Sys.Call(Nr.open_tree, Files.AtFdCwd, text.Address, cloneCloseOnExec), "open_tree", path));
        ulong* attributes = stackalloc ulong[4] { 0, (ulong)MountAttributes.NoDevices, 0, 0 };
        byte nothing = 0;
        long result = Sys.Call(Nr.mount_setattr, mount.Raw, (long)&nothing, emptyPath, (long)attributes, 32);
        if (result < 0)
        {
            mount.Dispose();
        }

        Sys.Check(result, "mount_setattr(dev)", path);
        return mount;
    }

    /// <summary>A copy of the mount at a path, attached nowhere, with that path as its root (open_tree(2)).</summary>
    public static Fd Clone(string path)
    {
        const int cloneCloseOnExec = 1 | 0x80000;
        using var text = new CString(path, stackalloc byte[512]);
        return new Fd((int)Sys.Check(Sys.Call(Nr.open_tree, Files.AtFdCwd, text.Address, cloneCloseOnExec), "open_tree", path));
    }

    /// <summary>Adds attributes to a mount that is attached nowhere yet (mount_setattr(2)).</summary>
    public static unsafe void SetAttributes(Fd mount, MountAttributes attributes)
    {
        const int emptyPath = 0x1000;

        // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
        ulong* change = stackalloc ulong[4] { (ulong)attributes, 0, 0, 0 };
        byte nothing = 0;
        Sys.Check(Sys.Call(Nr.mount_setattr, mount.Raw, (long)&nothing, emptyPath, (long)change, 32), "mount_setattr", attributes.ToString());
    }

    /// <summary>The ids of a mount that is attached nowhere yet become those of the user namespace (mount_setattr(2), MOUNT_ATTR_IDMAP).</summary>
    /// <param name="all">Also of the mounts below it.</param>
    public static unsafe void MapIds(Fd mount, Fd userNamespace, bool all, string name)
    {
        const int emptyPath = 0x1000;
        const int below = 0x8000;

        // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
        ulong* attributes = stackalloc ulong[4] { 0x100000, 0, 0, (ulong)userNamespace.Raw };
        byte nothing = 0;
        Sys.Check(Sys.Call(Nr.mount_setattr, mount.Raw, (long)&nothing, emptyPath | (all ? below : 0), (long)attributes, 32), "mount_setattr(idmap)", name);
    }

    /// <summary>mount --bind, or --rbind.</summary>
    public static void Bind(string source, string target, bool recursive = false)
    {
        if (!TryMount(source, target, "none", out Errno why, MsBind | (recursive ? MsRecursive : 0)))
        {
            throw new SyscallException("mount(bind)", why, $"{source} to {target}");
        }
    }

    /// <summary>mount --make-rprivate.</summary>
    public static void MakePrivate(string target)
    {
        if (!TryMount("none", target, "none", out Errno why, MsPrivate | MsRecursive))
        {
            throw new SyscallException("mount(private)", why, target);
        }
    }

    /// <summary>umount2(2); <paramref name="detach"/> is MNT_DETACH. Never follows a last symbolic link.</summary>
    public static bool TryUnmount(string target, out Errno why, bool detach = false)
    {
        using var to = new CString(target, stackalloc byte[512]);
        why = Sys.Why(Sys.Call(Nr.umount2, to.Address, 8 | (detach ? 2 : 0)));
        return why == Errno.None;
    }

    /// <summary>Detaches what is mounted on a path and below it, the latest first; returns what the kernel kept, and why.</summary>
    public static List<(string Target, Errno Why)> DetachTree(string path)
    {
        var kept = new List<(string, Errno)>();
        foreach (MountEntry mount in List().AsEnumerable().Reverse())
        {
            bool below = mount.Target == path || mount.Target.StartsWith(path + "/", StringComparison.Ordinal);
            if (below && !TryUnmount(mount.Target, out Errno why, detach: true))
            {
                kept.Add((mount.Target, why));
            }
        }

        return kept;
    }

    /// <summary>The mounts of this process, oldest first, from /proc/self/mountinfo (proc_pid_mountinfo(5)).</summary>
    public static List<MountEntry> List()
    {
        var entries = new List<MountEntry>();
        foreach (string line in Encoding.UTF8.GetString(Files.ReadAll("/proc/self/mountinfo")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split(' ');
            int separator = Array.IndexOf(fields, "-", 6);
            entries.Add(new MountEntry(
                Unescape(fields[3]), Unescape(fields[4]), fields[5], fields[separator + 1], Unescape(fields[separator + 2]), fields[separator + 3]));
        }

        return entries;
    }

    /// <summary>The mount that a path of this process is on: the deepest, and of several in one place the last. Null when nothing of that kind is mounted.</summary>
    public static MountEntry? Holding(string path)
    {
        MountEntry? best = null;
        foreach (MountEntry mount in List())
        {
            bool holds = path == mount.Target || path.StartsWith(mount.Target.TrimEnd('/') + "/", StringComparison.Ordinal);
            if (holds && (best is null || mount.Target.Length >= best.Target.Length))
            {
                best = mount;
            }
        }

        return best;
    }

    private static unsafe void Configure(Fd context, int command, string key, string? value)
    {
        using var name = new CString(key, stackalloc byte[64]);
        using var text = new CString(value ?? "", stackalloc byte[512]);
        Sys.Check(Sys.Call(Nr.fsconfig, context.Raw, command, name.Address, value is null ? 0 : text.Address, 0), "fsconfig", $"{key}={value}");
    }

    private static string Unescape(string field)
        => field.Contains('\\') ? field.Replace("\\040", " ").Replace("\\011", "\t").Replace("\\012", "\n").Replace("\\134", "\\") : field;
}

/// <summary>One line of mountinfo.</summary>
/// <param name="Root">The directory of the file system that is seen at the mount point.</param>
/// <param name="Target">The mount point.</param>
/// <param name="Options">Options of the mount, comma separated.</param>
/// <param name="Type">File system type.</param>
/// <param name="Source">Device, or what the file system was told.</param>
/// <param name="SuperOptions">Options of the file system, comma separated.</param>
public sealed record MountEntry(string Root, string Target, string Options, string Type, string Source, string SuperOptions);
