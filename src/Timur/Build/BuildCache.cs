using Timur.Images;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>What builds keep for the next one.</summary>
public static class BuildCache
{
    /// <summary>Forgets all steps, and with <paramref name="mounts"/> what RUN --mount=type=cache keeps and ADD fetched; sentences on what went.</summary>
    /// <param name="before">Only what was made, or written last, before then; null is everything.</param>
    public static IEnumerable<string> Clear(ImageStore images, bool mounts, DateTimeOffset? before = null)
    {
        (int steps, int removed) = images.ForgetSteps(before);
        yield return $"{steps} steps, {removed} layers that no image has";
        if (mounts)
        {
            yield return $"{CacheDirectories.Clear(images, before)} cache mounts";
            yield return $"{KeptDownload.Clear(images, before)} downloads";
        }
    }

    /// <summary>The moment before which has to go what was made or written, so that the rest takes no more than that many bytes; null when nothing has to.</summary>
    public static DateTimeOffset? Beyond(ImageStore images, bool mounts, long bytes)
    {
        IEnumerable<(DateTimeOffset Time, long Size)> kept = Layers(images);
        foreach (string path in mounts ? CacheDirectories.Paths(images).Concat(KeptDownload.Paths(images)) : [])
        {
            kept = Files.TryStatus(path, out _) is { } status ? kept.Append((DateTimeOffset.FromUnixTimeSeconds(status.ModifiedSeconds), Directories.Usage(path))) : kept;
        }

        long total = 0;
        foreach ((DateTimeOffset time, long size) in kept.OrderByDescending(one => one.Time))
        {
            total += size;
            if (total > bytes)
            {
                return time.AddMilliseconds(1);
            }
        }

        return null;
    }

    /// <summary>Layers that steps have and no image, with when they were made last.</summary>
    private static IEnumerable<(DateTimeOffset Time, long Size)> Layers(ImageStore images)
    {
        HashSet<string> named = [.. images.All().SelectMany(images.DirectoriesOf)];
        return images.Cache.All().Where(step => step.DiffId is not null).GroupBy(step => images.DirectoryOf(step.DiffId!)).Where(steps => !named.Contains(steps.Key) && Files.Exists(steps.Key))
            .Select(steps => (steps.Max(step => step.Created), Directories.Usage(steps.Key)));
    }

    /// <summary>Whether a file or directory was written last before then.</summary>
    internal static bool IsOlder(string path, DateTimeOffset? before)
        => before is not { } moment || (Files.TryStatus(path, out _) is { } status && DateTimeOffset.FromUnixTimeSeconds(status.ModifiedSeconds) < moment);
}
