using System.Text;
using Timur.Images;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>What happened to a file: A is new, C is other than in the image, D is gone.</summary>
public readonly record struct Change(char Kind, string Path);

/// <summary>What a container has changed of its image: its upper directory, wherever it lies.</summary>
public sealed class ContainerChanges : IDisposable
{
    private readonly IReadOnlyList<string> _layers;
    private readonly IdMaps? _maps;
    private readonly string _empty;
    private readonly List<Fd> _held = [];

    private ContainerChanges(IReadOnlyList<string> layers, IdMaps? maps, string empty) => (_layers, _maps, _empty) = (layers, maps, empty);

    /// <summary>The upper directory of an overlay over the image's layers.</summary>
    public Fd Upper { get; private set; } = null!;

    /// <summary>Opens it; a container without one is a <see cref="Failure"/>.</summary>
    public static ContainerChanges Open(ContainerStore store, ImageStore images, Container container)
    {
        if (container.Options.Text("rootfs") is { } root)
        {
            throw new Failure($"container {container.Name} has no image: its root is {root}", "timur import makes an image of a directory: tar -C DIR -c . | timur import - NAME");
        }

        Image image = images.Resolve(container.Record.ImageId.Trim('0').Length == 0 ? "host" : container.Record.ImageId);
        DataPaths paths = store.Paths;
        Directories.TryCreate(paths.Stage, out _, 0x1C0);
        var changes = new ContainerChanges(image.LayerDirectories, IdMaps.Of(container.Options, container.Id), paths.Stage);
        try
        {
            changes.OpenUpper(container, paths);
            return changes;
        }
        catch
        {
            changes.Dispose();
            throw;
        }
    }

    /// <summary>What an image's topmost layer changes of those below it.</summary>
    public static ContainerChanges OfImage(DataPaths paths, Image image)
    {
        if (image.IsHost || image.LayerDirectories.Count == 0)
        {
            throw new Failure($"the image {image.Reference} has no layer", "timur history shows how it was made");
        }

        Directories.TryCreate(paths.Stage, out _, 0x1C0);
        string top = image.LayerDirectories[^1];

        // An empty layer may be there twice: what is above it is compared with what is below it.
        string[] below = [.. image.LayerDirectories.SkipLast(1).Where(layer => layer != top)];
        return new ContainerChanges(below.Length == 0 ? [paths.Stage] : below, null, paths.Stage) { Upper = Files.Open(top, Kernel.Open.Read | Kernel.Open.Directory) };
    }

    /// <summary>As the container sees a file's owner; null when that is how it is.</summary>
    public Func<FileStatus, FileStatus>? Adjust => _maps is null ? null : status => status with
    {
        UserId = Inside(_maps.Users, status.UserId), GroupId = Inside(_maps.Groups, status.GroupId),
    };

    /// <summary>Every change, in the order of paths; a directory above one is changed, too.</summary>
    public IReadOnlyList<Change> List()
    {
        using Fd lower = LayerTree.Open(_layers, _empty);
        var changes = new List<Change>();
        TreeReader.Walk(Upper, entry =>
        {
            if (entry.Path.Length > 0)
            {
                Add(changes, Upper, lower, entry);
            }
        });
        changes.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path));
        return changes;
    }

    public void Dispose()
    {
        Upper?.Dispose();
        _held.ForEach(fd => fd.Dispose());
    }

    private void OpenUpper(Container container, DataPaths paths)
    {
        string directory = paths.Container(container.Id);
        if (container.Options.Text("disk") is not { } disk)
        {
            Upper = Files.Open($"{directory}/upper", Kernel.Open.Read | Kernel.Open.Directory);
            return;
        }

        if (container.State.IsAlive)
        {
            throw new Failure($"container {container.Name} runs on a disk image, which can't be read beside it", $"stop it first: timur stop {container.Name}");
        }

        string path = RootChoice.ParseDisk(disk).Name is { } name ? new DiskStore(paths).PathOf(name) : $"{directory}/disk.img";
        (Fd device, Fd mount) = DiskRoot.Open(path, "timur " + container.Id.Short);
        _held.AddRange([mount, device]);
        Upper = Files.TryOpenAt(mount, "upper", Kernel.Open.Read | Kernel.Open.Directory, out Errno why) ?? throw new SyscallException("open", why, path);
    }

    private static void Add(List<Change> changes, Fd upper, Fd lower, TreeEntry entry)
    {
        string path = Encoding.UTF8.GetString(entry.Path);
        bool isInImage = Exists(lower, path);
        if (LayerPacker.IsWhiteout(entry.Status))
        {
            if (isInImage)
            {
                changes.Add(new Change('D', "/" + path));
            }

            return;
        }

        changes.Add(new Change(isInImage ? 'C' : 'A', "/" + path));
        if (isInImage && LayerPacker.IsOpaque(entry))
        {
            changes.AddRange(Hidden(upper, lower, path));
        }
    }

    /// <summary>A directory that was removed and made again hides what the image has in it.</summary>
    private static IEnumerable<Change> Hidden(Fd upper, Fd lower, string path)
        => Names(lower, path).Except(Names(upper, path)).Select(name => new Change('D', $"/{path}/{name}"));

    private static List<string> Names(Fd tree, string path)
    {
        using Fd? directory = Files.TryOpenInRoot(tree, path, Kernel.Open.Read | Kernel.Open.Directory | Kernel.Open.NoFollow, out _);
        return directory is null ? [] : Directories.List(directory).ConvertAll(entry => entry.Name);
    }

    private static bool Exists(Fd lower, string path)
    {
        using Fd? found = Files.TryOpenInRoot(lower, path, Kernel.Open.Path | Kernel.Open.NoFollow, out _);
        return found is not null;
    }

    private static uint Inside(IReadOnlyList<IdRange> ranges, uint id)
    {
        foreach (IdRange range in ranges)
        {
            if (id >= range.Outside && id - range.Outside < range.Count)
            {
                return range.Inside + (id - range.Outside);
            }
        }

        return id;
    }
}
