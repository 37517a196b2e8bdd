using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>The part of a launch program that makes the container's root: its mounts, devices, and what is hidden of them.</summary>
internal sealed class RootCompiler(LaunchProgram program, Spec spec, LaunchContext context)
{
    private Arg _root;
    private MaskOps? _masks;
    private Arg? _devices;
    private Arg? _terminals;
    private Arg? _proc;
    private Arg? _sys;
    private Dictionary<string, MountHandle>? _hostTrees;

    /// <summary>Cuts the ties to the host's mounts, then mounts what the root stands on.</summary>
    internal void Mount()
    {
        program.SetPropagation(RootPropagation());
        if (spec.Linux.MaskedPaths.Count > 0)
        {
            _masks = new MaskOps(program, context.Stage);
        }

        foreach (RootMount mount in context.RootMounts)
        {
            if (mount.Type == "overlay")
            {
                program.MountOverlay(mount.Options, mount.Target);
                continue;
            }

            MountHandle handle = mount.Type switch
            {
                "bind" => program.CloneHostTree(mount.Source, recursive: true, new MountChange(mount.Attributes, Propagation: Propagation.Private, Recursive: true)),
                "detached" => new MountHandle(Slot.Disk),
                _ => program.NewFileSystem(mount.Type, mount.Source, mount.Options, mount.Attributes),
            };
            program.AttachToHost(handle, mount.Target);
        }

        if (context.RootMounts.Count == 0)
        {
            MountHandle self = program.CloneHostTree(context.Root, recursive: true, new MountChange(MountAttributes.None, Propagation: Propagation.Private, Recursive: true));
            program.AttachToHost(self, context.Root);
        }

        _root = program.OpenHostDirectory(context.Root);
    }

    /// <summary>
    /// With a user namespace: every host path that is going to be mounted, opened while this process is the host's root by id. Inside it is nobody, and
    /// the way to such a path may be closed to it.
    /// </summary>
    internal void OpenHostTrees()
    {
        _hostTrees = [];
        foreach (MountSpec mount in spec.Mounts)
        {
            MountOptions options = MountOptions.Parse(mount.Options);
            if (options.IsBind || mount.Type == "bind")
            {
                _hostTrees[mount.Destination] = CloneSource(mount, options);
            }
            else if (mount.Type is "cgroup" or "cgroup2")
            {
                foreach ((string name, string hostPath) in context.CgroupViews)
                {
                    _hostTrees[$"{mount.Destination}/{name}"] = program.CloneHostTree(hostPath, recursive: false, new MountChange(options.Set));
                }
            }
        }
    }

    internal void MountAll()
    {
        foreach (MountSpec mount in spec.Mounts)
        {
            int mark = program.MarkSlots();
            bool keep = MountOne(mount, MountOptions.Parse(mount.Options));
            if (!keep)
            {
                program.ReleaseSlots(mark);
            }
        }
    }

    /// <summary>True when the mount's slots are needed later.</summary>
    private bool MountOne(MountSpec mount, MountOptions options)
    {
        if (options.IsBind || mount.Type == "bind")
        {
            Bind(mount, options);
            return false;
        }

        if (mount.Type is "cgroup" or "cgroup2")
        {
            MountCgroups(mount, options);
            return false;
        }

        Arg target = program.OpenOrMakeDirectory(_root, mount.Destination);
        MountHandle handle = program.NewFileSystem(mount.Type ?? "none", mount.Source ?? mount.Type ?? "none", options.Data, options.Set);
        program.Attach(handle, mount.Destination, target);
        switch (mount.Destination.TrimEnd('/'))
        {
            case "/dev" when mount.Type is "tmpfs": _devices = handle.Slot; return true;
            case "/dev/pts": _terminals = handle.Slot; return true;
            case "/proc" when mount.Type is "proc": _proc = handle.Slot; return true;
            case "/sys" when mount.Type is "sysfs": _sys = handle.Slot; return true;
            default: return false;
        }
    }

