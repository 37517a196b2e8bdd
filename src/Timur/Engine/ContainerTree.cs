using Timur.Images;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>
/// The files of a container from outside, running or not. While it runs it is the container's own root; else the root is mounted where nobody sees it, and the
/// container can't start meanwhile.
/// </summary>
public sealed class ContainerTree : IDisposable
{
    private readonly Fd _tree;
    private readonly DataPaths _paths;
    private readonly FileLock? _guard;
    private readonly RootPlan? _plan;

    /// <param name="tree">A handle of the root (O_PATH); a detached tree lasts as long as it.</param>
    private ContainerTree(DataPaths paths, Container container, Fd tree, FileLock? guard, RootPlan? plan)
    {
        (_paths, _tree, _guard, _plan) = (paths, tree, guard, plan);
        Root = Files.Open(tree.ProcPath, Open.Read | Open.Directory);
        Maps = IdMaps.Of(container.Options, container.Id);
        IsRunning = container.State.IsAlive;
    }

    /// <summary>The root directory; everything in it belongs to the container's processes as much as to us: resolve names by <see cref="Files.TryOpenInRoot"/>.</summary>
    internal Fd Root { get; }

    internal bool IsRunning { get; }

    /// <summary>Ids inside and outside; null when they are the same.</summary>
    internal IdMaps? Maps { get; }

    /// <summary>The root alone, without what is mounted in it: a container's volumes are no part of it.</summary>
    public static ContainerTree OpenRoot(ContainerStore store, ImageStore images, Container container)
        => TryOpenRunning(store.Paths, container, process => DetachedTrees.RootOf(process)) ?? OpenStopped(store, images, container, withVolumes: false);

    /// <summary>The root with the container's volumes and bind mounts in it, as its processes see it.</summary>
    public static ContainerTree OpenWhole(ContainerStore store, ImageStore images, Container container)
        => TryOpenRunning(store.Paths, container, _ => Files.Open($"/proc/{container.State.Pid}/root", Open.Path | Open.Directory)) ?? OpenStopped(store, images, container, withVolumes: true);

    /// <summary>Writes the tree as an archive.</summary>
    public void Export(Stream target)
    {
        var packer = new TreePacker(new TarWriter(target)) { IsInUse = IsRunning, Owner = Inside };
        TreeReader.Walk(Root, packer.Write);
        packer.Finish();
    }

    public void Dispose()
    {
        Root.Dispose();
        _tree.Dispose();
        _plan?.Dispose();
        _guard?.Dispose();
    }

    /// <summary>
    /// A directory of the tree to write into, and whether its ids are those inside. Nobody here has an id that a volume's mapped mount knows, so nothing could be
    /// made in it (mount_setattr(2), EOVERFLOW): it is opened once more through this machine's own mount.
    /// </summary>
    internal (Fd Directory, bool HasIdsInside) Writable(Fd directory)
    {
        FileStatus seen = Files.Status(directory);
        FileStatus root = Files.Status(Root);
        if (Maps is null || (seen.DeviceMajor, seen.DeviceMinor) == (root.DeviceMajor, root.DeviceMinor))
        {
            return (directory, Maps is null);
        }

        using Fd store = Files.Open(_paths.Root, Open.Read | Open.Directory);
        Fd? own = Directories.TryReopenOn(store, directory);
        if (own is not null && Files.Status(own) is var real && real.Inode == seen.Inode && real.UserId != seen.UserId && real.UserId == IdMaps.ToInside(Maps.Users, seen.UserId))
        {
            directory.Dispose();
            return (own, true);
        }

        own?.Dispose();
        return (directory, false);
    }

    /// <summary>Owner and group as the container sees them.</summary>
    internal FileStatus Inside(FileStatus status)
        => Maps is null ? status : status with { UserId = IdMaps.ToInside(Maps.Users, status.UserId), GroupId = IdMaps.ToInside(Maps.Groups, status.GroupId) };

    private static ContainerTree? TryOpenRunning(DataPaths paths, Container container, Func<Fd, Fd> open)
    {
        if (!container.State.IsAlive)
        {
            return null;
        }

        using Fd? process = Processes.TryOpen(container.State.Pid, out _);
        if (process is null || !ContainerState.Lives(container.State.Pid, container.State.PidStart))
        {
            throw new Failure($"container {container.Name} has just ended", "try again");
        }

        Fd root = open(process);
        if (ContainerState.Lives(container.State.Pid, container.State.PidStart))
        {
            return new ContainerTree(paths, container, root, null, null);
        }

        root.Dispose();
        throw new Failure($"container {container.Name} has just ended", "try again");
    }

