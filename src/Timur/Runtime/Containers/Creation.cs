using Timur.Cgroups;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>
/// Makes a container from a bundle: its first process is there and waits. It becomes a child of whoever adopts this process's children; nobody of ours
/// stays with it.
/// </summary>
public sealed class Creation(StateRoot root, RuntimeLog log)
{
    private readonly List<string> _warnings = [];

    /// <summary>The terminal's master, when the specification has one and no console socket takes it.</summary>
    public Fd? Terminal { get; private set; }

    /// <summary>Creates; a failure leaves nothing behind.</summary>
    public Launched Create(Bundle bundle, CreateOptions options, out OciContainer created)
    {
        using var undo = new UndoList();
        using FileLock guard = root.Claim(options.Id);
        string directory = root.DirectoryOf(options.Id);
        undo.Add("state", () => Directories.RemoveTree(directory));
        ContainerRecord record = Describe(bundle, options);
        Files.WriteAll(directory + "/config.json", bundle.Json, 0x180);
        if (SpecRules.Find(bundle.Spec, "mount") is null)
        {
            ShownMounts.Expect(directory, bundle.Rootfs);
            undo.Add("mounts", () => ShownMounts.Remove(directory));
        }

        using IDisposable? standIn = StartUnit(bundle.Spec, record, undo);
        Cgroup cgroup = MakeCgroup(bundle.Spec, record, _warnings, undo);
        using var joined = JoinedNamespaces.Open(bundle.Spec);
        using var given = GivenMounts.Make(bundle.Spec, joined.Count, bundle.Rootfs);
        given.AddDevices(bundle.Spec, joined.Count, directory);
        if (bundle.Filter is { } filter)
        {
            Files.WriteAll(directory + "/filter", filter.Code, 0x180);
        }

        var container = new OciContainer(directory, record);
        using Fd? gate = options.Immediately ? null : MakeGate(container);
        LaunchProgram program = LaunchCompiler.Compile(Fitting(bundle, options.Sockets), Context(bundle, record, options, cgroup, given));
        var parts = new LaunchParts(program, joined, given, gate, cgroup);
        Launched launched = Launch(bundle, record, options, parts);
        undo.Add("process", () => End(launched));
        record = record with { Pid = launched.Pid, PidStart = Processes.StartTime(launched.Pid) ?? (options.Immediately ? 0UL : throw Died(launched)) };
        record = record with { OwnClosId = ResctrlGroup.Join(bundle.Spec.Linux.IntelRdt, options.Id, launched.Pid) };
        undo.Add("class of service", () => ResctrlGroup.Remove(record.OwnClosId));
        created = new OciContainer(directory, record);
        AtomicFile.Write(directory + OciContainer.RecordFile, record.ToBytes());
        Announce(options, launched);
        undo.Keep();
        log.Warn(_warnings);
        return launched;
    }

    private sealed record LaunchParts(LaunchProgram Program, JoinedNamespaces Joined, GivenMounts Given, Fd? Gate, Cgroup Cgroup);

    internal static ContainerRecord Describe(Bundle bundle, CreateOptions options)
    {
        Spec spec = bundle.Spec;
        SystemdScope? scope = options.CgroupManager == CgroupManager.Systemd ? SystemdScope.Parse(spec.Linux.CgroupsPath, options.Id) : null;
        return new ContainerRecord
        {
            OciVersion = new Spec().OciVersion,
            Id = options.Id,
            Bundle = bundle.Directory,
            Rootfs = bundle.Rootfs,
            Created = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ"),
            CgroupPath = options.CgroupManager == CgroupManager.Disabled ? "" : scope?.CgroupPath ?? CgroupPaths.Clean(spec.Linux.CgroupsPath ?? "/" + options.Id),
            SystemdUnit = scope?.Unit,
            Joins = JoinedNamespaces.FlagsOf(spec),
            OwnProcesses = SpecRules.Find(spec, "pid") is not null,
            OwnUsers = SpecRules.Find(spec, "user") is not null,
            Disguisable = Disguise.SufficesForExec(bundle),
            FilterFlags = bundle.Filter?.Flags ?? 0,
            ListenerPath = bundle.Filter?.ListenerPath,
            ListenerMetadata = bundle.Filter?.ListenerMetadata ?? "",
            HasHooks = spec.Hooks.StartContainer.Count + spec.Hooks.Poststart.Count + spec.Hooks.Poststop.Count > 0,
            Personality = spec.Linux.Personality,
            MemoryPolicy = spec.Linux.MemoryPolicy,
            Annotations = spec.Annotations,
        };
    }

