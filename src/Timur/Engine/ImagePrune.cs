using Timur.Images;
using Timur.State;

namespace Timur.Engine;

/// <summary>What a prune removed.</summary>
/// <param name="Bytes">What the disk got back.</param>
public sealed record PrunedThings(IReadOnlyList<string> Removed, long Bytes);

/// <summary>Removes images that nobody needs.</summary>
public sealed class ImagePrune(DataPaths paths)
{
    private readonly ImageStore _images = ImageStore.Open(paths);

    /// <summary>Filters that make no sense are a <see cref="Failure"/>.</summary>
    public void Check(IReadOnlyList<string> filters) => _ = new ImageFilter(_images, filters, DateTimeOffset.UtcNow);

    /// <param name="all">Those with a name, too.</param>
    public PrunedThings Run(bool all, IReadOnlyList<string> filters)
    {
        var filter = new ImageFilter(_images, filters, DateTimeOffset.UtcNow);
        var removed = new List<string>();
        long before = _images.Occupied();
        foreach (IGrouping<string, (ImageName? Name, Image Image)> entries in _images.List().GroupBy(entry => entry.Image.Id).ToList())
        {
            Image image = entries.First().Image;
            if ((all || entries.All(entry => entry.Name is null)) && filter.Matches(entries.First().Name, image))
            {
                Remove(image, [.. entries.Where(entry => entry.Name is not null).Select(entry => entry.Name!.Value)], removed);
            }
        }

        return new PrunedThings(removed, before - _images.Occupied());
    }

    private void Remove(Image image, IReadOnlyList<ImageName> names, List<string> removed)
    {
        // Asked again under the image's lock: a container may have been made of it since.
        if (!_images.TryRemove(image, () => new ImageUse(new ContainerStore(paths), _images).IsUsed(image.Id)))
        {
            return;
        }

        foreach (ImageName name in names)
        {
            _images.Untag(name);
            removed.Add($"untagged: {name.Familiar}");
        }

        removed.Add($"deleted: sha256:{image.Id}");
    }
}
