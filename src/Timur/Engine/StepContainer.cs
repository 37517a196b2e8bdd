using Timur.Cgroups;
using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.Runtime;
using Timur.Runtime.Seccomp;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>What a step of a build sees beside its root.</summary>
/// <param name="Mounts">Mounts inside, after those that every container has.</param>
/// <param name="Trees">Overlays to mount at host directories first, which the mounts' sources may lead into.</param>
public sealed record StepMounts(IReadOnlyList<MountSpec> Mounts, IReadOnlyList<RootMount> Trees);

/// <summary>
/// A container in which one command of a build runs: launched as every container, with the options of <c>run</c>, but with no record, name or monitor. Its
/// directory lies among the containers' and is held by a lock, so that <c>system check</c> finds what a killed build left. It dies with the thread that runs it.
/// </summary>
public sealed class StepContainer : IDisposable
{
    /// <summary>What is written for a container (address leases, compiled filters) is written by one thread of a process at a time.</summary>
    private static readonly Lock Preparing = new();

    private readonly ContainerStore _store;
    private readonly ContainerId _id = ContainerId.Create();
    private readonly FileLock _held;
    private readonly UndoList _undo = new();

    /// <summary>Makes its directory.</summary>
    public StepContainer(ContainerStore store)
    {
        _store = store;
        RunDirectory = store.Paths.RunContainer(_id);
        ContainerDirectory = store.Paths.Container(_id);
        if (!Directories.TryCreate(ContainerDirectory, out _, 0x1C0))
        {
            store.MakeParents();
            Directories.Create(ContainerDirectory, 0x1C0);
        }

        _held = InProgress.Hold(ContainerDirectory);
        OverlayRoot.Prepare(ContainerDirectory);
        Directories.TryCreate(store.Paths.Stage, out _, 0x1C0);
    }

    /// <summary>Its own directory; everything in it goes with it.</summary>
    public string ContainerDirectory { get; }

    /// <summary>A directory in memory for what mustn't reach a disk; made when it is needed.</summary>
    public string RunDirectory { get; }

    /// <summary>Where what it writes goes.</summary>
    public string Upper => ContainerDirectory + "/upper";

    public string Work => ContainerDirectory + "/work";

    /// <summary>What this machine can't enforce.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Runs the command of <paramref name="options"/> on the image; its exit code as a shell shows it.</summary>
    /// <param name="output">Gets what it writes, true for standard error; null gives it this process's terminal.</param>
    public int Run(RunOptions options, Image image, StepMounts mounts, StepOutput? output, CancellationToken cancel)
    {
        RunOptionRules.Check(options);
        LoadedProgram? loaded = null;
        try
        {
            Spec spec;
            LaunchProgram program;
            ContainerNetwork network;
            Cgroup cgroup;
            lock (Preparing)
            {
                (spec, program, network, cgroup) = Prepare(options, image, mounts);
                loaded = new LoadedProgram(program.ToBytes());
            }

            cancel.ThrowIfCancellationRequested();
            using var streams = new StepStreams(output);
            using Fd? unified = cgroup.OpenUnified();
            Launched launched = Launch(spec, program, new LaunchRequest(loaded)
            {
                Slots = network.Namespace is { } space ? [(Slot.Network, space), .. streams.Slots] : [.. streams.Slots],
                Cgroup = unified,
                OnSync = streams.TakeTerminal,
            });
            using (launched)
            {
                return streams.Relay(launched, cancel);
            }
        }
        finally
        {
            loaded?.Dispose();
            _undo.Dispose();
        }
    }

    public void Dispose()
    {
        _undo.Dispose();
        Directories.RemoveTree(RunDirectory);
        Directories.RemoveTree(ContainerDirectory);
        _held.Dispose();
    }

    private (Spec Spec, LaunchProgram Program, ContainerNetwork Network, Cgroup Cgroup) Prepare(RunOptions options, Image image, StepMounts mounts)
    {
        RootPlan root = RootChoice.Plan(options, image, ContainerDirectory, _store.Paths, maps: null);
        _undo.Add("root", root.Dispose);
        var builder = new SpecBuilder(options, image, new SpecSurroundings(
            _id, ContainerDirectory, root.Root, RootChoice.Trees(options, image, ContainerDirectory), _store.Paths, _ => throw new Failure("a build joins no container's namespaces")));
        ContainerNetwork network = ContainerNetwork.Attach(_store, AsContainer(options), _undo);
        _undo.Add("network", network.Dispose);
        network.WriteFiles(ContainerDirectory, builder.Hostname, options, Warnings);
        Spec spec = builder.Build();
        spec = spec with { Mounts = [.. spec.Mounts, .. mounts.Mounts] };
        Cgroup cgroup = Cgroup.Create(CgroupLayout.Detect(), spec.Linux.CgroupsPath!, spec.Linux.Resources!, Warnings);
        _undo.Add("cgroup", () => End(cgroup));
        LaunchProgram program = LaunchCompiler.Compile(spec, new LaunchContext
        {
            Volumes = builder.Volumes,
            RootMounts = [.. mounts.Trees, .. RootChoice.ToMounts(root)],
            Root = root.Root,
            Stage = _store.Paths.Stage,
            CgroupTasks = cgroup.TaskFiles,
            CgroupViews = cgroup.Views,
            SeccompFilter = spec.Linux.Seccomp is { } profile ? FilterCache.Get(_store.Paths, profile) : null,
            SeccompFlags = spec.Linux.Seccomp is { } flags ? FilterCompiler.Flags(flags) : 0,
            NullStreams = options.Tty ? [] : [Slot.Input],
            NetworkGiven = network.Namespace is not null,
            OwnCapabilities = Capabilities.OwnBoundingSet(),
            DiesWithParent = true,
        });
        return (spec, program, network, cgroup);
    }

    private Launched Launch(Spec spec, LaunchProgram program, LaunchRequest request)
    {
        try
        {
            return Launching.Start(request);
        }
        catch (LaunchException e)
        {
            throw LaunchDiagnosis.Explain("the step", spec, program, e.Operation, e.Errno);
        }
    }

    /// <summary>With a process namespace of its own nobody outlives process 1, except on its way out.</summary>
    private static void End(Cgroup cgroup)
    {
        if (cgroup.Pids().Count > 0)
        {
            cgroup.Kill();
        }

        cgroup.TryRemove();
    }

    private Container AsContainer(RunOptions options) => new(
        new ContainerRecord
        {
            Id = _id, Name = "", Created = DateTimeOffset.UnixEpoch, ImageId = "", Image = "", Command = [], Options = options.Canonical, Labels = new Dictionary<string, string>(),
        },
        new ContainerState());
}
