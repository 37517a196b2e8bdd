using Timur.Images;
using Timur.Kernel;
using Timur.State;

namespace Timur.Engine;

/// <summary>
/// How much images and caches may occupy. Above it goes first what can be made or fetched again at no loss: caches, then what is kept only for a push, then images
/// that nobody uses, the oldest first. Containers, volumes and disks are never touched.
/// </summary>
public sealed class StoreBudget(DataPaths paths)
{
    private readonly ImageStore _images = ImageStore.Open(paths);

    /// <summary>What <c>TIMUR_BUDGET</c> or the file <c>budget</c> in the store says; null when there is none.</summary>
    public static long? Configured(DataPaths paths)
        => (Environment.GetEnvironmentVariable("TIMUR_BUDGET") ?? Files.TryReadText(paths.Root + "/budget", out _))?.Trim() is { Length: > 0 } text ? ByteSize.Parse(text, "the store's budget").Bytes : null;

    /// <summary>Keeps to the configured budget, if there is one; sentences on what went.</summary>
    /// <param name="kept">An image that was fetched just now, and stays.</param>
    public static IReadOnlyList<string> Keep(DataPaths paths, string kept) => Configured(paths) is { } budget ? new StoreBudget(paths).Shrink(budget, kept).Removed : [];

    /// <summary>Removes until no more than that many bytes are left, or nothing that may go.</summary>
    public PrunedThings Shrink(long budget, string? kept = null)
    {
        var removed = new List<string>();
        long before = Occupied();
        if (Occupied() > budget)
        {
            removed.AddRange(StoreCache.Empty(paths));
        }

        if (Occupied() > budget && _images.ForgetSteps() is { Steps: > 0 } forgotten)
        {
            removed.Add($"{forgotten.Steps} steps of builds, {forgotten.Layers} layers that no image has");
        }

        foreach (Image image in Unused(kept).Concat(_images.All()).DistinctBy(image => image.Id).ToList())
        {
            if (Occupied() <= budget)
            {
                break;
            }

            if (_images.DropBlobs(image))
            {
                removed.Add($"compressed layers of {Shown(image)}");
            }
        }

        foreach (Image image in Unused(kept))
        {
            if (Occupied() <= budget)
            {
                break;
            }

            IReadOnlyList<ImageName> names = _images.NamesOf(image.Id);
            if (_images.TryRemove(image, () => new ImageUse(new ContainerStore(paths), _images).IsUsed(image.Id)))
            {
                removed.Add($"image {Shown(image, names)}");
                foreach (ImageName name in names)
                {
                    _images.Untag(name);
                }
            }
        }

        return new PrunedThings(removed, before - Occupied());
    }

    private long Occupied() => Directories.Usage(paths.Images) + Directories.Usage(paths.Filters);

    /// <summary>Images that nobody uses: those without a name first, then the oldest.</summary>
    private List<Image> Unused(string? kept)
    {
        var use = new ImageUse(new ContainerStore(paths), _images);
        return [.. _images.All().Where(image => image.Id != kept && !use.IsUsed(image.Id)).OrderBy(image => _images.NamesOf(image.Id).Count > 0).ThenBy(image => image.Config.Created)];
    }

    private string Shown(Image image, IReadOnlyList<ImageName>? names = null) => (names ?? _images.NamesOf(image.Id)) is [var first, ..] ? first.Familiar : image.Id[..12];
}

/// <summary>What the store keeps only to be faster.</summary>
public static class StoreCache
{
    /// <summary>Deletes compiled filters, broken-off downloads and the trash; what somebody works on stays. Sentences on what went.</summary>
    public static IReadOnlyList<string> Empty(DataPaths paths)
    {
        var removed = new List<string>();
        IEnumerable<string> filters = Directories.List(paths.Filters).Select(entry => $"{paths.Filters}/{entry.Name}");
        IEnumerable<string> trash = Directories.List(paths.Trash).Select(entry => $"{paths.Trash}/{entry.Name}");
        foreach (string path in filters.Concat(trash).Concat(new ImageLeftovers(ImageStore.Open(paths)).Unfinished()))
        {
            if (InProgress.IsAbandoned(path))
            {
                Directories.RemoveTree(path);
                removed.Add(path);
            }
        }

        return removed;
    }

    /// <summary>As <see cref="Empty"/>, with what the disk got back.</summary>
    public static PrunedThings Prune(DataPaths paths)
    {
        long before = Occupied(paths);
        IReadOnlyList<string> removed = Empty(paths);
        return new PrunedThings(removed, before - Occupied(paths));
    }

    private static long Occupied(DataPaths paths) => Directories.Usage(paths.Filters) + Directories.Usage(paths.Trash) + Directories.Usage(paths.Images);
}
