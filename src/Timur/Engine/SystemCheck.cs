using Timur.Cgroups;
using Timur.Kernel;
using Timur.Networks;
using Timur.State;

namespace Timur.Engine;

/// <summary>Something that isn't as recorded.</summary>
/// <param name="Text">A sentence that names it.</param>
/// <param name="Repair">Puts it right; null when only a person can.</param>
public sealed record Finding(string Text, Action? Repair);

/// <summary>
/// Compares what is recorded with what the kernel and the disk hold: what a killed process left is found here, and nowhere else can it hide.
/// </summary>
public sealed class SystemCheck(DataPaths paths)
{
    private readonly ContainerStore _store = new(paths);
    private readonly List<Finding> _findings = [];

    public IReadOnlyList<Finding> Run()
    {
        var live = new HashSet<string>();
        foreach (DirectoryEntry entry in Directories.List(paths.Containers))
        {
            CheckContainer(entry.Name, live);
        }

        CheckNames();
        CheckCgroups(live);
        CheckRunDirectories(live);
        CheckLeftovers(paths.Trash, "deleted thing", _ => true);
        CheckLeftovers(paths.Images + "/layers", "half-made layer", name => name.StartsWith('.'));
        CheckLeftovers(paths.Images + "/configs", "half-written file", name => name.StartsWith('.'));
        CheckLeftovers(paths.Disks, "half-made disk", name => name.EndsWith(".tmp", StringComparison.Ordinal) || name.EndsWith(".rollback", StringComparison.Ordinal));
        foreach (NetworkFinding finding in new HostNetwork(paths).Check(live))
        {
            _findings.Add(new Finding(finding.Text, finding.Repair));
        }

        return _findings;
    }

    private void CheckContainer(string name, HashSet<string> live)
    {
        string directory = $"{paths.Containers}/{name}";
        if (!ContainerId.TryParse(name, out ContainerId id) || !Files.Exists(directory + "/container.json"))
        {
            // A container that is just being made has its record a moment later.
            if (Age(directory) > TimeSpan.FromSeconds(10) || !ContainerId.TryParse(name, out _))
            {
                _findings.Add(new Finding($"{directory} has no record: its making was interrupted", () => Directories.RemoveTree(directory)));
            }

            return;
        }

        try
        {
            Check(_store.TryLoad(id)!, live);
        }
        catch (Failure e)
        {
            _findings.Add(new Finding($"container {id.Short}: {e.Message}", () => Mend(id)));
        }

        foreach (DirectoryEntry entry in Directories.List(directory))
        {
            if (entry.Name.EndsWith(".tmp", StringComparison.Ordinal))
            {
                string file = $"{directory}/{entry.Name}";
                _findings.Add(new Finding($"{file}: a write was interrupted", () => Files.TryUnlink(file, out _)));
            }
        }
    }

    private void Check(Container container, HashSet<string> live)
    {
        ContainerState state = container.State;
        bool monitor = ContainerState.Lives(state.MonitorPid, state.MonitorStart);
        bool process = state.Pid > 0 && ContainerState.Lives(state.Pid, state.PidStart);
        if (state.IsAlive && !monitor)
        {
            _findings.Add(new Finding($"container {container.Name} runs without its monitor: no log, no exit code, no clean-up", () => EndOrphan(container)));
        }

        if (monitor || process)
        {
            live.Add(container.Id.Text);
            return;
        }

        ContainerState recorded = ContainerState.FromBytes(Files.TryReadAll($"{paths.Container(container.Id)}/state", out _) ?? state.ToBytes(), "state");
        if (recorded.IsAlive)
        {
            _findings.Add(new Finding($"container {container.Name} is recorded as running, but its processes are gone", () => SaveEnd(container)));
        }
    }

    private void EndOrphan(Container container)
    {
        Processes.TryKill(container.State.Pid, Signals.Kill, out _);
        using Fd? process = Processes.TryOpen(container.State.Pid, out _);
        if (process is not null)
        {
            Processes.WaitForEnd(process, 10_000);
        }

        SaveEnd(container);
    }

