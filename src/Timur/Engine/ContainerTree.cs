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
    private readonly FileLock? _guard;
    private readonly RootPlan? _plan;

    /// <param name="tree">A handle of the root (O_PATH); a detached tree lasts as long as it.</param>
    private ContainerTree(Container container, Fd tree, FileLock? guard, RootPlan? plan)
    {
        (_tree, _guard, _plan) = (tree, guard, plan);
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
        => TryOpenRunning(container, process => DetachedTrees.RootOf(process)) ?? OpenStopped(store, images, container, []);

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

    /// <summary>Owner and group as the container sees them.</summary>
    internal FileStatus Inside(FileStatus status)
        => Maps is null ? status : status with { UserId = IdMaps.ToInside(Maps.Users, status.UserId), GroupId = IdMaps.ToInside(Maps.Groups, status.GroupId) };

    private static ContainerTree? TryOpenRunning(Container container, Func<Fd, Fd> open)
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
            return new ContainerTree(container, root, null, null);
        }

        root.Dispose();
        throw new Failure($"container {container.Name} has just ended", "try again");
    }

    /// <param name="volumes">Host directories and where they are to be seen.</param>
    private static ContainerTree OpenStopped(ContainerStore store, ImageStore images, Container container, IReadOnlyList<(string Source, string Destination)> volumes)
    {
        FileLock guard = store.Lock(container.Id);
        RootPlan? plan = null;
        try
        {
            if (store.LoadState(container.Id).IsAlive)
            {
                throw new Failure($"container {container.Name} has just been started", "try again");
            }

            RunOptions options = container.Options;
            Image? image = options.Image is null ? null : images.Resolve(container.Record.ImageId.Trim('0').Length == 0 ? "host" : container.Record.ImageId);
            Directories.Create(store.Paths.Stage, 0x1C0);
            plan = RootChoice.Plan(options, image, store.Paths.Container(container.Id), store.Paths, IdMaps.Of(options, container.Id));
            RootPlan made = plan;
            IReadOnlyList<(Slot, Fd)> slots = plan.Detached is { } detached ? [(Slot.Disk, detached)] : [];
            Fd root = DetachedTrees.Build(plan.Root, slots, program => Compile(program, made, volumes));
            return new ContainerTree(container, root, guard, plan);
        }
        catch
        {
            plan?.Dispose();
            guard.Dispose();
            throw;
        }
    }

    private static void Compile(LaunchProgram program, RootPlan plan, IReadOnlyList<(string Source, string Destination)> volumes)
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
        foreach ((string source, string destination) in volumes)
        {
            MountHandle tree = program.CloneHostTree(source, recursive: true, new MountChange(MountAttributes.None));
            program.Attach(tree, destination, Files.TryStatus(source, out _, follow: true) is { Kind: FileKind.Directory }
                ? program.OpenOrMakeDirectory(root, destination) : program.OpenOrMakeFile(root, destination));
        }
    }
}
