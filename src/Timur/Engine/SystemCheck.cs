using Timur.Cgroups;
using Timur.Images;
using Timur.Kernel;
using Timur.Networks;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>Something that isn't as recorded.</summary>
/// <param name="Text">A sentence that names it.</param>
/// <param name="Repair">Puts it right; null when only a person can.</param>
public sealed record Finding(string Text, Action? Repair);

/// <summary>
/// Compares what is recorded with what the kernel and the disk hold: what a killed process left is found here, and nowhere else can it hide. What a
/// living command is just making or removing is none: it holds a lock.
/// </summary>
/// <param name="readsAll">Compares every byte of images with their digests, too.</param>
public sealed class SystemCheck(DataPaths paths, bool readsAll = false)
{
    private readonly ContainerStore _store = new(paths);
    private readonly List<Finding> _findings = [];

    public IReadOnlyList<Finding> Run()
    {
        foreach (DirectoryEntry entry in Directories.List(paths.Containers))
        {
            CheckContainer(entry.Name);
        }

        CheckNames();
        CheckCgroups();
        CheckRunDirectories();
        CheckStore();
        foreach (NetworkFinding finding in new HostNetwork(paths).Check(IsLive))
        {
            _findings.Add(new Finding(finding.Text, finding.Repair));
        }

        return _findings;
    }

    private void CheckContainer(string name)
    {
        string directory = $"{paths.Containers}/{name}";
        bool isId = ContainerId.TryParse(name, out ContainerId id);
        if (!isId || !Files.Exists(directory + "/container.json"))
        {
            if (InProgress.IsAbandoned(directory))
            {
                _findings.Add(new Finding($"{directory} has no record: its making was interrupted", () => Remove(directory, isId ? id : null)));
            }

            return;
        }

        try
        {
            using FileLock? guard = FileLock.TryTakeDirectory(directory, wait: false);
            if (guard is not null && _store.TryLoad(id) is { } container)
            {
                Check(container);
            }
        }
        catch (SyscallException e) when (e.Errno == Errno.ENOENT)
        {
            // It was removed meanwhile.
            return;
        }
        catch (Failure e)
        {
            _findings.Add(new Finding($"container {id.Short}: {e.Message}", () => Mend(id)));
        }

        CheckLeftovers(directory, "unfinished file", IsUnfinished);
    }

    /// <summary>The caller holds the container's lock: nobody starts or ends it meanwhile.</summary>
    private void Check(Container container)
    {
        ContainerState state = container.State;
        if (state.IsAlive && !ContainerState.Lives(state.MonitorPid, state.MonitorStart))
        {
            _findings.Add(new Finding($"container {container.Name} runs without its monitor: no log, no exit code, no clean-up", () => EndOrphan(container)));
            return;
        }

        if (state.IsAlive || Files.TryReadAll($"{paths.Container(container.Id)}/state", out _) is not { } bytes)
        {
            return;
        }

        ContainerState recorded = ContainerState.FromBytes(bytes, "state");
        if (recorded.IsAlive)
        {
            _findings.Add(new Finding($"container {container.Name} is recorded as running, but its processes are gone", () => ContainerEnd.SettleOrphan(_store, container.Id)));
        }
        else if (recorded.Status == ContainerStatus.Restarting && state.Status != ContainerStatus.Restarting)
        {
            _findings.Add(new Finding(
                $"container {container.Name} was to be started again, but the process that waited for it is gone", () => ContainerEnd.SettleOrphan(_store, container.Id)));
        }
    }

