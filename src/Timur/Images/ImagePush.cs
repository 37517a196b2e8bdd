using Timur.Digests;
using Timur.Images.Registry;
using Timur.Images.Registry.Configuration;
using Timur.Kernel;

namespace Timur.Images;

/// <summary>Brings images to registries (OCI distribution-spec, "Push"): layers first, then the configuration, then the manifest that names them.</summary>
public sealed class ImagePush(ImageStore store, RegistrySettings settings, ITransferProgress progress)
{
    private const int BlobsAtOnce = 3;

    /// <summary>What manifests are written in; null leaves each as it came, and those of images made here are OCI's.</summary>
    public ManifestFormat? Format { get; init; }

    /// <summary>The digest of the manifest, which is also what the registry stores it under.</summary>
    public string Push(Image image, ImageName target, CancellationToken cancel = default)
    {
        if (image.IsHost || target.Digest is not null)
        {
            throw new Failure(
                image.IsHost ? "the image 'host' is this machine itself and can't be pushed" : $"{target.Full}: an image is pushed to a tag, not to a digest",
                image.IsHost ? "make an image with timur image bootstrap or timur import" : "for example: timur push IMAGE registry.example/app:1.0");
        }

        using RegistryConnection connection = Connect(target, out ImageName there);
        string digest = PushTo(new Repository(connection, there.Path), image, there.Reference, cancel).Digest.ToString();
        store.RepositoryDigests.Add(image.Id, target.WithDigest(digest));
        return digest;
    }

    /// <summary>Pushes every image of a list, then the index that names them; its digest.</summary>
    public string PushList(IReadOnlyList<ListedImage> images, ImageName target, CancellationToken cancel = default)
    {
        using RegistryConnection connection = Connect(target, out ImageName there);
        var repository = new Repository(connection, there.Path);
        var entries = new List<(Descriptor, ListedImage)>();
        foreach (ListedImage listed in images)
        {
            entries.Add((PushTo(repository, Find(listed), null, cancel), listed));
        }

        string type = Format == ManifestFormat.Docker ? MediaTypes.DockerList : MediaTypes.OciIndex;
        byte[] index = ManifestJson.WriteIndex(entries, type);
        repository.PutManifest(there.Reference, index, type, cancel);
        return Digest.Of(index).ToString();
    }

    /// <summary>The index that <see cref="PushList"/> would push.</summary>
    public static byte[] IndexOf(ImageStore store, IReadOnlyList<ListedImage> images, CancellationToken cancel = default)
    {
        var entries = new List<(Descriptor, ListedImage)>();
        foreach (ListedImage listed in images)
        {
            using PackedImage packed = PackedImage.Of(store, Find(store, listed), cancel);
            entries.Add((DescriptorOf(packed.Manifest), listed));
        }

        return ManifestJson.WriteIndex(entries);
    }

    /// <summary>To where registries.conf says that the name leads.</summary>
    private RegistryConnection Connect(ImageName target, out ImageName there)
    {
        RegistrySource place = RegistriesConfig.Load().Target(target.Full);
        there = new ImageName(place.Name);
        return new RegistryConnection(there.Registry, settings.For(place));
    }

    private Image Find(ListedImage listed) => Find(store, listed);

    private static Image Find(ImageStore store, ListedImage listed)
        => store.TryResolve("sha256:" + listed.ImageId) ?? throw new Failure($"image sha256:{listed.ImageId} for {listed.Platform} isn't here any more", "get it again, or take it out of the list");

    private static Descriptor DescriptorOf(Manifest manifest) => new(manifest.MediaType, Digest.Of(manifest.Bytes.Span), manifest.Bytes.Length);

    /// <param name="tag">Null: the manifest is stored under its digest only.</param>
    private Descriptor PushTo(Repository repository, Image image, string? tag, CancellationToken cancel)
    {
        using PackedImage packed = PackedImage.Of(store, image, cancel, layer => progress.Say($"packing layer {layer}"));
        Manifest manifest = Format is { } format ? ManifestJson.In(format, packed.Manifest) : packed.Manifest;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Transfers.Run([.. manifest.Layers.DistinctBy(layer => layer.Digest)], BlobsAtOnce, stop, layer => PushLayer(repository, layer, packed.PathOf(layer.Digest), stop.Token));
        PushConfig(repository, manifest.Config, packed.Config, cancel);
        Descriptor descriptor = DescriptorOf(manifest);
        new ManifestPush(repository).Push(tag ?? descriptor.Digest.ToString(), manifest.Bytes, manifest.MediaType, cancel);
        return descriptor;
    }

    private void PushLayer(Repository repository, Descriptor layer, string path, CancellationToken cancel)
    {
        string name = layer.Digest.Short;
        progress.Begin(name, layer.Size);
        if (repository.Has(layer.Digest, cancel))
        {
            progress.End(name, "already there");
            return;
        }

        if (!Files.Exists(path))
        {
            throw new Failure($"layer {name} isn't here any more, so it can't be pushed", "get the image again: timur pull");
        }

        var upload = new BlobUpload(
            repository, layer, () => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1), bytes => progress.Advance(name, bytes), cancel);
        progress.End(name, upload.MountOrUpload(Neighbour(repository, layer)) ? "taken from another repository" : "done");
    }

    private static void PushConfig(Repository repository, Descriptor config, byte[] bytes, CancellationToken cancel)
    {
        if (!repository.Has(config.Digest, cancel))
        {
            new BlobUpload(repository, config, () => new MemoryStream(bytes), _ => { }, cancel).MountOrUpload(null);
        }
    }

    /// <summary>Another repository of the same registry that should have the blob, as an image here came from it or went to it.</summary>
    private string? Neighbour(Repository repository, Descriptor layer)
    {
        foreach ((ImageName? name, Image image) in store.List())
        {
            if (name is { } known && known.Registry == repository.Connection.Name && known.Path != repository.Path
                && store.Blobs.ManifestOf(image.Id) is { } manifest && manifest.Layers.Any(one => one.Digest == layer.Digest))
            {
                return known.Path;
            }
        }

        return null;
    }
}
