using Timur.Digests;
using Timur.Images.Registry;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// What came from registries, as it came: <c>blobs/ALGORITHM-HEX</c> are compressed layers, <c>manifests/IMAGEID.json</c> the manifest that an image was described
/// by. An image with a manifest has all its blobs; one that was made here has those of layers that came with another one (<see cref="LayerOrigins"/>). A download that isn't finished is <c>blobs/.ALGORITHM-HEX.part</c>.
/// </summary>
internal sealed class BlobStore(DataPaths paths)
{
    internal string Blobs { get; } = paths.Images + "/blobs";

    internal string Manifests { get; } = paths.Images + "/manifests";

    internal LayerOrigins Origins { get; } = new(paths);

    internal string PathOf(Digest digest) => $"{Blobs}/{digest.FileName}";

    internal string PartOf(Digest digest) => $"{Blobs}/.{digest.FileName}.part";

    /// <summary>Removes what a download that broke off left, unless somebody is going on with it.</summary>
    internal void ForgetPart(Digest digest)
    {
        string path = PartOf(digest);
        using FileLock? free = Files.Exists(path) ? FileLock.OnExisting(path, wait: false) : null;
        if (free is not null)
        {
            Files.TryUnlink(path, out _);
        }
    }

    /// <summary>The manifest that came with an image, or null for one that was made here.</summary>
    internal Manifest? ManifestOf(string imageId)
    {
        string what = $"manifest of {(imageId.Length > 12 ? imageId[..12] : imageId)}";
        return Files.TryReadAll($"{Manifests}/{imageId}.json", out _) is { } bytes ? Manifest.Read(bytes, Manifest.TypeOf(bytes, "", what), what) : null;
    }

    internal void Add(string imageId, ReadOnlySpan<byte> manifest)
    {
        Directories.Create(Manifests);
        AtomicFile.Write($"{Manifests}/{imageId}.json", manifest, 0x1A4);
    }

    /// <summary>The compressed layers that an image has, with what they are unpacked to.</summary>
    internal IReadOnlyList<LayerOrigin> OriginsOf(Image image)
        => ManifestOf(image.Id) is not { } manifest ? Origins.Read(image.Id)
            : manifest.Layers.Count == image.Config.DiffIds.Count ? [.. image.Config.DiffIds.Zip(manifest.Layers, (diffId, blob) => new LayerOrigin(diffId, blob))] : [];

    /// <summary>The same without knowing its layers.</summary>
    internal IEnumerable<Descriptor> BlobsOf(string imageId) => ManifestOf(imageId)?.Layers ?? Origins.Read(imageId).Select(origin => origin.Blob);

    /// <summary>Records how layers of an image came that is made here. Add the locks that keep them to <paramref name="held"/> until its configuration is there.</summary>
    internal void AddOrigins(string imageId, IEnumerable<LayerOrigin> origins, List<FileLock> held)
    {
        var kept = new List<LayerOrigin>();
        foreach (LayerOrigin origin in origins)
        {
            if (UnfinishedLayer.TryHold(PathOf(origin.Blob.Digest)) is { } blob)
            {
                held.Add(blob);
                kept.Add(origin);
            }
        }

        if (kept.Count > 0 && !Files.Exists($"{Manifests}/{imageId}.json"))
        {
            Origins.Write(imageId, kept);
        }
    }

    /// <summary>The blobs of images, by the digest of the plain archive that each is unpacked to; always in the same order.</summary>
    internal ILookup<string, Descriptor> ByDiffId(IEnumerable<Image> images) => images
        .SelectMany(OriginsOf).OrderBy(origin => origin.Blob.Digest.ToString(), StringComparer.Ordinal).ToLookup(origin => origin.DiffId, origin => origin.Blob);

    /// <summary>The first bytes of a blob, which say how it is compressed.</summary>
    internal byte[] Head(Digest digest)
    {
        using var file = new FileStream(PathOf(digest), FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        byte[] head = new byte[4];
        return head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
    }

    /// <summary>Whether a blob has the digest it is named by; all of it is read.</summary>
    internal bool IsWhole(Digest blob)
    {
        using var file = new FileStream(PathOf(blob), FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        using var digested = new DigestedStream(file, blob);
        return digested.Finish() == blob;
    }

    /// <summary>Removes what an image came with: its manifest, and the blobs that no other image has.</summary>
    internal void Remove(string imageId)
    {
        string[] own = [.. BlobsOf(imageId).Select(blob => PathOf(blob.Digest)).Distinct()];
        Files.TryUnlink($"{Manifests}/{imageId}.json", out _);
        Files.TryUnlink(Origins.PathOf(imageId), out _);
        var locked = new List<(string Path, FileLock Lock)>();
        foreach (string path in own)
        {
            if (Files.Exists(path) && FileLock.OnExisting(path, wait: false) is { } free)
            {
                locked.Add((path, free));
            }
        }

        // Asked while nobody can begin to use one of them: see TrashCan.TakeUnused.
        HashSet<string> used = locked.Count == 0 ? [] : Used(Directories.List(Manifests), Directories.List(Origins.Place));
        foreach ((string path, FileLock held) in locked)
        {
            if (!used.Contains(Path.GetFileName(path)))
            {
                Files.TryUnlink(path, out _);
            }

            held.Dispose();
        }
    }

    /// <summary>Blobs that no image has, manifests and origins whose image is gone, and downloads that were interrupted.</summary>
    internal IEnumerable<string> Leftovers(string configs)
    {
        // What only such a manifest names goes together with it; of an image that is just being made the blobs are held.
        ILookup<bool, DirectoryEntry> manifests = Directories.List(Manifests).ToLookup(entry => Files.Exists($"{configs}/{entry.Name}"));
        ILookup<bool, DirectoryEntry> origins = Directories.List(Origins.Place).ToLookup(entry => Files.Exists($"{configs}/{entry.Name}.json"));
        HashSet<string> used = Used(manifests[true], origins[true]);
        return Directories.List(Blobs).Where(entry => !used.Contains(entry.Name)).Select(entry => $"{Blobs}/{entry.Name}")
            .Concat(manifests[false].Select(entry => $"{Manifests}/{entry.Name}")).Concat(origins[false].Select(entry => $"{Origins.Place}/{entry.Name}"));
    }

    private HashSet<string> Used(IEnumerable<DirectoryEntry> manifests, IEnumerable<DirectoryEntry> origins)
    {
        var used = new HashSet<string>();
        foreach (DirectoryEntry entry in manifests)
        {
            if (!entry.Name.StartsWith('.') && ManifestOf(Path.GetFileNameWithoutExtension(entry.Name)) is { } manifest)
            {
                used.UnionWith(manifest.Layers.Select(layer => layer.Digest.FileName));
            }
        }

        used.UnionWith(origins.Where(entry => !entry.Name.StartsWith('.')).SelectMany(entry => Origins.Read(entry.Name)).Select(origin => origin.Blob.Digest.FileName));
        return used;
    }
}