    private void EndOrphan(Container container) => new ContainerStop(_store).Kill(container);

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
            Remove(directory, id);
        }
    }

    /// <summary>A container's directory and its name, which may have been claimed before there was a record.</summary>
    private void Remove(string directory, ContainerId? id)
    {
        Directories.RemoveTree(directory);
        if (id is not { } known)
        {
            return;
        }

        foreach (DirectoryEntry name in Directories.List(paths.Names))
        {
            _store.ReleaseName(name.Name, known);
        }
    }

    private void CheckNames()
    {
        foreach (DirectoryEntry entry in Directories.List(paths.Names))
        {
            string path = $"{paths.Names}/{entry.Name}";
            string? target = Files.TryReadLink(path, out _);
            if (target is null || (ContainerId.TryParse(target, out ContainerId id) && Files.Exists(paths.Container(id))))
            {
                continue;
            }

            _findings.Add(new Finding($"the name '{entry.Name}' points to no container", () =>
            {
                if (Files.TryReadLink(path, out _) == target)
                {
                    Files.TryUnlink(path, out _);
                }
            }));
        }
    }

    private void CheckCgroups()
    {
        CgroupLayout layout = CgroupLayout.Detect();
        var seen = new HashSet<string>();
        foreach (Hierarchy hierarchy in layout.Controllers.Values)
        {
            foreach (DirectoryEntry entry in Directories.List(hierarchy.MountPoint))
            {
                string id = entry.Name.StartsWith(paths.CgroupPrefix, StringComparison.Ordinal) ? entry.Name[paths.CgroupPrefix.Length..] : "";
                if (!ContainerId.TryParse(id, out _) || !seen.Add(id) || IsLive(id) || !Files.Exists($"{hierarchy.MountPoint}/{entry.Name}"))
                {
                    continue;
                }

                Cgroup cgroup = Cgroup.Open(layout, $"/{entry.Name}");
                _findings.Add(new Finding($"the cgroup {cgroup.Path} belongs to no running container", () =>
                {
                    if (!IsLive(id))
                    {
                        cgroup.Kill();
                        cgroup.TryRemove();
                    }
                }));
            }
        }
    }

    /// <summary>It runs, or somebody holds its lock to start, end or remove it.</summary>
    private bool IsLive(string name)
    {
        if (!ContainerId.TryParse(name, out ContainerId id) || !Files.Exists(paths.Container(id)))
        {
            return false;
        }

        try
        {
            using FileLock? guard = FileLock.TryTakeDirectory(paths.Container(id), wait: false);
            return guard is null || _store.LoadState(id).IsAlive;
        }
        catch (Exception e) when (e is Failure or SyscallException { Errno: Errno.ENOENT })
        {
            return false;
        }
    }

    private void CheckRunDirectories()
    {
        foreach (DirectoryEntry entry in Directories.List(paths.Run + "/containers"))
        {
            string directory = $"{paths.Run}/containers/{entry.Name}";
            bool isLive = Directories.List(paths.Containers).Any(container => container.Name.StartsWith(entry.Name, StringComparison.Ordinal) && IsLive(container.Name));
            if (!isLive && Files.Exists(directory))
            {
                _findings.Add(new Finding($"{directory} belongs to no running container", () => Directories.RemoveTree(directory)));
            }
        }
    }

    private void CheckStore()
    {
        CheckLeftovers(paths.Trash, "deleted thing", _ => true);
        foreach (string directory in (ReadOnlySpan<string>)[paths.Names, paths.Networks, paths.Networks + "/attachments", paths.Filters])
        {
            CheckLeftovers(directory, "unfinished file", IsUnfinished);
        }

        CheckLeftovers(paths.Disks, "unfinished disk", IsUnfinished);
        CheckLeftovers(paths.Disks + "/.templates", "unfinished disk", IsUnfinished);
        CheckVolumes();
        IReadOnlyList<Finding> images = new ImageCheck(paths, readsAll).Run();
        _findings.AddRange(images);
        try
        {
            var leftovers = new ImageLeftovers(ImageStore.Open(paths));
            foreach (string leftover in leftovers.All())
            {
                AddLeftover(leftover, "part of an image", leftovers.Remove);
            }

            _findings.AddRange(new ImageMounts(paths).Check(ImageStore.Open(paths)));
        }
        catch (Failure e) when (images.Count == 0)
        {
            _findings.Add(new Finding($"an image is damaged: {e.Message}", null));
        }
        catch (Failure)
        {
            // Found already; what it hides is found when it is put right.
        }
    }

    private void CheckVolumes()
    {
        var volumes = new VolumeStore(paths);
        var mounts = new VolumeMounts(paths);
        CheckLeftovers(paths.Volumes, "unfinished volume", IsUnfinished);
        foreach (DirectoryEntry entry in Directories.List(paths.Volumes).Where(entry => !entry.Name.StartsWith('.')))
        {
            CheckLeftovers(volumes.DirectoryOf(entry.Name), "unfinished copy", IsUnfinished);
            if (mounts.IsLeftOver(entry.Name))
            {
                _findings.Add(new Finding($"volume {entry.Name} is mounted, but no container runs that has it", () => mounts.Release([entry.Name])));
            }

            try
            {
                volumes.TryFind(entry.Name);
            }
            catch (Failure e)
            {
                _findings.Add(new Finding(e.Message, () => volumes.MendRecord(entry.Name)));
            }
        }
    }

    private void CheckLeftovers(string directory, string what, Predicate<string> isOne)
    {
        foreach (DirectoryEntry entry in Directories.List(directory))
        {
            if (isOne(entry.Name))
            {
                AddLeftover($"{directory}/{entry.Name}", what, Directories.RemoveTree);
            }
        }
    }

    private void AddLeftover(string path, string what, Action<string> remove)
    {
        if (InProgress.IsAbandoned(path))
        {
            _findings.Add(new Finding($"{path}: {what} that an interrupted command left", () => remove(path)));
        }
    }

    private static bool IsUnfinished(string name) => name.EndsWith(".tmp", StringComparison.Ordinal);
}
