using Timur.Images;

namespace Timur.Build;

/// <summary>What builds keep for the next one.</summary>
public static class BuildCache
{
    /// <summary>Forgets all steps, and with <paramref name="mounts"/> what RUN --mount=type=cache keeps and ADD fetched; sentences on what went.</summary>
    public static IEnumerable<string> Clear(ImageStore images, bool mounts)
    {
        (int steps, int removed) = images.ForgetSteps();
        yield return $"{steps} steps, {removed} layers that no image has";
        if (mounts)
        {
            yield return $"{CacheDirectories.Clear(images)} cache mounts";
            yield return $"{KeptDownload.Clear(images)} downloads";
        }
    }
}
