namespace Timur.Kernel.Launcher;

/// <summary>Namespaces, descriptors, session and execution, as operations of a launch program.</summary>
public static class ProcessOps
{
    /// <summary>Every signal as it is at login.</summary>
    public static void ResetSignals(this LaunchProgram program) => program.Add("reset signals", Pseudo.ResetSignals);

    /// <summary>setns(2) with a slot's descriptor; <paramref name="flags"/> 0 takes whatever kind it is.</summary>
    public static void Join(this LaunchProgram program, string name, Slot slot, CloneFlags flags)
        => program.Add($"setns {name}", Nr.setns, slot, (long)flags);

    /// <summary>unshare(2) in the child: for namespaces that have to be made after something else was joined.</summary>
    public static void Unshare(this LaunchProgram program, CloneFlags flags) => program.Add($"unshare {flags}", Nr.unshare, (long)flags);

    /// <summary>
    /// Enters the time namespace that was unshared (time_namespaces(7)): execve does it only since Linux 6.3. Its clocks are mapped into the memory of
    /// the process that joins, so that memory can't be borrowed.
    /// </summary>
    public static void EnterNewTime(this LaunchProgram program)
    {
        program.NeedsParent = true;
        Arg slot = program.NewSlot();
        const string place = "/proc/self/ns/time_for_children";
        program.Add($"open {place}", Nr.openat, Files.AtFdCwd, program.Text(place), Files.OpenBits(Open.Read), 0).Save(slot);
        program.Add("setns time", Nr.setns, slot, (long)CloneFlags.NewTime);
        program.Add($"close {place}", Nr.close, slot);
    }

    /// <summary>
    /// The program goes on in a sibling that has these new namespaces: a process namespace can't be made in place, and it is to belong to the user
    /// namespace that was joined.
    /// </summary>
    public static void CloneAgain(this LaunchProgram program, CloneFlags flags) => program.Add($"clone {flags}", Pseudo.CloneAgain, (long)flags);

    /// <summary>Moves this thread into a cgroup v1 directory through its <c>tasks</c> file.</summary>
    public static void JoinCgroup(this LaunchProgram program, string tasksFile) => program.WriteHostFile(tasksFile, "0");

    /// <summary>The loopback interface of a new network namespace (netdevice(7)).</summary>
    public static void LoopbackUp(this LaunchProgram program)
    {
        Arg socket = program.NewSlot();
        Span<byte> request = stackalloc byte[40];
        request.Clear();
        "lo"u8.CopyTo(request);
        request[16] = 0x41; // IFF_UP | IFF_RUNNING
        program.Add("socket", Nr.socket, 2, 2 | 0x80000, 0).Save(socket);
        program.Add("set lo up", Nr.ioctl, socket, 0x8914, program.Bytes(request));
        program.Add("close", Nr.close, socket);
    }

    /// <summary>A session of its own.</summary>
    public static void NewSession(this LaunchProgram program) => program.Add("setsid", Nr.setsid);

    /// <summary>The terminal in <see cref="Slot.Console"/> becomes the controlling one and the standard streams.</summary>
    public static void TakeTerminal(this LaunchProgram program)
    {
        program.Add("make the console the controlling terminal", Nr.ioctl, Slot.Console, 0x540E, 0);
        for (int stream = 0; stream < 3; stream++)
        {
            program.Add($"console as descriptor {stream}", Nr.dup3, Slot.Console, stream, 0);
        }
    }

    /// <summary>Standard streams from <see cref="Slot.Input"/>, <see cref="Slot.Output"/> and <see cref="Slot.Error"/>, which are not below 3.</summary>
    public static void StandardStreams(this LaunchProgram program)
    {
        program.Add("standard input", Nr.dup3, Slot.Input, 0, 0);
        program.Add("standard output", Nr.dup3, Slot.Output, 1, 0);
        program.Add("standard error", Nr.dup3, Slot.Error, 2, 0);
    }