    private void SaveEnd(Container container)
    {
        using FileLock guard = _store.Lock(container.Id);
        ContainerEnd.Release(_store, container, ContainerCgroup.Of(paths, container));
        Directories.RemoveTree(paths.RunContainer(container.Id));
        if (container.Options.RemoveAtEnd)
        {
            ContainerRemoval.DiscardFailed(_store, container);
            return;
        }

        _store.SaveState(container.Id, container.State with { Status = ContainerStatus.Exited, Pid = 0, ExitCode = 137, Ports = "", Address = "", Error = "its monitor was killed" });
    }

    /// <summary>A damaged state is forgotten; a damaged record takes the container with it.</summary>
    private void Mend(ContainerId id)
    {
        string directory = paths.Container(id);
        try
        {
            ContainerRecord.FromJson(Files.ReadAll(directory + "/container.json"), directory);
            Files.TryUnlink(directory + "/state", out _);
        }
        catch (Failure)
        {
            Directories.RemoveTree(directory);
            foreach (DirectoryEntry name in Directories.List(paths.Names))
            {
                _store.ReleaseName(name.Name, id);
            }
        }
    }

    private void CheckNames()
    {
        foreach (DirectoryEntry entry in Directories.List(paths.Names))
        {
            string path = $"{paths.Names}/{entry.Name}";
            string target = Files.TryReadLink(path, out _) ?? "";
            if (!ContainerId.TryParse(target, out ContainerId id) || !Files.Exists(paths.Container(id)))
            {
                _findings.Add(new Finding($"the name '{entry.Name}' points to no container", () => Files.TryUnlink(path, out _)));
            }
        }
    }

    private void CheckCgroups(HashSet<string> live)
    {
        CgroupLayout layout = CgroupLayout.Detect();
        var seen = new HashSet<string>();
        foreach (Hierarchy hierarchy in layout.Controllers.Values)
        {
            foreach (DirectoryEntry entry in Directories.List(hierarchy.MountPoint + paths.CgroupParent))
            {
                if (entry.Kind == FileKind.Directory && !live.Contains(entry.Name) && seen.Add(entry.Name) && !IsBusy(entry.Name))
                {
                    Cgroup cgroup = Cgroup.Open(layout, $"{paths.CgroupParent}/{entry.Name}");
                    _findings.Add(new Finding($"the cgroup {cgroup.Path} belongs to no running container", () =>
                    {
                        if (!IsBusy(entry.Name))
                        {
                            cgroup.Kill();
                            cgroup.TryRemove();
                        }
                    }));
                }
            }
        }
    }

    /// <summary>Somebody holds the container's lock, or started it since it was looked at.</summary>
    private bool IsBusy(string name)
    {
        if (!ContainerId.TryParse(name, out ContainerId id) || !Files.Exists($"{paths.Container(id)}/lock"))
        {
            return false;
        }

        using FileLock? guard = FileLock.TryTake($"{paths.Container(id)}/lock");
        return guard is null || _store.LoadState(id).IsAlive;
    }

    private void CheckRunDirectories(HashSet<string> live)
    {
        foreach (DirectoryEntry entry in Directories.List(paths.Run + "/containers"))
        {
            if (!live.Any(id => id.StartsWith(entry.Name, StringComparison.Ordinal)))
            {
                string directory = $"{paths.Run}/containers/{entry.Name}";
                _findings.Add(new Finding($"{directory} belongs to no running container", () => Directories.RemoveTree(directory)));
            }
        }
    }

    private void CheckLeftovers(string directory, string what, Predicate<string> isOne)
    {
        foreach (DirectoryEntry entry in Directories.List(directory))
        {
            string path = $"{directory}/{entry.Name}";
            if (isOne(entry.Name) && entry.Name != ".templates" && Age(path) > TimeSpan.FromSeconds(10))
            {
                _findings.Add(new Finding($"{path} is a {what} that an interrupted command left", () => Directories.RemoveTree(path)));
            }
        }
    }

    private static TimeSpan Age(string path)
        => Files.TryStatus(path, out _) is { } status ? DateTimeOffset.UtcNow - DateTimeOffset.FromUnixTimeSeconds(status.ModifiedSeconds) : TimeSpan.Zero;
}
