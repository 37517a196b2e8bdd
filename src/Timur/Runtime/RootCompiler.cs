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
    private bool _devicesAreGiven;

    /// <summary>New file systems that become read-only when everything in them is made.</summary>
    private readonly List<(MountHandle Mount, string Destination)> _closing = [];

    /// <summary>By the mount itself, of which two may have one destination.</summary>
    private Dictionary<MountSpec, MountHandle>? _hostTrees;

    private readonly CgroupViewCompiler _cgroups = new(program, context);

    /// <summary>Cuts the ties to the host's mounts, then mounts what the root stands on.</summary>
    internal void Mount()
    {
        if (!IsShown)
        {
            program.SetPropagation(RootPropagation());
        }

        if (!IsShown && RootPropagation() == Propagation.Shared)
        {
            // What is attached below would else show up on the host, and pivot_root refuses a root on a shared mount.
            program.MakePrivate(Mounts.Holding(context.Root)?.Target ?? "/");
        }

        // The root is copied before the stage, which may be the same place, is covered.
        MountHandle? self = context.RootMounts.Count > 0 ? null
            : program.CloneHostTree(context.Root, recursive: true, new MountChange(MountAttributes.None, Propagation: Propagation.Private, Recursive: true));
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

        if (self is { } root)
        {
            program.AttachToHost(root, context.Root);
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
            if (context.Given.ContainsKey(mount.Destination) || InnerSources.IsCovered(spec.Mounts, mount, context.Root))
            {
                continue;
            }

            if (options.IsBind || mount.Type == "bind")
            {
                _hostTrees[mount] = CloneSource(mount, options);
            }
            else if (mount.Type is "cgroup" or "cgroup2")
            {
                _cgroups.Open(mount, options.Set);
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
            _cgroups.Mount(mount, options.Set, program.OpenOrMakeDirectory(_root, mount.Destination));
            return false;
        }

        Arg target = program.OpenOrMakeDirectory(_root, mount.Destination);
        bool closesLate = mount.Type == "tmpfs" && (options.Set & MountAttributes.ReadOnly) != 0;
        MountAttributes attributes = closesLate ? options.Set & ~MountAttributes.ReadOnly : options.Set;
        MountHandle handle = program.NewFileSystem(mount.Type ?? "none", mount.Source ?? mount.Type ?? "none", Labelled(mount, options), attributes);
        if (closesLate)
        {
            _closing.Add((handle, mount.Destination));
        }

        if (options.TmpCopyUp && mount.Type == "tmpfs")
        {
            program.HandDescriptor($"hand {mount.Destination} over", LaunchLetters.CopySource, target);
            program.HandDescriptor($"copy {mount.Destination} up", LaunchLetters.CopyTarget, handle.Slot);
        }

        program.Change(handle, mount.Destination, new MountChange(options.RecursiveSet, options.RecursiveClear, Recursive: true));
        Propagate(handle, mount.Destination, options);
        program.Attach(handle, mount.Destination, target);
        switch (mount.Destination.TrimEnd('/'))
        {
            case "/dev": _devices = handle.Slot; return true;
            case "/dev/pts": _terminals = handle.Slot; return true;
            case "/proc" when mount.Type is "proc": _proc = handle.Slot; return true;
            case "/sys" when mount.Type is "sysfs": _sys = handle.Slot; return true;
            default: return closesLate;
        }
    }

    private void Bind(MountSpec mount, MountOptions options)
    {
        MountHandle handle = Source(mount, options);
        program.Change(handle, mount.Destination, context.DropsUnnamedAttributes ? BindAttributes.Of(mount, options, isMapped: _hostTrees is not null) : new MountChange(options.Set, options.Clear));
        program.Change(handle, mount.Destination, new MountChange(options.RecursiveSet, options.RecursiveClear, Recursive: true));
        Arg target = KindOfSource(mount) == FileKind.Directory
            ? program.OpenOrMakeDirectory(_root, mount.Destination)
            : program.OpenOrMakeFile(_root, mount.Destination);
        program.Attach(handle, mount.Destination, target);
        _devices = mount.Destination.TrimEnd('/') == "/dev" ? null : _devices;
        _devicesAreGiven |= mount.Destination.TrimEnd('/') == "/dev";
    }

    private MountHandle Source(MountSpec mount, MountOptions options)
    {
        MountHandle handle;
        if (context.Given.TryGetValue(mount.Destination, out Slot given))
        {
            handle = new MountHandle(given);
        }
        else if (InnerSources.IsCovered(spec.Mounts, mount, context.Root))
        {
            string source = mount.Source!;
            Arg place = program.NewSlot();
            program.OpenInRoot($"open {source}", _root, source[context.Root.Length..], place, directory: false);
            handle = program.CloneOpenTree(source, place, options.IsRecursiveBind);
            if (mount.UidMappings.Count > 0 || options.IdMap is not null)
            {
                program.HandDescriptor($"map the ids of {mount.Destination}", LaunchLetters.IdMap, handle.Slot);
            }
        }
        else
        {
            return _hostTrees is null ? CloneSource(mount, options) : _hostTrees[mount];
        }

        Propagate(handle, mount.Destination, options);
        return handle;
    }

    private MountHandle CloneSource(MountSpec mount, MountOptions options)
    {
        KindOfSource(mount);
        MountHandle handle = program.CloneHostTree(mount.Source!, options.IsRecursiveBind, new MountChange(MountAttributes.None));
        Propagate(handle, mount.Destination, options);
        return handle;
    }

    private void Propagate(MountHandle handle, string destination, MountOptions options)
    {
        foreach ((Propagation kind, bool recursive) in options.Propagations)
        {
            program.Change(handle, destination, new MountChange(MountAttributes.None, Propagation: kind, Recursive: recursive));
        }
    }

    /// <summary>File systems that keep no labels of their own show everything with the container's (mount(8), context=).</summary>
    private IReadOnlyList<KeyValuePair<string, string?>> Labelled(MountSpec mount, MountOptions options)
        => spec.Linux.MountLabel is { } label && mount.Type is "tmpfs" or "mqueue" or "devpts" or "overlay" ? [.. options.Data, new("context", $"\"{label}\"")] : options.Data;

    private FileKind KindOfSource(MountSpec mount)
    {
        string source = mount.Source ?? throw new Failure($"mount {mount.Destination}: a bind mount needs a source");
        if (InnerSources.Backing(spec.Mounts, mount, context.Root) is { } backing && Files.TryStatus(backing, out Errno why, follow: true) is { } status)
        {
            return status.Kind;
        }

        Files.TryStatus(source, out why, follow: true);

        // A volume's directory is made after everything was checked.
        return context.Volumes.Contains(source) ? FileKind.Directory
            : throw new Failure($"mount {mount.Destination}: bind source {source}: {why.Describe()}", "check the path on this machine");
    }

    /// <summary>Nodes and links in the /dev that the specification mounts, or in the image's own; one that is bound from the host is left alone.</summary>
    internal void MakeDevices()
    {
        if (_devicesAreGiven)
        {
            return;
        }

        Arg devices = _devices ?? program.OpenOrMakeDirectory(_root, "/dev");
        _devices = devices;
        new DeviceCompiler(program, _root, devices, isMapped: _hostTrees is not null, context.Given).Make(spec.Linux.Devices);
        foreach (Slot stream in context.NullStreams)
        {
            program.OpenNull(devices, stream);
        }

        foreach ((string name, string target) in DefaultDevices.Links)
        {
            // Not every kernel has it.
            if (target != DefaultDevices.KernelImage || Files.Exists(target))
            {
                program.MakeLink(devices, name, target);
            }
        }
    }

    internal void OpenTerminal(ProcessSpec process)
    {
        if (_terminals is not { } terminals)
        {
            throw new Failure("config.json: process.terminal needs a devpts mount at /dev/pts");
        }

        program.NewTerminal(terminals, process.UserId);
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

    /// <summary>Also in a root that is going to be read-only: it isn't yet.</summary>
    internal void MakeWorkingDirectory(string path)
    {
        if (path is not ("/" or ""))
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
        foreach ((MountHandle mount, string destination) in _closing)
        {
            program.Change(mount, destination, new MountChange(MountAttributes.ReadOnly));
        }

        if (spec.Root is { Readonly: true })
        {
            program.Change(new MountHandle(_root), "/", new MountChange(MountAttributes.ReadOnly));
        }

        if (IsShown)
        {
            program.ChangeRoot(_root);
            return;
        }

        program.PivotRoot(_root);
        if (spec.Linux.RootfsPropagation is "shared" or "rshared" or "unbindable" or "runbindable")
        {
            program.SetPropagation(spec.Linux.RootfsPropagation.EndsWith("shared", StringComparison.Ordinal) ? Propagation.Shared : Propagation.Unbindable);
        }
    }

    /// <summary>Without a mount namespace everything is mounted where the runtime itself sees it, below the root, and that is all that changes.</summary>
    private bool IsShown => !spec.Linux.Namespaces.Any(ns => ns.Type == "mount");

    private Propagation RootPropagation() => spec.Linux.RootfsPropagation switch
    {
        "shared" or "rshared" => Propagation.Shared,
        "private" or "rprivate" => Propagation.Private,
        _ => Propagation.Slave,
    };
}