    /// <summary>
    /// Who the payload is going to be may open its streams once more, by /dev/stdout and the like. Where the owner or the user isn't mapped in the user
    /// namespace, or the file system is read-only, they stay as they are.
    /// </summary>
    public static void OwnStreams(this LaunchProgram program, IReadOnlyList<int> streams, uint user)
    {
        foreach (int stream in streams)
        {
            program.Add($"chown descriptor {stream}", Nr.fchown, stream, user, -1).Tolerate(Errno.EINVAL, Errno.EPERM, Errno.EROFS);
        }
    }

    /// <summary>A standard stream becomes the null device of a /dev that was just made.</summary>
    public static void OpenNull(this LaunchProgram program, Arg devices, Slot stream)
    {
        const Resolve strict = Resolve.NoSymlinks | Resolve.Beneath;
        program.Add("open /dev/null", Nr.openat2, devices, program.Text("null"), program.HowTo(Files.OpenBits(stream == Slot.Input ? Open.Read : Open.ReadWrite), strict), 24).Save(stream);
    }

    /// <summary>
    /// A root takes more descriptors than some callers' soft limit has: until <see cref="RestoreFileLimit"/> the child may have as many as the hard one
    /// allows.
    /// </summary>
    public static void RaiseFileLimit(this LaunchProgram program)
    {
        program.FilesBefore = ResourceLimits.FewFiles;
        if (program.FilesBefore is { Hard: var hard })
        {
            program.Limit("RLIMIT_NOFILE", ResourceLimits.OpenFiles, hard, hard);
        }
    }

    /// <summary>The payload has the limit on descriptors that this process has; what is open above it stays open.</summary>
    public static void RestoreFileLimit(this LaunchProgram program)
    {
        if (program.FilesBefore is { Soft: var soft, Hard: var hard })
        {
            program.Limit("RLIMIT_NOFILE", ResourceLimits.OpenFiles, soft, hard);
        }
    }

    private static int ParkingPlace(this LaunchProgram program)
        => program.FilesBefore is { Hard: var hard } ? ResourceLimits.ParkingPlaceBelow(hard) : ResourceLimits.ParkingPlace;

    /// <summary>
    /// Closes everything but the standard streams, <paramref name="preserved"/> more, the talk with the parent and the start gate, so that no path such
    /// as /proc/self/fd/7 leads out of the container while the working directory is entered (CVE-2024-21626).
    /// </summary>
    /// <param name="image">The payload is executed by its image, which needs the gate or else the talk with the parent.</param>
    public static void CloseDescriptors(this LaunchProgram program, int preserved, bool gate, bool image = false)
    {
        const int closeOnExec = 0x80000;
        int gatePlace = program.ParkingPlace();
        int parentPlace = gatePlace - 1;
        program.Add("park the talk with the parent", Nr.dup3, Slot.Parent, parentPlace, image && !gate ? 0 : closeOnExec).Save(Slot.Parent);
        if (gate)
        {
            program.Add("park the start gate", Nr.dup3, Slot.StartGate, gatePlace, image ? 0 : closeOnExec).Save(Slot.StartGate);
        }

        int imagePlace = parentPlace - 1;
        if (image)
        {
            program.Add("park the payload's image", Nr.dup3, Slot.Image, imagePlace, closeOnExec).Save(Slot.Image);
        }

        program.Add("close descriptors", Nr.close_range, 3 + preserved, image ? imagePlace - 1 : parentPlace - 1, 0);
        program.Add("close descriptors", Nr.close_range, gatePlace + (gate ? 1 : 0), uint.MaxValue, 0);
        for (int i = 0; i < preserved; i++)
        {
            // How many there are at most is the caller's guess.
            program.Add($"keep descriptor {3 + i}", Nr.fcntl, 3 + i, 2, 0).Tolerate(Errno.EBADF);
        }
    }

    /// <summary>chdir(2) before the ids change; a directory that only the user may enter is tried again after.</summary>
    public static void WorkingDirectory(this LaunchProgram program, string path, bool beforeIds, bool isFiltered = false)
    {
        OpHandle chdir = program.Add($"chdir {path}", Nr.chdir, program.Text(path));
        if (beforeIds)
        {
            chdir.Tolerate(Errno.EACCES);
        }

        OpHandle check = program.Add($"check that {path} is inside", Pseudo.CheckWorkingDirectory);
        if (isFiltered)
        {
            check.Tolerate(Errno.EPERM, Errno.ENOSYS);
        }
    }

