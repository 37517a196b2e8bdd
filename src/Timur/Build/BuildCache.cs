using Timur.Images;

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

    /// <summary>Whether a file or directory was written last before then.</summary>
    internal static bool IsOlder(string path, DateTimeOffset? before)
        => before is not { } moment || (Kernel.Files.TryStatus(path, out _) is { } status && DateTimeOffset.FromUnixTimeSeconds(status.ModifiedSeconds) < moment);
}
