using System.Text;
using Timur.Cgroups;
using Timur.Engine.Monitoring;
using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.Runtime;
using Timur.Runtime.Containers;
using Timur.Runtime.Seccomp;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>Starts a container that exists: everything is prepared here, then its monitor launches it and keeps it.</summary>
public sealed class ContainerStart(ContainerStore store, ImageStore images)
{
    /// <summary>Warnings of the last start: what this machine can't enforce.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>The last start came as far as a launch: what failed then is the kernel's or the image's word, not an option that makes no sense.</summary>
    public bool Launched { get; private set; }

    /// <summary>
    /// Starts and returns the connection to the monitor, on which output arrives when <paramref name="attached"/>. A failure names the step of the
    /// launch program that failed, and nothing is left behind.
    /// </summary>
    public StartedContainer Start(Container container, MonitorStart monitor, bool attached, TerminalSize? size = null)
        => TryStart(container, monitor, attached, size, onlyRestarting: false)!;

    /// <summary>The next life of a container whose policy asks for it; null when somebody stopped or removed it meanwhile.</summary>
    internal StartedContainer? TryRestart(Container container, MonitorStart monitor) => TryStart(container, monitor, attached: false, size: null, onlyRestarting: true);

    private StartedContainer? TryStart(Container container, MonitorStart monitor, bool attached, TerminalSize? size, bool onlyRestarting)
    {
        using FileLock guard = store.Lock(container.Id);
        ContainerState before = store.LoadState(container.Id);
        if (onlyRestarting && before.Status != ContainerStatus.Restarting)
        {
            return null;
        }

        before = onlyRestarting ? before with { RestartCount = before.RestartCount + 1 } : before;
        if (before.IsAlive)
        {
            throw new Failure($"container {container.Name} is running already", exitCode: 125);
        }

        using var undo = new UndoList();
        using Preparation ready = Prepare(container, undo);
        foreach (string warning in Warnings)
        {
            if (container.Options.Has("strict"))
            {
                throw new Failure($"{warning} (--strict)", "leave the limit out, or run without --strict");
            }
        }

        ContainerState state = ready.Describe(before with
        {
            Status = ContainerStatus.Starting, MonitorPid = monitor.Pid, MonitorStart = monitor.StartTime, Error = "", OomKilled = false, StopRequested = false,
        });
        store.SaveState(container.Id, state);
        ready.VolumeLocks?.Dispose();
        ContainerState failed = before with { Error = "it couldn't be started" };
        undo.Add("state", () => store.SaveState(container.Id, failed));
        undo.Add("sockets", () => Directories.RemoveTree(store.Paths.RunContainer(container.Id)));
        if (HealthPlan.Of(container.Options, ready.Image) is not null)
        {
            // Whoever sees it run sees nothing of its former life.
            HealthRecord.New.Save(store.Paths, container.Id);
        }

        Launched = true;
        try
        {
            monitor.Send(Order(container, ready, state, attached, size), ready.Descriptors());
            WriteBundle(container, ready.Spec);
            int pid = AwaitLaunch(container, monitor, ready);
            undo.Keep();
            return new StartedContainer(container, monitor.Connection, pid);
        }
        catch (Failure e)
        {
            failed = failed with { Error = e.Message, ExitCode = e.ExitCode };
            throw;
        }
    }

    /// <summary>The launch program of a container as <c>--explain</c> shows it; nothing is made.</summary>
    public LaunchProgram Explain(RunOptions options, out Spec spec)
    {
        Image? image = options.Image is { } reference ? images.Resolve(reference) : null;
        ContainerId id = ContainerId.Create();
        string directory = store.Paths.Container(id);
        using RootPlan root = options.Text("disk") is null && IdMaps.Of(options, id) is null
            ? RootChoice.Plan(options, image, directory, store.Paths, maps: null)
            : new RootPlan([new MountStep("detached", options.Text("disk") is null ? "overlay" : "/dev/loopN", store.Paths.Stage, MountAttributes.NoAccessTime, [])], store.Paths.Stage, []);
        var builder = new SpecBuilder(options, image, Surroundings(id, options, image, directory, root));
        spec = builder.Build();
        CgroupLayout layout = CgroupLayout.Detect();
        Cgroup cgroup = Cgroup.Open(layout, spec.Linux.CgroupsPath!);
        return LaunchCompiler.Compile(spec, Context(spec, options, root, cgroup, directory, builder.Volumes, networkGiven: false));
    }

