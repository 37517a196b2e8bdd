namespace Timur.Kernel.Launcher;

/// <summary>Device nodes, the terminal and the links of a container's /dev, as operations of a launch program.</summary>
public static class DeviceOps
{
    private const int AtSymlinkNoFollow = 0x100;
    private const long ReadWriteNoCtty = 2 | 0x100 | 0x80000;

    /// <summary>
    /// mknod(2) of <paramref name="name"/> in a directory; permission bits are exact because the program's umask is 0 here.
    /// <paramref name="kind"/> is a character or block device, or a FIFO.
    /// </summary>
    public static void MakeNode(this LaunchProgram program, Arg directory, string name, FileKind kind, uint permissions, long major, long minor, uint user, uint group)
    {
        Arg text = program.Text(name);
        program.Add($"mknod /dev/{name}", Nr.mknodat, directory, text, (long)kind | permissions, Files.DeviceNumber(major, minor)).Tolerate(Errno.EEXIST);
        if (user != 0 || group != 0)
        {
            program.Add($"chown /dev/{name}", Nr.fchownat, directory, text, user, group, AtSymlinkNoFollow);
        }
    }

    /// <summary>The host's node in place of one of its own: a user namespace may not make nodes.</summary>
    public static void BindNode(this LaunchProgram program, Arg directory, string name, string hostPath)
        => program.BindNode(directory, name, program.CloneHostTree(hostPath, recursive: false, new MountChange(MountAttributes.None)));

    /// <summary>The same with a node that is a mount already.</summary>
    public static void BindNode(this LaunchProgram program, Arg directory, string name, MountHandle node)
    {
        int mark = program.MarkSlots();
        Arg slot = program.NewSlot();
        const long createFile = 0x40 | 0x20000 | 0x80000 | 1;
        program.Add($"create /dev/{name}", Nr.openat, directory, program.Text(name), createFile, 0x1B6).Save(slot);
        program.Attach(node, $"/dev/{name}", slot);
        program.Add($"close /dev/{name}", Nr.close, slot);
        program.ReleaseSlots(mark);
    }

    /// <summary>symlink(2); one that exists stays.</summary>
    public static void MakeLink(this LaunchProgram program, Arg directory, string name, string target)
        => program.Add($"symlink /dev/{name}", Nr.symlinkat, program.Text(target), directory, program.Text(name)).Tolerate(Errno.EEXIST);

    /// <summary>mkdir(2) mode 0755 in a directory; one that exists stays.</summary>
    public static void MakeDirectory(this LaunchProgram program, Arg directory, string name)
        => program.Add($"mkdir {name}", Nr.mkdirat, directory, program.Text(name), 0x1ED).Tolerate(Errno.EEXIST);

    /// <summary>
    /// A new terminal of the container's own devpts: unlocked, its slave in <see cref="Slot.Console"/>; the parent is told letter 't' with the
    /// master's number, takes the master and sets its size. No path is involved (TIOCGPTPEER, ioctl_tty(2)), so nothing can be put in its place.
    /// </summary>
    public static void NewTerminal(this LaunchProgram program, Arg devpts, uint user)
    {
        Arg master = program.NewSlot();
        program.Add("open ptmx", Nr.openat, devpts, program.Text("ptmx"), ReadWriteNoCtty, 0).Save(master);
        Hand(program, master, user);
    }

    /// <summary>
    /// The same inside a container that was joined: whatever its /dev/pts/ptmx is, only a real multiplexer answers the requests that follow
    /// (CVE-2025-52565).
    /// </summary>
    public static void NewTerminalByPath(this LaunchProgram program, uint user)
    {
        Arg master = program.NewSlot();
        program.Add("open /dev/pts/ptmx", Nr.openat, Files.AtFdCwd, program.Text("/dev/pts/ptmx"), ReadWriteNoCtty, 0).Save(master);
        Hand(program, master, user);
    }

    /// <summary>The user owns the terminal; its group is what the file system says, mostly that of all terminals.</summary>
    private static void Hand(LaunchProgram program, Arg master, uint user)
    {
        program.Add("unlock the terminal", Nr.ioctl, master, 0x40045431, program.Bytes(new byte[4]));
        program.Add("open the terminal", Nr.ioctl, master, 0x5441, ReadWriteNoCtty).Save(Slot.Console);
        if (user != 0)
        {
            program.Add("chown the terminal", Nr.fchown, Slot.Console, user, -1);
        }

        program.Add("hand the terminal over", Pseudo.SyncSlot, 't', master.Value);
        program.Add("close ptmx", Nr.close, master);
    }

    /// <summary>The terminal's slave over /dev/console.</summary>
    public static void BindConsole(this LaunchProgram program, Arg devices)
    {
        Arg slot = program.NewSlot();
        const long createFile = 0x40 | 0x20000 | 0x80000 | 1;
        program.Add("create /dev/console", Nr.openat, devices, program.Text("console"), createFile, 0x180).Save(slot);
        program.Attach(program.CloneOpenTree("the terminal", Slot.Console, recursive: false), "/dev/console", slot);

        // A mount with a file that is open for writing can't become read-only.
        program.Add("close /dev/console", Nr.close, slot);
    }
}