    private static ContainerTree OpenStopped(ContainerStore store, ImageStore images, Container container, bool withVolumes)
    {
        FileLock guard = store.Lock(container.Id);
        RootPlan? plan = null;
        using var mounted = new UndoList();
        var volumes = new List<(string Source, string Destination, Fd? Mapped)>();
        try
        {
            if (store.LoadState(container.Id).IsAlive)
            {
                throw new Failure($"container {container.Name} has just been started", "try again");
            }

            RunOptions options = container.Options;
            IdMaps? maps = IdMaps.Of(options, container.Id);
            Image? image = options.Image is null ? null : images.Resolve(container.Record.ImageId.Trim('0').Length == 0 ? "host" : container.Record.ImageId);
            Directories.Create(store.Paths.Stage, 0x1C0);
            plan = RootChoice.Plan(options, image, store.Paths.Container(container.Id), store.Paths, maps);
            if (withVolumes)
            {
                AddVolumes(store.Paths, container, image, maps, volumes, mounted);
            }

            RootPlan made = plan;
            List<(Slot, Fd)> slots = plan.Detached is { } detached ? [(Slot.Disk, detached)] : [];
            slots.AddRange(volumes.Select((volume, i) => (Slot.Extra + i, volume.Mapped)).Where(slot => slot.Mapped is not null).Select(slot => (slot.Item1, slot.Mapped!)));
            Fd root = DetachedTrees.Build(plan.Root, slots, program => Compile(program, made, volumes));
            return new ContainerTree(store.Paths, container, root, guard, plan);
        }
        catch
        {
            plan?.Dispose();
            guard.Dispose();
            throw;
        }
        finally
        {
            volumes.ForEach(volume => volume.Mapped?.Dispose());
        }
    }

    /// <summary>The container's volumes, made as at a start, and directories of the host that are there; with a user namespace under its ids.</summary>
    /// <param name="mounted">Unmounts again what was mounted for the tree alone, which keeps it.</param>
    private static void AddVolumes(DataPaths paths, Container container, Image? image, IdMaps? maps, List<(string Source, string Destination, Fd? Mapped)> volumes, UndoList mounted)
    {
        IReadOnlyList<WantedMount> wanted = WantedMount.Of(container.Options, image, container.Id);
        using var undo = new UndoList();
        new VolumeCreation(paths).Ensure(wanted, image, container.Id, undo);
        undo.Keep();
        new VolumeMounts(paths).Hold(WantedMount.VolumesOf(wanted), container.Id, mounted);
        using Fd? space = maps is null ? null : UserNamespaces.Create(maps.Users, maps.Groups);
        var store = new VolumeStore(paths);
        foreach (WantedMount mount in wanted)
        {
            string? bound = mount.Kind == WantedKind.Volume ? VolumeMounts.BoundDirectory(store.Find(mount.Source).Options) : mount.Source;
            bool isVolume = mount.Kind == WantedKind.Volume && bound is null;
            string source = bound ?? store.DataOf(mount.Source);
            if (isVolume || (mount.Kind != WantedKind.Tmpfs && Files.TryStatus(source, out _, follow: true) is not null))
            {
                bool isMapped = space is not null && (isVolume || mount.Options.Contains("idmap"));
                volumes.Add((source, mount.Destination, isMapped ? Mounts.CloneIdMapped(source, space!, recursive: true) : null));
            }
        }
    }

    private static void Compile(LaunchProgram program, RootPlan plan, IReadOnlyList<(string Source, string Destination, Fd? Mapped)> volumes)
    {
        foreach (MountStep step in plan.Steps)
        {
            if (step.Type == "overlay")
            {
                program.MountOverlay(step.Options, step.Target);
                continue;
            }

            MountHandle handle = step.Type switch
            {
                "bind" => program.CloneHostTree(step.Source, recursive: true, new MountChange(step.Attributes)),
                "detached" => new MountHandle(Slot.Disk),
                _ => program.NewFileSystem(step.Type, step.Source, step.Options, step.Attributes),
            };
            program.AttachToHost(handle, step.Target);
        }

        if (volumes.Count == 0)
        {
            return;
        }

        Arg root = program.OpenHostDirectory(plan.Root);
        for (int i = 0; i < volumes.Count; i++)
        {
            (string source, string destination, Fd? mapped) = volumes[i];
            MountHandle tree = mapped is not null ? new MountHandle(Slot.Extra + i) : program.CloneHostTree(source, recursive: true, new MountChange(MountAttributes.None));
            program.Attach(tree, destination, Files.TryStatus(source, out _, follow: true) is { Kind: FileKind.Directory }
                ? program.OpenOrMakeDirectory(root, destination) : program.OpenOrMakeFile(root, destination));
        }
    }
}
