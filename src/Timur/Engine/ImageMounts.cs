using Timur.Images;
using Timur.Kernel;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>
/// Images whose files are shown in a directory of this machine, for reading: <c>/run/timur/images/ID</c>. The mount itself is the record, so that none outlives a
/// reboot; an image stays as long as it is mounted.
/// </summary>
public sealed class ImageMounts(DataPaths paths)
{
    private string Place { get; } = paths.Run + "/images";

    /// <summary>Ids of images that are mounted, and where.</summary>
    public IReadOnlyList<(string Id, string Directory)> List()
        => [.. Directories.List(Place).Where(entry => IsMounted(entry.Name)).Select(entry => (entry.Name, PathOf(entry.Name))).Order()];

    public bool IsMounted(string imageId) => Files.TryStatus(PathOf(imageId), out _) is { IsMountRoot: true };

    /// <summary>Where it is mounted, from now on if it wasn't.</summary>
    public string Mount(ImageStore images, Image image)
    {
        if (image.IsHost)
        {
            throw new Failure("the image 'host' is this machine itself", "its files are in /");
        }

        string place = PathOf(image.Id);
        using FileLock held = images.TryHold(image) ?? throw new Failure($"image {image.Reference} was removed meanwhile", "get it again");
        Directories.Create(Place, 0x1C0);
        using FileLock alone = FileLock.TryTakeDirectory(Place, wait: true) ?? throw new Failure($"{Place} was removed meanwhile", "try again");
        if (IsMounted(image.Id))
        {
            return place;
        }

        Directories.TryCreate(paths.Stage, out _, 0x1C0);
        Directories.Create(place, 0x1C0);
        try
        {
            using Fd tree = LayerTree.Mountable(image.LayerDirectories.Count == 0 ? [paths.Stage] : image.LayerDirectories, paths.Stage);
            Mounts.Attach(tree, place);
            return place;
        }
        catch
        {
            Directories.TryRemove(place, out _);
            throw;
        }
    }

    /// <summary>One that isn't mounted is no error.</summary>
    /// <param name="force">Also while somebody has files of it open, who keeps them.</param>
    public void Unmount(string imageId, bool force)
    {
        string place = PathOf(imageId);
        if (IsMounted(imageId) && !Mounts.TryUnmount(place, out Errno why, detach: force))
        {
            throw new Failure($"{place} can't be unmounted: {why.Describe()}", why == Errno.EBUSY ? "a program has files of it open: end it, or unmount by force: timur image unmount -f" : null);
        }

        Directories.TryRemove(place, out _);
        Directories.TryRemove(Place, out _);
    }

    /// <summary>Mounts of images that are gone, and directories without a mount.</summary>
    internal IEnumerable<Finding> Check(ImageStore images)
    {
        using FileLock? alone = Files.Exists(Place) ? FileLock.TryTakeDirectory(Place, wait: false) : null;
        foreach (DirectoryEntry entry in alone is null ? [] : Directories.List(Place))
        {
            string place = PathOf(entry.Name);
            bool isMounted = IsMounted(entry.Name);
            if (!isMounted || images.TryResolve("sha256:" + entry.Name) is null)
            {
                yield return new Finding($"{place} {(isMounted ? "shows an image that isn't here any more" : "shows no image")}", () => Unmount(entry.Name, force: true));
            }
        }
    }

    private string PathOf(string imageId) => $"{Place}/{imageId}";
}