    private Preparation Prepare(Container container, UndoList undo)
    {
        RunOptions options = container.Options;
        string directory = store.Paths.Container(container.Id);
        Image? image = options.Image is null ? null : images.Resolve(container.Record.ImageId.Trim('0').Length == 0 ? "host" : container.Record.ImageId);
        Directories.TryCreate(store.Paths.Stage, out _, 0x1C0);
        IdMaps? maps = IdMaps.Of(options, container.Id);
        RootPlan root = RootChoice.Plan(options, image, directory, store.Paths, maps);
        undo.Add("root", root.Dispose);
        var builder = new SpecBuilder(options, image, Surroundings(container.Id, options, image, directory, root));
        ContainerNetwork network = maps is not null && ContainerNetwork.IsBridged(options) ? ContainerNetwork.Later : ContainerNetwork.Attach(store, container, undo);
        network.WriteFiles(directory, builder.Hostname, options, Warnings);
        maps?.Own(directory);
        Spec spec = builder.Build();
        new VolumeCreation(store.Paths).Ensure(builder.WantedMounts, image, container.Id, undo);
        IDisposable volumeLocks = new VolumeMounts(store.Paths).Hold(WantedMount.VolumesOf(builder.WantedMounts), container.Id, undo);
        ResourcePlan.Warn(options, Warnings);
        Warnings.AddRange(image is { IsHost: true } ? HostImage.Missing() : []);
        Cgroup cgroup = Cgroup.Create(CgroupLayout.Detect(), spec.Linux.CgroupsPath!, spec.Linux.Resources!, Warnings, sight: CgroupMounts.SightOf(spec));
        undo.Add("cgroup", () => cgroup.TryRemove());
        CgroupMounts.HandOver(spec, cgroup);
        List<Fd> joined = Joined(spec, out Fd? processes);
        GivenMounts given = GivenMounts.Make(spec, joined.Count);
        undo.Add("mapped mounts", given.Dispose);
        LaunchContext context = Context(spec, options, root, cgroup, directory, builder.Volumes, network.Namespace is not null) with { Given = given.Slots };
        return new Preparation(spec, LaunchCompiler.Compile(spec, context), root, cgroup, network, joined, processes, given) { Image = image, VolumeLocks = volumeLocks };
    }

    private SpecSurroundings Surroundings(ContainerId id, RunOptions options, Image? image, string directory, RootPlan root)
        => new(id, directory, root.Root, RootChoice.Trees(options, image, directory), store.Paths, PidOf);

    private int PidOf(string reference)
    {
        Container other = store.Find(reference);
        return other.State.IsAlive ? other.State.Pid : throw new Failure($"container {other.Name} isn't running, so its namespaces can't be joined", $"start it first: timur start {other.Name}");
    }

    private LaunchContext Context(Spec spec, RunOptions options, RootPlan root, Cgroup cgroup, string directory, IReadOnlySet<string> volumes, bool networkGiven) => new()
    {
        Volumes = volumes,
        RootMounts = RootChoice.ToMounts(root),
        Root = root.Root,
        Stage = store.Paths.Stage,
        CgroupTasks = cgroup.TaskFiles,
        CgroupViews = cgroup.Views,
        SeccompFilter = spec.Linux.Seccomp is { } profile ? FilterCache.Get(store.Paths, profile) : null,
        SeccompFlags = spec.Linux.Seccomp is { } flags ? FilterCompiler.Flags(flags) : 0,
        Reaper = options.Has("init"),
        NullStreams = options.Interactive || options.Tty ? [] : [Slot.Input],
        NetworkGiven = networkGiven,

        // A new user namespace has all of them, whatever this process may.
        OwnCapabilities = spec.Linux.UidMappings.Count > 0 ? Capabilities.Every : Capabilities.OwnBoundingSet(),
    };

