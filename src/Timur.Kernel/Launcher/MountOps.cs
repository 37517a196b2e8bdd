using System.Buffers.Binary;

namespace Timur.Kernel.Launcher;

/// <summary>How mount events travel between a mount and its copies (mount_namespaces(7)).</summary>
public enum Propagation : long
{
    Private = 0x40000, Slave = 0x80000, Shared = 0x100000, Unbindable = 0x20000,
}

/// <summary>Changes to make to a mount: mount_setattr(2).</summary>
public readonly record struct MountChange(MountAttributes Set, MountAttributes Clear = MountAttributes.None, Propagation? Propagation = null, bool Recursive = false)
{
    internal bool IsEmpty => Set == MountAttributes.None && Clear == MountAttributes.None && Propagation is null;
}

/// <summary>A mount made by a launch program: its descriptor, which can be used as a directory even before it is attached.</summary>
public readonly struct MountHandle
{
    public MountHandle(Arg slot) => Slot = slot;

    public Arg Slot { get; }
}

/// <summary>Mounts as operations of a launch program, by the descriptor-based mount API (kernel 5.12 and later): no path is walked twice.</summary>
public static class MountOps
{
    private const int AtEmptyPath = 0x1000;
    private const int AtRecursive = 0x8000;
    private const int OpenTreeClone = 1;
    private const int OpenTreeCloseOnExec = 0x80000;
    private const long MoveBothEmpty = 0x4 | 0x40;
    private const int MsRecursive = 0x4000;

    /// <summary>Changes how every mount of the namespace propagates, so that nothing done here reaches the host.</summary>
    public static void SetPropagation(this LaunchProgram program, Propagation propagation)
        => program.Add($"mount --make-r{propagation.ToString().ToLowerInvariant()} /", Nr.mount, program.Text("none"), program.Text("/"), 0, MsRecursive | (long)propagation, 0);

    /// <summary>mount --make-private of one host mount point, in the namespace of the launch program.</summary>
    public static void MakePrivate(this LaunchProgram program, string path)
        => program.Add($"mount --make-private {path}", Nr.mount, program.Text("none"), program.Text(path), 0, (long)Propagation.Private, 0);

    /// <summary>Hands a descriptor to the parent and waits until it has done with it.</summary>
    public static void HandDescriptor(this LaunchProgram program, string name, char letter, Arg slot) => program.Add(name, Pseudo.SyncSlot, letter, slot.Value);

    /// <summary>A new file system, not attached yet. A null value makes an option a flag.</summary>
    public static MountHandle NewFileSystem(
        this LaunchProgram program, string type, string source, IEnumerable<KeyValuePair<string, string?>> options, MountAttributes attributes)
    {
        Arg context = program.NewSlot();
        Arg mount = program.NewSlot();
        program.Add($"fsopen {type}", Nr.fsopen, program.Text(type), 1).Save(context);
        program.Configure(type, context, "source", source);
        foreach ((string key, string? value) in options)
        {
            program.Configure(type, context, key, value);
        }

        program.Add($"fsconfig {type} create", Nr.fsconfig, context, 6, 0, 0, 0);
        program.Add($"fsmount {type}", Nr.fsmount, context, 1, (long)attributes).Save(mount);
        return new MountHandle(mount);
    }

    /// <summary>An option of a file system that is being made (fsconfig(2)); a null value makes it a flag.</summary>
    internal static OpHandle Configure(this LaunchProgram program, string type, Arg context, string key, string? value)
        => value is null
            ? program.Add($"fsconfig {type} {key}", Nr.fsconfig, context, 0, program.Text(key), 0, 0)
            : program.Add($"fsconfig {type} {key}={value}", Nr.fsconfig, context, 1, program.Text(key), program.Text(value), 0);

