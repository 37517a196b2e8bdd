using Timur.Images;

namespace Timur.Engine;

/// <summary>Who needs an image: containers that were made of it, manifest lists, those who look at its files.</summary>
public sealed class ImageUse
{
    private readonly ManifestLists _lists;
    private readonly ILookup<string, Container> _containers;
    private readonly ImageMounts _mounts;

    public ImageUse(ContainerStore containers, ImageStore images)
        : this(containers.List(), images)
    {
    }

    internal ImageUse(List<Container> containers, ImageStore images)
    {
        _lists = new ManifestLists(images);
        _mounts = new ImageMounts(images.Paths);
        _containers = containers.ToLookup(container => container.Record.ImageId);
    }

    /// <summary>A container of it, running ones first; null when there is none.</summary>
    public Container? ContainerOf(string imageId) => _containers[imageId].OrderByDescending(container => container.State.IsAlive).FirstOrDefault();

    public int CountOf(string imageId) => _containers[imageId].Count();

    /// <summary>Somebody needs it.</summary>
    public bool IsUsed(string imageId) => _containers.Contains(imageId) || _lists.UserOf(imageId) is not null || _mounts.IsMounted(imageId);

    /// <summary>Why it can't be removed, and what to do; null when nothing stands against it.</summary>
    public Failure? Objection(Image image, string reference)
    {
        const int inUse = 2;
        if (ContainerOf(image.Id) is { } container)
        {
            string how = container.State.IsAlive ? "running container" : "container";
            return new Failure($"image {reference} is used by {how} {container.Name}", $"remove that first: timur rm {(container.State.IsAlive ? "-f " : "")}{container.Name}", inUse);
        }

        if (_mounts.IsMounted(image.Id))
        {
            return new Failure($"image {reference} is mounted", $"unmount it first: timur image unmount {reference}", inUse);
        }

        return _lists.UserOf(image.Id) is { } list
            ? new Failure($"image {reference} is part of the manifest list {list.Familiar}", $"remove that first: timur manifest rm {list.Familiar}", inUse) : null;
    }
}