    /// <summary>Waits for the maps of the user namespace that the clone made; the parent is told <see cref="UserNamespaces.MapLetter"/>.</summary>
    public static void WaitForMaps(this LaunchProgram program) => program.AskParent("wait for the maps of the user namespace", UserNamespaces.MapLetter);

    /// <summary>
    /// Becomes root of the user namespace. Until then this process has the host's root as its id, without power but as the owner of what is the host's:
    /// what has to be opened there comes before.
    /// </summary>
    public static void BecomeMappedRoot(this LaunchProgram program) => program.Become(0, 0, []);

    /// <summary>Asks the parent and waits.</summary>
    public static void AskParent(this LaunchProgram program, string name, char letter)
        => program.Add(name, Pseudo.Sync, letter);

    /// <summary>Lets the parent go and waits for one byte from <see cref="Slot.StartGate"/>.</summary>
    public static void WaitAtGate(this LaunchProgram program)
    {
        program.NeedsParent = true;
        program.Add("let the parent go", Nr.close, Slot.Parent);
        program.Add("wait for start", Nr.read, Slot.StartGate, program.Bytes(new byte[8]), 1);
        program.Add("close the gate", Nr.close, Slot.StartGate);
    }

    /// <summary>The process ends, with success.</summary>
    public static void End(this LaunchProgram program) => program.Add("end", Nr.exit_group, 0);

    /// <summary>This process stays as the reaper of its process namespace; the program goes on in a child.</summary>
    public static void Reap(this LaunchProgram program) => program.Add("stay as the reaper, go on in a child", Pseudo.Reap);

    /// <summary>
    /// Fails as execve(2) on the first of the paths that exists would, also with EACCES when that is a directory. A path of many may be out of reach:
    /// the next is tried.
    /// </summary>
    public static void FindExecutable(this LaunchProgram program, IReadOnlyList<string> paths, string command)
    {
        const int mayExecute = 1;
        bool alone = paths.Count == 1;
        var found = new List<OpHandle>();
        foreach (string path in paths)
        {
            Arg text = program.Text(path);
            OpHandle isDirectory = program.Add($"execve {command}", Nr.openat, Files.AtFdCwd, text, Files.OpenBits(Open.Path | Open.Directory), 0)
                .Tolerate(Errno.ENOTDIR, Errno.ENOENT, Errno.EACCES);
            if (alone)
            {
                program.Add($"execve {command}", Pseudo.Fail, (long)Errno.EACCES);
                isDirectory.OnErrorContinueHere();
                program.Add($"execve {command}", Nr.faccessat, Files.AtFdCwd, text, mayExecute);
                return;
            }

            found.Add(program.Add($"execve {command}", Nr.faccessat, Files.AtFdCwd, text, mayExecute).Tolerate(Errno.ENOENT, Errno.ENOTDIR, Errno.EACCES));
            isDirectory.OnSuccessContinueHere();
        }

        program.Add($"execve {command}", Pseudo.Fail, (long)Errno.ENOENT);
        foreach (OpHandle handle in found)
        {
            handle.OnSuccessContinueHere();
        }
    }

    /// <summary>execve(2) on the first of the paths that exists.</summary>
    public static void Execute(this LaunchProgram program, IReadOnlyList<string> paths, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
        => program.Add($"execve {arguments[0]}", Pseudo.Exec, program.TextArray(paths), program.TextArray(arguments), program.TextArray(environment));

    /// <summary>
    /// As <see cref="Execute"/>, by way of the payload's image. With <paramref name="gate"/> the image waits there first, and nobody hears of what fails
    /// after that.
    /// </summary>
    public static void ExecuteByImage(
        this LaunchProgram program, IReadOnlyList<string> paths, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, bool gate)
    {
        const int emptyPath = 0x1000;
        int gatePlace = program.ParkingPlace();
        program.Add($"execve {arguments[0]}", Nr.execveat, Slot.Image, program.Text(""), program.TextArray(["timur-init"]), program.TextArray([]), emptyPath);
        program.Image = PayloadImage.Build(paths, arguments, environment, gate ? gatePlace : null, gate ? null : gatePlace - 1, program.Count - 1);
    }
}
