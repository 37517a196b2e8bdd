using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>What interrupted commands left in a store of images, or have on its way.</summary>
public sealed class ImageLeftovers(ImageStore store)
{
    /// <summary>Files and directories on their way: downloads that broke off, layers and archives that are being unpacked.</summary>
    internal IReadOnlyList<string> Unfinished()
        => [.. new[] { store.Layers, store.Blobs.Blobs, store.Paths.Images }.SelectMany(directory => Directories.List(directory).Where(entry => entry.Name.StartsWith('.')).Select(entry => $"{directory}/{entry.Name}"))];

    /// <summary>Removes one of the <see cref="All"/>, and what was recorded of it.</summary>
    public void Remove(string path)
    {
        Directories.RemoveTree(path);
        if (Path.GetDirectoryName(path) == store.Layers)
        {
            store.Stacking.Forget();
        }
    }

    /// <summary>
    /// Paths of what interrupted commands may have left: unfinished files and layers, layers that no image has, names of images that are gone. Some
    /// may still be worked on; see <see cref="InProgress"/>.
    /// </summary>
    public IReadOnlyList<string> All()
    {
        var leftovers = new List<string>();
        List<DirectoryEntry> layers = [.. Directories.List(store.Layers)];
        HashSet<string> used = store.UsedLayers();
        leftovers.AddRange(layers.ConvertAll(entry => $"{store.Layers}/{entry.Name}").FindAll(layer => !used.Contains(layer)));
        foreach (string directory in (ReadOnlySpan<string>)[store.Configs, store.Names])
        {
            foreach (DirectoryEntry entry in Directories.List(directory))
            {
                string path = $"{directory}/{entry.Name}";
                bool isDangling = directory == store.Names && Files.TryReadText(path, out _) is { } id && !Files.Exists($"{store.Configs}/{id}.json");
                if (entry.Name.StartsWith('.') || isDangling)
                {
                    leftovers.Add(path);
                }
            }
        }

        leftovers.AddRange(Directories.List(store.Paths.Images + "/lists").Where(entry => entry.Name.StartsWith('.')).Select(entry => $"{store.Paths.Images}/lists/{entry.Name}"));
        leftovers.AddRange(Directories.List(store.Downloads).Where(entry => entry.Name.StartsWith('.')).Select(entry => $"{store.Downloads}/{entry.Name}"));
        leftovers.AddRange(store.Blobs.Leftovers(store.Configs));
        leftovers.AddRange(store.Cache.Leftovers());
        leftovers.AddRange(store.Annotations.Leftovers(store.Configs));
        leftovers.AddRange(store.RepositoryDigests.Leftovers(store.Configs));
        leftovers.AddRange(store.Stacking.Leftovers());
        leftovers.AddRange(Directories.List(store.Stacks).Where(entry => !Files.Exists($"{store.Configs}/{entry.Name}.json")).Select(entry => $"{store.Stacks}/{entry.Name}"));
        leftovers.AddRange(Directories.List(store.Paths.Images).Where(entry => entry.Name.StartsWith('.')).Select(entry => $"{store.Paths.Images}/{entry.Name}"));
        return leftovers;
    }
}
