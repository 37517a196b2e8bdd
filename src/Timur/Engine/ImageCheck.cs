using Timur.Images;
using Timur.Images.Registry;
using Timur.Kernel;
using Timur.State;

namespace Timur.Engine;

/// <summary>
/// Compares what the images' records name with what the disk holds: sizes and presence always, every byte when asked. A layer is mended from its compressed form, a
/// compressed form that is wrong is given up, since a registry has it; only an image that can't be mended is removed, and none that a container needs.
/// </summary>
internal sealed class ImageCheck(DataPaths paths, bool readsAll)
{
    private readonly ImageStore _images = ImageStore.Open(paths);
    private readonly List<Finding> _findings = [];
    private readonly HashSet<string> _wrongBlobs = [];
    private bool _knowsContainers;
    private ImageUse? _use;

    internal IReadOnlyList<Finding> Run()
    {
        if (!CheckDocuments())
        {
            // What is damaged hides what else there is: once it is put right, the next check sees the rest.
            return _findings;
        }

        List<Container> containers = new ContainerStore(paths).ListReadable(out _knowsContainers);
        _use = new ImageUse(containers, _images);
        foreach (Image image in _images.All())
        {
            CheckBlobs(image);
        }

        ILookup<string, Descriptor> blobs = _images.Blobs.ByDiffId(_images.All());
        foreach (Image image in _images.All())
        {
            CheckLayers(image, blobs);
        }

        CheckLists();
        foreach (Container container in containers)
        {
            string id = container.Record.ImageId;
            if (id.Trim('0').Length > 0 && _images.TryResolve("sha256:" + id) is null)
            {
                _findings.Add(new Finding($"container {container.Name} was made of image {Short(id)}, which isn't here", null));
            }
        }

        return _findings;
    }

    /// <summary>Configurations whose bytes aren't those of their name, and manifests that can't be read; false when there are any.</summary>
    private bool CheckDocuments()
    {
        foreach (string path in _images.DamagedConfigs())
        {
            _findings.Add(new Finding($"the configuration of image {Short(Path.GetFileNameWithoutExtension(path))} was altered: the image is lost", () => Discard(path)));
        }

        foreach (DirectoryEntry entry in Directories.List(_images.Blobs.Manifests).Where(entry => !entry.Name.StartsWith('.')))
        {
            string path = $"{_images.Blobs.Manifests}/{entry.Name}";
            string id = Path.GetFileNameWithoutExtension(entry.Name);
            try
            {
                if (_images.Blobs.ManifestOf(id) is { } manifest && !IsConfigOf(manifest, id))
                {
                    _findings.Add(new Finding($"the manifest of image {Short(id)} is another image's", () => Discard(path)));
                }
            }
            catch (Failure e)
            {
                _findings.Add(new Finding($"the manifest of image {Short(id)} is damaged: {e.Message}", () => Discard(path)));
            }
        }

        return _findings.Count == 0;
    }

    private bool IsConfigOf(Manifest manifest, string id) => manifest.Config.Digest.Algorithm == "sha256" ? manifest.Config.Digest.Hex == id
        : Files.TryReadAll($"{_images.Configs}/{id}.json", out _) is not { } config || manifest.Config.Digest.Matches(config);

    private void CheckBlobs(Image image)
    {
        foreach (Descriptor layer in _images.Blobs.BlobsOf(image.Id).DistinctBy(layer => layer.Digest))
        {
            string path = _images.Blobs.PathOf(layer.Digest);
            string? wrong = Files.TryStatus(path, out _) is not { } status ? "is missing"
                : (long)status.Size != layer.Size ? $"has {status.Size} bytes instead of {layer.Size}"
                : readsAll && !_images.Blobs.IsWhole(layer.Digest) ? "was altered" : null;
            if (wrong is not null && _wrongBlobs.Add(path))
            {
                _findings.Add(new Finding($"{path}: a compressed layer of image {image.Id[..12]} {wrong}; a push will pack the layer anew", () => _images.GiveUpBlob(path)));
            }
        }
    }

    /// <param name="blobs">What layers can be unpacked from again, whichever image has it.</param>
    private void CheckLayers(Image image, ILookup<string, Descriptor> blobs)
    {
        bool isWhole = true;
        for (int i = 0; i < image.Config.DiffIds.Count; i++)
        {
            string diffId = image.Config.DiffIds[i];
            string directory = _images.DirectoryOf(diffId);
            Descriptor? blob = blobs[diffId].FirstOrDefault(one => _images.Blobs.PathOf(one.Digest) is var path && !_wrongBlobs.Contains(path) && Files.Exists(path));
            string? wrong = Files.TryStatus(directory, out _) is not { Kind: FileKind.Directory } ? "is missing"
                : readsAll && blob is not null && !LayerMending.IsSame(_images, blob, diffId, directory) ? "was altered" : null;
            isWhole &= wrong is null;
            if (wrong is null || _findings.Exists(finding => finding.Text.StartsWith(directory, StringComparison.Ordinal)))
            {
                continue;
            }

            _findings.Add(blob is not null
                ? new Finding($"{directory}: a layer of image {image.Id[..12]} {wrong}; it is unpacked again", IsInUse(directory) ? null : () => Mend(blob, diffId))
                : new Finding($"{directory}: a layer of image {image.Id[..12]} {wrong}, and there is nothing to make it from: the image is lost", IsNeeded(image) ? null : () => Remove(image)));
        }

        if (isWhole && image.LayerDirectories.FirstOrDefault(directory => !Files.Exists(directory)) is { } missing)
        {
            _findings.Add(new Finding($"{missing}: what image {image.Id[..12]} is stacked of is missing; it is made again", () => _images.Restack(image)));
        }
    }

    /// <summary>The layer, and what was made of it for images in which it needs others below it.</summary>
    private void Mend(Descriptor blob, string diffId)
    {
        LayerMending.Unpack(_images, blob, diffId);
        foreach (Image image in _images.All().Where(image => image.Config.DiffIds.Contains(diffId) && image.Config.DiffIds.All(other => Files.Exists(_images.DirectoryOf(other)))))
        {
            _images.Restack(image);
        }
    }

    private void CheckLists()
    {
        var lists = new ManifestLists(_images);
        foreach (ImageName name in lists.Names())
        {
            foreach (ListedImage listed in lists.Read(name))
            {
                if (_images.TryResolve("sha256:" + listed.ImageId) is null)
                {
                    _findings.Add(new Finding($"the manifest list {name.Familiar} names image {Short(listed.ImageId)}, which isn't here", () => lists.Take(name, listed.ImageId)));
                }
            }
        }
    }

    /// <summary>A container whose record is damaged may need anything.</summary>
    private bool IsNeeded(Image image) => !_knowsContainers || _use!.ContainerOf(image.Id) is not null;

    /// <summary>A running container has the layer under its root.</summary>
    private bool IsInUse(string directory)
        => _images.All().Where(image => _images.DirectoriesOf(image).Contains(directory)).Any(image => _use!.ContainerOf(image.Id) is { State.IsAlive: true });

    private void Remove(Image image)
    {
        if (_images.TryRemove(image, () => new ImageUse(new ContainerStore(paths), _images).ContainerOf(image.Id) is not null))
        {
            foreach (ImageName name in _images.NamesOf(image.Id))
            {
                _images.Untag(name);
            }
        }
    }

    private static string Short(string id) => id.Length > 12 ? id[..12] : id;

    private static void Discard(string path) => Files.TryUnlink(path, out _);
}
