using Timur.Images;
using Timur.Kernel;
using Timur.State;
using Timur.Storage;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>One kind of thing that the store keeps.</summary>
/// <param name="Size">Bytes on the disk, as du(1) counts them.</param>
/// <param name="Reclaimable">What of them nobody needs at present.</param>
public sealed record UsageRow(string Type, int Total, int Active, long Size, long Reclaimable);

/// <summary>What the store occupies, kind by kind: all rows together are the store's directory.</summary>
public sealed class StoreUsage(DataPaths paths)
{
    private readonly ImageStore _images = ImageStore.Open(paths);

    public IReadOnlyList<UsageRow> Rows()
    {
        List<Container> containers = new ContainerStore(paths).List();
        var rows = new List<UsageRow> { Images(containers), Containers(containers), Volumes(), Disks(containers), Cache() };

        // Names, networks and the directories themselves.
        long other = Directories.Usage(paths.Root) - rows.Sum(row => row.Size);
        rows.Add(new UsageRow("Other", 0, 0, other, 0));
        return rows;
    }

    /// <summary>Each image with what it shares with others and what it has alone.</summary>
    public IEnumerable<TemplateObject> ImageRows(DateTimeOffset now)
    {
        var use = new ImageUse(new ContainerStore(paths), _images);
        List<Image> all = [.. _images.All()];
        foreach ((ImageName? name, Image image) in _images.List())
        {
            HashSet<string> others = [.. all.Where(other => other.Id != image.Id).SelectMany(_images.PathsOf)];
            long size = Directories.Usage(_images.PathsOf(image));
            long shared = Directories.Usage(_images.PathsOf(image).Where(others.Contains));
            yield return ImageView.Row(_images, name, image, truncate: true, now, use.CountOf)
                .Add("TotalSize", Text(size)).Add("SharedSize", Text(shared)).Add("UniqueSize", Text(size - shared));
        }
    }

    /// <summary>Each container with what it has written.</summary>
    public IEnumerable<TemplateObject> ContainerRows(DateTimeOffset now)
    {
        var store = new ContainerStore(paths);
        return store.List().Select(container => ContainerView.Row(paths, container, truncate: true, now)
            .Add("Size", Text(Directories.Usage(paths.Container(container.Id))))
            .Add("LocalVolumes", VolumeUse.NamesOf(paths, container).Count().ToString()));
    }

    /// <summary>A size for people.</summary>
    public static string Text(long bytes) => new ByteSize(bytes).ToDecimalString();

    private UsageRow Images(List<Container> containers)
    {
        HashSet<string> usedIds = [.. containers.Select(container => container.Record.ImageId)];
        List<Image> all = [.. _images.All()];
        HashSet<string> needed = [.. all.Where(image => usedIds.Contains(image.Id)).SelectMany(_images.PathsOf)];

        // A layer that was made anew for a stack shares its files with the plain one: what goes is what isn't needed under any name.
        long reclaimable = Directories.Usage(needed.Concat(all.SelectMany(_images.PathsOf)).Distinct()) - Directories.Usage(needed);
        return new UsageRow("Images", all.Count, all.Count(image => usedIds.Contains(image.Id)), Directories.Usage(paths.Images) - new ImageLeftovers(_images).Unfinished().Sum(Directories.Usage), reclaimable);
    }

    private UsageRow Containers(List<Container> containers)
    {
        long Size(Container container) => Directories.Usage(paths.Container(container.Id)) - Directories.Usage(OwnDisk(container));
        return new UsageRow(
            "Containers", containers.Count, containers.Count(container => container.State.IsAlive), Directories.Usage(paths.Containers) - containers.Sum(container => Directories.Usage(OwnDisk(container))),
            containers.Where(container => !container.State.IsAlive).Sum(Size));
    }

    private UsageRow Volumes()
    {
        var store = new VolumeStore(paths);
        var use = new VolumeUse(paths);
        IReadOnlyList<VolumeRecord> all = store.List();
        List<VolumeRecord> unused = [.. all.Where(volume => !use.UsersOf(volume.Name).Any())];
        return new UsageRow("Local Volumes", all.Count, all.Count - unused.Count, Directories.Usage(paths.Volumes), unused.Sum(volume => Directories.Usage(store.DirectoryOf(volume.Name))));
    }

    private UsageRow Disks(List<Container> containers)
    {
        IReadOnlyList<Disk> all = new DiskStore(paths).List();
        HashSet<string> active = [.. containers.Where(container => container.State.IsAlive).Select(DiskOf)];
        HashSet<string> owned = [.. containers.Select(DiskOf)];
        long own = containers.Sum(container => Directories.Usage(OwnDisk(container)));
        return new UsageRow("Disks", all.Count, all.Count(disk => active.Contains(disk.Path)), Directories.Usage(paths.Disks) + own, all.Where(disk => !owned.Contains(disk.Path)).Sum(disk => Directories.Usage(disk.Path)));
    }

    private UsageRow Cache()
    {
        long size = Directories.Usage(paths.Filters) + Directories.Usage(paths.Trash) + new ImageLeftovers(_images).Unfinished().Sum(Directories.Usage);
        return new UsageRow("Cache", 0, 0, size, size);
    }

    private string OwnDisk(Container container) => $"{paths.Container(container.Id)}/disk.img";

    private string DiskOf(Container container)
        => container.Options.Text("disk") is { } disk && RootChoice.ParseDisk(disk).Name is { } name ? new DiskStore(paths).PathOf(name) : OwnDisk(container);
}