    /// <summary>Starts the unit that the cgroup is, if there is to be one; what it returns is disposed when the container's first process is in it.</summary>
    internal static IDisposable? StartUnit(Spec spec, ContainerRecord record, UndoList undo)
    {
        if (record.SystemdUnit is not { } unit)
        {
            return null;
        }

        // A scope of that name belongs to whoever is in it.
        if (WhyForeign(Cgroup.Open(CgroupLayout.Detect(), record.CgroupPath)) is { } foreign)
        {
            throw foreign;
        }

        LinuxResources resources = spec.Linux.Resources ?? new LinuxResources();
        resources = resources with { Devices = DefaultDeviceRules.Around(resources.Devices) };
        IDisposable? standIn = SystemdScope.Parse(spec.Linux.CgroupsPath, record.Id).Start(record.Id, resources, spec.Annotations);
        undo.Add("unit", () => SystemdScope.Stop(unit));
        return standIn;
    }

    internal static Cgroup MakeCgroup(Spec spec, ContainerRecord record, List<string> warnings, UndoList undo)
    {
        LinuxResources resources = spec.Linux.Resources ?? new LinuxResources();
        if (record.CgroupPath.Length == 0)
        {
            if (resources.HasLimits)
            {
                warnings.Add("linux.resources: limits have no effect without a cgroup (--cgroup-manager=disabled)");
            }

            return Cgroup.None;
        }

        resources = resources with { Devices = DefaultDeviceRules.Around(resources.Devices) };
        resources = record.SystemdUnit is null ? resources : SystemdProperties.WithRoundedQuota(resources);
        var layout = CgroupLayout.Detect();
        RequireUnified(layout, resources.Unified);
        Cgroup cgroup = SpecRules.At(Bundle.Document, "linux.resources", () => Cgroup.Create(layout, record.CgroupPath, resources, warnings, LimitWords.Members, record.SystemdUnit is null ? WhyForeign : null, CgroupMounts.SightOf(spec)));
        cgroup.IsTracked = record.SystemdUnit is not null;
        undo.Add("cgroup", () => cgroup.TryRemove());
        CgroupMounts.HandOver(spec, cgroup);
        return cgroup;
    }

    /// <summary>Files of cgroup v2 can be set where v2 has their controller.</summary>
    private static void RequireUnified(CgroupLayout layout, IReadOnlyDictionary<string, string> unified)
    {
        foreach (string file in unified.Keys)
        {
            string controller = file[..Math.Max(file.IndexOf('.'), 0)];
            if (layout.Mode != "v2" && (controller == "cgroup" ? layout.UnifiedMount is null : layout.Find(controller == "io" ? "blkio" : controller) is not { Version: 2 }))
            {
                throw new Failure($"{Bundle.Document}: linux.resources.unified: invalid configuration: cannot use {file} on cgroup v1", exitCode: 1);
            }
        }
    }

    /// <summary>Two containers in one cgroup would be killed, frozen and counted together; in a frozen one the first process would never be ready.</summary>
    private static Failure? WhyForeign(Cgroup cgroup)
        => cgroup.IsFrozen ? new Failure("container's cgroup unexpectedly frozen", "thaw or remove it, or choose another linux.cgroupsPath", 1)
            : cgroup.Pids() is { Count: > 0 and var count } ? new Failure($"container's cgroup is not empty: {count} process(es) found", "choose another linux.cgroupsPath", 1)
            : null;

    /// <summary>Held open for reading and writing, so that the waiting process never meets an end of file.</summary>
    private static Fd MakeGate(OciContainer container)
    {
        Files.MakeFifo(container.Gate, 0x180);
        return Files.Open(container.Gate, Open.ReadWrite);
    }

    /// <summary>The specification with a process that this machine can give.</summary>
    private Spec Fitting(Bundle bundle, int sockets)
    {
        Spec spec = bundle.Spec;
        if (spec.Process is null)
        {
            log.Warn("config.json: process: there is none: when it is started, the container ends");
        }

        ProcessSpec process = ProcessRules.Fit(spec.Process ?? new ProcessSpec(), Own(spec), log) with { KeepsGroups = ProcessRules.KeepsGroups(spec.Annotations) };
        using Fd rootfs = Files.Open(bundle.Rootfs, Open.Path | Open.Directory);
        string? label = SecurityModules.Usable("linux.mountLabel", spec.Linux.MountLabel, SecurityModules.HasSelinux, log);
        return spec with
        {
            Process = process with { Env = PayloadEnvironment.Complete(PassedSockets.Announce(process.Env, sockets), process.UserId, rootfs) },
            Linux = label == spec.Linux.MountLabel ? spec.Linux : spec.Linux with { MountLabel = label },
        };
    }

    /// <summary>A user namespace has all of them, whatever this process may.</summary>
    private static ulong Own(Spec spec) => SpecRules.Find(spec, "user") is null ? Capabilities.OwnBoundingSet() : Capabilities.Every;