    private void Bind(MountSpec mount, MountOptions options)
    {
        MountHandle handle = _hostTrees is null ? CloneSource(mount, options) : _hostTrees[mount.Destination];
        program.Change(handle, mount.Destination, new MountChange(options.Set, options.Clear));
        program.Change(handle, mount.Destination, new MountChange(options.RecursiveSet, options.RecursiveClear, Recursive: true));
        Arg target = KindOfSource(mount) == FileKind.Directory
            ? program.OpenOrMakeDirectory(_root, mount.Destination)
            : program.OpenOrMakeFile(_root, mount.Destination);
        program.Attach(handle, mount.Destination, target);
    }

    private MountHandle CloneSource(MountSpec mount, MountOptions options)
    {
        KindOfSource(mount);
        var change = new MountChange(options.Set, options.Clear, FirstPropagation(options), options.IsRecursiveBind && options.Propagations.Count > 0);
        return program.CloneHostTree(mount.Source!, options.IsRecursiveBind, WithoutAttributes(change));
    }

    private FileKind KindOfSource(MountSpec mount)
    {
        string source = mount.Source ?? throw new Failure($"mount {mount.Destination}: a bind mount needs a source");
        if (Files.TryStatus(source, out Errno why, follow: true) is { } status)
        {
            return status.Kind;
        }

        // A volume's directory is made after everything was checked.
        return context.Volumes.Contains(source) ? FileKind.Directory
            : throw new Failure($"mount {mount.Destination}: bind source {source}: {why.Describe()}", "check the path on this machine");
    }

    private static MountChange WithoutAttributes(MountChange change) => new(MountAttributes.None, MountAttributes.None, change.Propagation, change.Recursive);

    private static Propagation? FirstPropagation(MountOptions options) => options.Propagations.Count > 0 ? options.Propagations[0].Kind : null;

    /// <summary>On v2 the hierarchy itself, seen from the new cgroup namespace; on v1 each of the container's own directories, bound.</summary>
    private void MountCgroups(MountSpec mount, MountOptions options)
    {
        Arg target = program.OpenOrMakeDirectory(_root, mount.Destination);
        if (context.CgroupViews.Count == 0)
        {
            program.Attach(program.NewFileSystem("cgroup2", "cgroup", [], options.Set), mount.Destination, target);
            return;
        }

        MountAttributes inner = options.Set;
        MountHandle holder = program.NewFileSystem("tmpfs", "tmpfs", [new("mode", "755"), new("size", "64k")], inner & ~MountAttributes.ReadOnly);
        foreach ((string name, string hostPath) in context.CgroupViews)
        {
            program.MakeDirectory(holder.Slot, name);
        }

        program.Attach(holder, mount.Destination, target);
        foreach ((string name, string hostPath) in context.CgroupViews)
        {
            int mark = program.MarkSlots();
            Arg place = program.NewSlot();
            program.OpenInRoot($"open {mount.Destination}/{name}", holder.Slot, name, place, directory: true);
            MountHandle view = _hostTrees?[$"{mount.Destination}/{name}"] ?? program.CloneHostTree(hostPath, recursive: false, new MountChange(inner));
            program.Attach(view, $"{mount.Destination}/{name}", place);
            program.ReleaseSlots(mark);
        }

        if ((inner & MountAttributes.ReadOnly) != 0)
        {
            program.Change(holder, mount.Destination, new MountChange(MountAttributes.ReadOnly));
        }
    }

    /// <summary>Nodes and links in the /dev that the specification mounted; where it mounts none, the image's own is left alone.</summary>
    internal void MakeDevices()
    {
        if (_devices is not { } devices)
        {
            return;
        }

        foreach (DeviceSpec device in DefaultDevices.All)
        {
            Make(devices, device);
        }

        foreach (DeviceSpec device in spec.Linux.Devices)
        {
            Make(devices, device);
        }

        if (context.NullInput)
        {
            program.OpenNullInput(devices);
        }

        foreach ((string name, string target) in DefaultDevices.Links)
        {
            program.MakeLink(devices, name, target);
        }
    }