    /// <summary>Namespaces that are joined by path, opened here; the process namespace is entered at the clone.</summary>
    private static List<Fd> Joined(Spec spec, out Fd? processes)
    {
        var joined = new List<Fd>();
        processes = null;
        foreach (NamespaceSpec ns in spec.Linux.Namespaces)
        {
            if (ns.Path is not { } path)
            {
                continue;
            }

            Fd fd = Files.Open(path, Open.Read);
            if (ns.Type == "pid")
            {
                processes = fd;
            }
            else
            {
                joined.Add(fd);
            }
        }

        return joined;
    }

    /// <summary>
    /// The specification beside the record, so that any OCI runtime could run the container and a person can read it. Nothing of ours reads it: it is
    /// written while the monitor launches, and a full disk doesn't stop a start that needs no space. A container that goes away with its end (--rm)
    /// has no use for it.
    /// </summary>
    private void WriteBundle(Container container, Spec spec)
    {
        if (container.Options.RemoveAtEnd)
        {
            return;
        }

        string path = $"{store.Paths.Container(container.Id)}/config.json";
        using Fd? file = Files.TryOpen(path, Open.Write | Open.Create | Open.Truncate, out Errno why, 0x180);
        if (file is null || !Files.TryWrite(file, SpecJson.Write(spec), out why))
        {
            Warnings.Add($"{path} could not be written: {why.Describe()}");
        }
    }

    private MonitorOrder Order(Container container, Preparation ready, ContainerState state, bool attached, TerminalSize? size)
    {
        RunOptions options = container.Options;
        (long logSize, int logFiles) = LogOptions.Parse(options.Texts("log-opt"));
        return new MonitorOrder
        {
            Id = container.Id,
            Root = store.Paths.Root,
            Run = store.Paths.Run,
            Tty = options.Tty,
            Interactive = options.Interactive,
            Attached = attached,
            KeepLog = options.Text("log-driver") != "none",
            LogMaximumSize = logSize,
            LogMaximumFiles = logFiles,
            Rows = size?.Rows ?? 0,
            Columns = size?.Columns ?? 0,
            Slots = ready.Slots(),
            HasCgroup = ready.Unified is not null,
            HasProcessNamespace = ready.Processes is not null,
            HasHealth = HealthPlan.Of(options, ready.Image) is not null,
            State = state,
            Program = ready.Program.ToBytes(),
        };
    }

    private static int AwaitLaunch(Container container, MonitorStart monitor, Preparation ready)
    {
        byte[] packet = new byte[4096];
        int count = Sockets.TryReceive(monitor.Connection, packet, [], out _);
        switch (count > 0 ? packet[0] : 0)
        {
            case AttachProtocol.Launched:
                return AttachProtocol.Numbers(packet).First;
            case AttachProtocol.LaunchFailed:
                (int operation, int errno) = AttachProtocol.Numbers(packet);
                throw LaunchDiagnosis.Explain(container, ready.Spec, ready.Program, operation, (Errno)errno);
            case AttachProtocol.MonitorFailed:
                string[] parts = Encoding.UTF8.GetString(packet, 1, count - 1).Split('\n', 2);
                throw new Failure($"can't start {container.Name}: {parts[0]}", parts.Length > 1 ? parts[1] : null);
            default:
                throw new Failure($"can't start {container.Name}: its monitor ended unexpectedly", "timur system check shows what it may have left");
        }
    }
}

/// <summary>A container that was just started.</summary>
/// <param name="Connection">Socket to its monitor (see <see cref="AttachProtocol"/>).</param>
public sealed record StartedContainer(Container Container, Fd Connection, int Pid);
