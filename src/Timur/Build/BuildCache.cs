using Timur.Images;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>What builds keep for the next one.</summary>
public static class BuildCache
{
    /// <summary>Forgets all steps, and with <paramref name="mounts"/> what RUN --mount=type=cache keeps; sentences on what went.</summary>
    public static IEnumerable<string> Clear(ImageStore images, bool mounts)
    {
        string[] layers = [.. images.Cache.DiffIds().Select(images.DirectoryOf).Where(Files.Exists)];
        int steps = images.Cache.Clear();
        int removed = images.DiscardUnused(layers);
        yield return $"{steps} steps, {removed} layers that no image has";
        if (mounts)
        {
            yield return $"{CacheDirectories.Clear(images)} cache mounts";
        }
    }
}