    private static LaunchContext Context(Bundle bundle, ContainerRecord record, CreateOptions options, Cgroup cgroup, GivenMounts given)
    {
        HooksSpec hooks = bundle.Spec.Hooks;
        return new LaunchContext
        {
            Root = bundle.Rootfs,
            Stage = bundle.Rootfs,
            CgroupTasks = cgroup.TaskFiles,
            CgroupViews = cgroup.Views,
            UnifiedView = SpecRules.Find(bundle.Spec, "cgroup") is null ? cgroup.UnifiedPath : null,
            NullStreams = bundle.Spec.Process is { Terminal: true } ? [] : NullStreams(),
            OwnedStreams = bundle.Spec.Process is { Terminal: false, UserId: var user } ? StreamOwnership.For(user) : [],
            ResetAffinity = true,
            SeccompFilter = bundle.Filter?.Code,
            SeccompFlags = record.FilterFlags,
            StartGate = !options.Immediately,
            Hooks = hooks.Prestart.Count + hooks.CreateRuntime.Count + hooks.CreateContainer.Count + bundle.Spec.Linux.NetDevices.Count > 0,
            ByImage = bundle.Spec.Process is not null && Disguise.Suffices(bundle),
            Keyring = options.NoNewKeyring ? null : "_ses." + record.Id,
            Given = given.Slots,
            PreservedDescriptors = options.PreservedDescriptors,
            DropsUnnamedAttributes = true,
            OwnCapabilities = Own(bundle.Spec),
        };
    }

    /// <summary>Which of this process's streams are the host's null device: nobody can tell it from the container's, but for criu and who may change its mode.</summary>
    private static IReadOnlyList<Slot> NullStreams()
    {
        var streams = new List<Slot>(3);
        for (int number = 0; number < 3; number++)
        {
            if (Files.TryStatus($"/proc/self/fd/{number}", out _, follow: true) is { Kind: FileKind.CharacterDevice, SpecialMajor: 1, SpecialMinor: 3 })
            {
                streams.Add(Slot.Input + number);
            }
        }

        return streams;
    }

    private Launched Launch(Bundle bundle, ContainerRecord record, CreateOptions options, LaunchParts parts)
    {
        using var loaded = new LoadedProgram(parts.Program.ToBytes());
        using Fd? unified = parts.Cgroup.OpenUnified();
        using Fd? image = parts.Program.Image is { } bytes ? PayloadImage.Make(bytes) : null;
        using Fd input = Descriptors.Duplicate(Descriptors.Standard(0));
        using Fd output = Descriptors.Duplicate(Descriptors.Standard(1));
        using Fd error = Descriptors.Duplicate(Descriptors.Standard(2));
        LaunchLog.Before(log, parts.Program, affinity: null, bundle.Filter?.Flags);
        var answers = new LaunchAnswers(bundle, record, options, root.DirectoryOf(options.Id) + OciContainer.RecordFile, parts.Given);
        var request = new LaunchRequest(loaded)
        {
            Slots =
            [
                (Slot.Input, input), (Slot.Output, output), (Slot.Error, error), .. parts.Joined.Slots, .. parts.Given.Mounts,
                .. (ReadOnlySpan<(Slot, Fd)>)(image is null ? [] : [(Slot.Image, image)]),
                .. (ReadOnlySpan<(Slot, Fd)>)(parts.Gate is { } gate ? [(Slot.StartGate, gate)] : []),
            ],
            Cgroup = unified,
            ProcessNamespace = parts.Joined.Processes,
            OnSync = answers.Answer,
        };
        try
        {
            Launched launched = Launching.Start(request);
            Terminal = answers.Terminal;
            LaunchLog.AfterCreation(log, launched.Pid, parts.Gate is not null);
            return launched;
        }
        catch (LaunchException e)
        {
            throw LaunchWords.Explain(parts.Program, e, bundle.Spec.Process ?? new ProcessSpec(), bundle.Rootfs, bundle.Spec.Linux.Resources?.Cpu.Cpus, bundle.Spec.Mounts);
        }
    }

    internal static void Announce(CreateOptions options, Launched launched)
    {
        if (options.PidFile is { } file)
        {
            PidFile.Write(file, launched.Pid);
        }

        if (options.PidFdSocket is { } socket)
        {
            ConsoleSocket.Send(socket, launched.Process, "pidfd"u8);
        }
    }

    private static Failure Died(Launched launched)
    {
        End(launched);
        return new Failure("the container's first process ended before it was started", "something outside killed it; see the kernel's log", 1);
    }

    private static void End(Launched launched)
    {
        Processes.TryKill(launched.Process, Signals.Kill, out _);
        Processes.TryReap(launched.Pid, wait: true, out _);
    }
}