    private void Make(Arg devices, DeviceSpec device)
    {
        string relative = device.Path.StartsWith("/dev/", StringComparison.Ordinal) ? device.Path[5..] : throw new Failure($"device {device.Path}: a device's path starts with /dev/");
        FileKind kind = device.Type switch
        {
            "c" or "u" => FileKind.CharacterDevice,
            "b" => FileKind.BlockDevice,
            "p" => FileKind.Fifo,
            _ => throw new Failure($"device {device.Path}: type '{device.Type}' is none of c, b, u, p"),
        };
        int slash = relative.LastIndexOf('/');
        Arg directory = devices;
        if (slash >= 0)
        {
            directory = program.OpenOrMakeDirectory(devices, relative[..slash]);
        }

        if (_hostTrees is not null && kind != FileKind.Fifo)
        {
            program.BindNode(directory, relative[(slash + 1)..], HostNode(device));
            return;
        }

        program.MakeNode(directory, relative[(slash + 1)..], kind, device.FileMode ?? 0x1B6, device.Major, device.Minor, device.UserId, device.GroupId);
    }

    /// <summary>Where the host has this device: under the same path, or under its numbers.</summary>
    private static string HostNode(DeviceSpec device)
        => Files.TryStatus(device.Path, out _, follow: true) is { } node && node.SpecialMajor == device.Major && node.SpecialMinor == device.Minor
            ? device.Path : $"/dev/{(device.Type == "b" ? "block" : "char")}/{device.Major}:{device.Minor}";

    internal void OpenTerminal(ProcessSpec process)
    {
        if (_terminals is not { } terminals)
        {
            throw new Failure("config.json: process.terminal needs a devpts mount at /dev/pts");
        }

        program.NewTerminal(terminals, process.UserId, process.UserId == 0 ? 0 : process.GroupId);
        if (_devices is { } devices)
        {
            program.BindConsole(devices);
        }
    }

    /// <summary>Through the new /proc's own descriptor: no link of the image can lead the write elsewhere (CVE-2025-52881).</summary>
    internal void WriteSysctls()
    {
        if (spec.Linux.Sysctl.Count == 0)
        {
            return;
        }

        Arg proc = _proc ?? program.NewFileSystem("proc", "proc", [], MountAttributes.NoSetuid | MountAttributes.NoDevices | MountAttributes.NoExecute).Slot;
        foreach ((string key, string value) in spec.Linux.Sysctl)
        {
            program.WriteBeneath($"sysctl {key}={value}", proc, "sys/" + Sysctls.ToPath(key), value);
        }
    }

    internal void MakeWorkingDirectory(string path)
    {
        if (path is not ("/" or "") && spec.Root is not { Readonly: true })
        {
            program.OpenOrMakeDirectory(_root, path);
        }
    }

    internal void Restrict()
    {
        foreach (string path in spec.Linux.ReadonlyPaths)
        {
            (Arg directory, string relative) = Anchor(path);
            Masks().Protect(directory, relative, path);
        }

        foreach (string path in spec.Linux.MaskedPaths)
        {
            (Arg directory, string relative) = Anchor(path);
            Masks().Hide(directory, relative, path);
        }
    }

    private MaskOps Masks() => _masks ??= new MaskOps(program, context.Stage);

    /// <summary>Paths in /proc and /sys are resolved from the mounts themselves.</summary>
    private (Arg Directory, string Relative) Anchor(string path)
    {
        if (_proc is { } proc && path.StartsWith("/proc/", StringComparison.Ordinal))
        {
            return (proc, path[6..]);
        }

        return _sys is { } sys && path.StartsWith("/sys/", StringComparison.Ordinal) ? (sys, path[5..]) : (_root, path);
    }

    internal void Enter()
    {
        if (spec.Root is { Readonly: true })
        {
            program.Change(new MountHandle(_root), "/", new MountChange(MountAttributes.ReadOnly));
        }

        program.PivotRoot(_root);
        if (spec.Linux.RootfsPropagation is "shared" or "rshared" or "unbindable" or "runbindable")
        {
            program.SetPropagation(spec.Linux.RootfsPropagation.EndsWith("shared", StringComparison.Ordinal) ? Propagation.Shared : Propagation.Unbindable);
        }
    }

    private Propagation RootPropagation() => spec.Linux.RootfsPropagation switch
    {
        "shared" or "rshared" => Propagation.Shared,
        "private" or "rprivate" => Propagation.Private,
        _ => Propagation.Slave,
    };
}
