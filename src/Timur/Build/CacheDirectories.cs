using Timur.Images;
using Timur.Kernel;
using Timur.State;

namespace Timur.Build;

/// <summary>Directories of RUN --mount=type=cache: they outlive every build until <c>builder prune</c>.</summary>
internal static class CacheDirectories
{
    private const int MostPrivate = 64;

    /// <summary>The directory for an id, locked as its sharing wants: locked waits for others, private finds another one.</summary>
    internal static (string Directory, FileLock Held, bool IsNew) Take(ImageStore images, string id, string sharing)
    {
        for (int i = 0; i < MostPrivate; i++)
        {
            string place = $"{images.Paths.Images}/mounts/{id}{(i == 0 ? "" : $"-{i}")}";
            Directories.Create(place);
            FileLock? held = FileLock.OnExisting(place, wait: sharing != "private", exclusive: sharing != "shared");
            if (held is not null)
            {
                bool isNew = Directories.TryCreate(place + "/data", out _);
                return (place + "/data", held, isNew);
            }
        }

        throw new Failure($"{MostPrivate} steps use the same private cache at once", "give them ids of their own");
    }

    /// <summary>What is kept.</summary>
    internal static IEnumerable<string> Paths(ImageStore images) => Directories.List(images.Paths.Images + "/mounts").Select(entry => $"{images.Paths.Images}/mounts/{entry.Name}/data");

    /// <summary>Removes those that nobody uses, or used last before then; the count.</summary>
    internal static int Clear(ImageStore images, DateTimeOffset? before)
    {
        int count = 0;
        foreach (string data in Paths(images))
        {
            string place = Path.GetDirectoryName(data)!;
            if (BuildCache.IsOlder(data, before) && !InProgress.IsHeld(place))
            {
                Directories.RemoveTree(place);
                count++;
            }
        }

        return count;
    }
}