    /// <summary>A copy of what is mounted at a host path, not attached yet.</summary>
    public static MountHandle CloneHostTree(this LaunchProgram program, string path, bool recursive, MountChange change)
    {
        Arg mount = program.NewSlot();
        long flags = OpenTreeClone | OpenTreeCloseOnExec | (recursive ? AtRecursive : 0);
        program.Add($"bind {path}", Nr.open_tree, Files.AtFdCwd, program.Text(path), flags).Save(mount);
        var handle = new MountHandle(mount);
        program.Change(handle, path, change);
        return handle;
    }

    /// <summary>A copy of the mount under a descriptor, not attached yet.</summary>
    public static MountHandle CloneOpenTree(this LaunchProgram program, string name, Arg source, bool recursive)
    {
        Arg mount = program.NewSlot();
        long flags = OpenTreeClone | OpenTreeCloseOnExec | AtEmptyPath | (recursive ? AtRecursive : 0);
        program.Add($"bind {name}", Nr.open_tree, source, program.Text(""), flags).Save(mount);
        return new MountHandle(mount);
    }

    /// <summary>mount_setattr(2).</summary>
    public static void Change(this LaunchProgram program, MountHandle mount, string name, MountChange change)
    {
        if (change.IsEmpty)
        {
            return;
        }

        // struct mount_attr: attr_set, attr_clr, propagation, userns_fd. The access-time attributes are one field: set or clear means clear all of it first.
        const MountAttributes accessTime = (MountAttributes)0x70;
        MountAttributes clear = change.Clear | (((change.Set | change.Clear) & accessTime) != 0 ? accessTime : 0);
        Span<byte> attributes = stackalloc byte[32];
        attributes.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(attributes, (long)change.Set);
        BinaryPrimitives.WriteInt64LittleEndian(attributes[8..], (long)clear);
        BinaryPrimitives.WriteInt64LittleEndian(attributes[16..], change.Propagation is { } propagation ? (long)propagation : 0);
        program.Add(
            $"mount_setattr {name} {change.Set}", Nr.mount_setattr, mount.Slot, program.Text(""), AtEmptyPath | (change.Recursive ? AtRecursive : 0),
            program.Bytes(attributes), 32);
    }

    /// <summary>Attaches to a host path that exists.</summary>
    public static OpHandle AttachToHost(this LaunchProgram program, MountHandle mount, string path)
        => program.Add($"mount {path}", Nr.move_mount, mount.Slot, program.Text(""), Files.AtFdCwd, program.Text(path), 0x4);

    /// <summary>Attaches to a descriptor.</summary>
    public static OpHandle Attach(this LaunchProgram program, MountHandle mount, string name, Arg target)
        => program.Add($"mount {name}", Nr.move_mount, mount.Slot, program.Text(""), target, program.Text(""), MoveBothEmpty);

    /// <summary>Makes the mounted root this namespace's "/", lets go of the old one, and stands in the new.</summary>
    public static void PivotRoot(this LaunchProgram program, Arg root)
    {
        Arg old = program.NewSlot();
        Arg dot = program.Text(".");
        program.Add("open /", Nr.openat, Files.AtFdCwd, program.Text("/"), Files.OpenBits(Open.Path | Open.Directory), 0).Save(old);
        program.Add("enter the root", Nr.fchdir, root);
        program.Add("pivot_root", Nr.pivot_root, dot, dot);
        program.Add("enter the old root", Nr.fchdir, old);
        program.Add("make the old root a slave", Nr.mount, program.Text("none"), dot, 0, MsRecursive | (long)Propagation.Slave, 0);
        program.Add("unmount the old root", Nr.umount2, dot, 2);
        program.Add("chdir /", Nr.chdir, program.Text("/"));
    }

    /// <summary>chroot(2): the root of this process and of those it makes, in a mount namespace that is others' too.</summary>
    public static void ChangeRoot(this LaunchProgram program, Arg root)
    {
        program.Add("enter the root", Nr.fchdir, root);
        program.Add("chroot", Nr.chroot, program.Text("."));
        program.Add("chdir /", Nr.chdir, program.Text("/"));
    }
}
