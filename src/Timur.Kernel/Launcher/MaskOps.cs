namespace Timur.Kernel.Launcher;

/// <summary>Paths that a container must not see or not change, as operations of a launch program.</summary>
public sealed class MaskOps
{
    private const MountAttributes Harmless = MountAttributes.ReadOnly | MountAttributes.NoSetuid | MountAttributes.NoExecute;

    private readonly LaunchProgram _program;
    private readonly MountHandle _emptyDirectory;
    private readonly Arg _nullDevice;

    /// <summary>
    /// Prepares an empty read-only directory, attached at <paramref name="stage"/> (a host directory that the root is going to cover), and the host's
    /// own /dev/null. Both are opened before anything of the container's is reachable (CVE-2025-31133), and what is mounted of them is read-only, so
    /// that no chmod reaches the host. Kernels before 6.15 copy only mounts that are attached, hence the stage, and a descriptor of the device itself.
    /// </summary>
    public MaskOps(LaunchProgram program, string stage)
    {
        _program = program;
        _emptyDirectory = program.NewFileSystem("tmpfs", "mask", [new("size", "0"), new("nr_inodes", "1"), new("mode", "0555")], Harmless | MountAttributes.NoDevices);
        program.AttachToHost(_emptyDirectory, stage);
        _nullDevice = program.NewSlot();
        program.Add("open /dev/null", Nr.openat, Files.AtFdCwd, program.Text("/dev/null"), Files.OpenBits(Open.Path), 0).Save(_nullDevice);
    }

    /// <summary>
    /// Hides a path: a directory becomes empty, a file reads as empty. One that doesn't exist is left alone. <paramref name="directory"/> is the
    /// descriptor from which <paramref name="path"/> is resolved: the mount's own for /proc and /sys, so that no link of the image interferes.
    /// </summary>
    public void Hide(Arg directory, string path, string name)
    {
        int mark = _program.MarkSlots();
        Arg target = _program.NewSlot();
        OpHandle open = _program.OpenInRoot($"open {name}", directory, path, target, directory: true).Tolerate(Errno.ENOENT, Errno.ENOTDIR, Errno.EACCES);
        _program.Attach(_program.CloneOpenTree("an empty directory", _emptyDirectory.Slot, recursive: false), name, target);
        open.OnErrorContinueHere();
        int afterDirectory = _program.Count;
        OpHandle file = _program.OpenInRoot($"open {name}", directory, path, target, directory: false).Tolerate(Errno.ENOENT, Errno.EACCES, Errno.ENOTDIR);
        MountHandle nothing = _program.CloneOpenTree("/dev/null", _nullDevice, recursive: false);
        _program.Change(nothing, "/dev/null", new MountChange(Harmless));
        _program.Attach(nothing, name, target);
        file.OnErrorContinueHere();
        _program.JumpOver(afterDirectory - 1);
        _program.ReleaseSlots(mark);
    }

    /// <summary>Makes a path and what is mounted below it read-only; one that doesn't exist is left alone.</summary>
    public void Protect(Arg directory, string path, string name)
    {
        int mark = _program.MarkSlots();
        Arg target = _program.NewSlot();
        OpHandle open = _program.OpenInRoot($"open {name}", directory, path, target, directory: false).Tolerate(Errno.ENOENT, Errno.EACCES, Errno.ENOTDIR);
        MountHandle copy = _program.CloneOpenTree(name, target, recursive: true);
        _program.Change(copy, name, new MountChange(MountAttributes.ReadOnly, Recursive: true));
        _program.Attach(copy, name, target);
        open.OnErrorContinueHere();
        _program.ReleaseSlots(mark);
    }
}
