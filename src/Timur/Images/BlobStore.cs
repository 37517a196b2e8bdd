using Timur.Digests;
using Timur.Images.Registry;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// What came from registries, as it came: <c>blobs/ALGORITHM-HEX</c> are compressed layers, <c>manifests/IMAGEID.json</c> the manifest that an image was described
/// by. An image with a manifest has all its blobs. A download that isn't finished is <c>blobs/.ALGORITHM-HEX.part</c>.
/// </summary>
internal sealed class BlobStore(DataPaths paths)
{
    internal string Blobs { get; } = paths.Images + "/blobs";

    internal string Manifests { get; } = paths.Images + "/manifests";

    internal string PathOf(Digest digest) => $"{Blobs}/{digest.FileName}";

    internal string PartOf(Digest digest) => $"{Blobs}/.{digest.FileName}.part";

    /// <summary>The manifest that came with an image, or null for one that was made here.</summary>
    internal Manifest? ManifestOf(string imageId)
        => Files.TryReadAll($"{Manifests}/{imageId}.json", out _) is { } bytes
            ? Manifest.Read(bytes, Manifest.TypeOf(bytes, "", $"manifest of {imageId[..12]}"), $"manifest of {imageId[..12]}") : null;

    internal void Add(string imageId, ReadOnlySpan<byte> manifest)
    {
        Directories.Create(Manifests);
        AtomicFile.Write($"{Manifests}/{imageId}.json", manifest, 0x1A4);
    }

    /// <summary>Removes an image's manifest and the blobs that no other image has.</summary>
    internal void Remove(string imageId)
    {
        if (ManifestOf(imageId) is not { } manifest)
        {
            return;
        }

        Files.TryUnlink($"{Manifests}/{imageId}.json", out _);
        HashSet<string> used = Used();
        foreach (Descriptor layer in manifest.Layers)
        {
            if (!used.Contains(layer.Digest.FileName) && !InProgress.IsHeld(PathOf(layer.Digest)))
            {
                Files.TryUnlink(PathOf(layer.Digest), out _);
            }
        }
    }

    /// <summary>Blobs that no manifest names, manifests whose image is gone, and downloads that were interrupted.</summary>
    internal IEnumerable<string> Leftovers(string configs)
    {
        HashSet<string> used = Used();
        return Directories.List(Blobs).Where(entry => !used.Contains(entry.Name)).Select(entry => $"{Blobs}/{entry.Name}")
            .Concat(Directories.List(Manifests).Where(entry => !Files.Exists($"{configs}/{entry.Name}")).Select(entry => $"{Manifests}/{entry.Name}"));
    }

    private HashSet<string> Used()
    {
        var used = new HashSet<string>();
        foreach (DirectoryEntry entry in Directories.List(Manifests))
        {
            if (!entry.Name.StartsWith('.') && ManifestOf(Path.GetFileNameWithoutExtension(entry.Name)) is { } manifest)
            {
                used.UnionWith(manifest.Layers.Select(layer => layer.Digest.FileName));
            }
        }

        return used;
    }
}
