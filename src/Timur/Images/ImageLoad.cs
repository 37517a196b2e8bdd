using Timur.Digests;
using Timur.Images.Registry;
using Timur.Oci;

namespace Timur.Images;

/// <summary>An image that a load brought.</summary>
/// <param name="Names">Names that it got.</param>
public sealed record LoadedImage(Image Image, IReadOnlyList<ImageName> Names);

/// <summary>
/// Takes saved images in: an OCI layout (image-spec image-layout.md) as a directory or archive, or Docker's archive (<c>manifest.json</c>), compressed or not. Each
/// image appears whole or not at all.
/// </summary>
public sealed class ImageLoad(ImageStore store, ITransferProgress progress, Platform? platform = null)
{
    /// <summary>Full names, as containerd and Docker write them beside the layout's own, which are often tags only.</summary>
    private const string FullName = "io.containerd.image.name";
    private const string RefName = "org.opencontainers.image.ref.name";
    private const int DeepestIndex = 4;

    /// <summary>From an archive; it is read to its end.</summary>
    /// <param name="what">How messages call it.</param>
    public IReadOnlyList<LoadedImage> Load(Stream archive, string what, CancellationToken cancel = default)
    {
        using ArchiveFiles files = ArchiveFiles.OfArchive(store, archive, cancel);
        return Load(files, what, cancel);
    }

    /// <summary>From a directory in OCI layout.</summary>
    public IReadOnlyList<LoadedImage> LoadDirectory(string path, CancellationToken cancel = default)
    {
        using ArchiveFiles files = ArchiveFiles.OfDirectory(path);
        return Load(files, path, cancel);
    }

    private List<LoadedImage> Load(ArchiveFiles files, string what, CancellationToken cancel)
    {
        try
        {
            return LoadKind(files, what, cancel);
        }
        finally
        {
            store.Settling.FinishInBackground();
        }
    }

    private List<LoadedImage> LoadKind(ArchiveFiles files, string what, CancellationToken cancel)
    {
        if (files.Has("oci-layout") && files.Has("index.json"))
        {
            return LoadLayout(files, what, cancel);
        }

        return files.Has("manifest.json") ? LoadDocker(files, what, cancel)
            : throw new Failure(
                $"{what} isn't a saved image: it has neither index.json with oci-layout nor manifest.json", "timur load takes what timur save, docker save and podman save write; for a plain tree use timur import");
    }

    private List<LoadedImage> LoadLayout(ArchiveFiles files, string what, CancellationToken cancel)
    {
        JsonPart index = JsonPart.Parse(files.ReadDocument("index.json", what), $"{what}: index.json");
        var loaded = new List<LoadedImage>();
        foreach ((Descriptor descriptor, ImageName? name) in index.List("manifests", Entry))
        {
            if (Find(files, descriptor, what) is not { } manifest)
            {
                continue;
            }

            byte[] config = Document(files, manifest.Config, what);
            List<Digest> diffIds = DiffIds(config, manifest.Layers.Count, what);
            var held = new List<HeldLayer>();
            try
            {
                var layers = new LayerLoad(store, files, progress, cancel);
                held.AddRange(manifest.Layers.Zip(diffIds).DistinctBy(pair => pair).Select(pair => layers.Load(pair.First, pair.Second, what)));
                Add(loaded, config, manifest.Bytes, name is { } known ? [known] : []);
            }
            finally
            {
                held.ForEach(layer => layer.Dispose());
            }
        }

        return loaded.Count > 0 ? loaded : throw new Failure($"{what} holds no image", "save one into it first");
    }

    /// <summary>The manifest behind an entry; null for what isn't a container image, such as an attestation or a signature.</summary>
    private Manifest? Find(ArchiveFiles files, Descriptor descriptor, string what)
    {
        for (int depth = 0; MediaTypes.IsIndex(descriptor.MediaType); depth++)
        {
            if (depth == DeepestIndex)
            {
                throw new Failure($"{what} is an index of indexes of indexes", "the image is wrong: ask whoever made it");
            }

            ImageIndex index = ImageIndex.Read(Document(files, descriptor, what), what);

            // An index names every platform, but often only one was saved.
            var here = new ImageIndex([.. index.Entries.Where(entry => files.Has(PathOf(entry.Descriptor.Digest)))]);
            descriptor = here.Choose(platform ?? Platform.Own, what);
        }

        if (!MediaTypes.IsManifest(descriptor.MediaType))
        {
            return null;
        }

        byte[] bytes = Document(files, descriptor, what);
        string type = Manifest.TypeOf(bytes, descriptor.MediaType, what);
        JsonPart? config = JsonPart.Parse(bytes, what).Find("config");
        return config?.Text("mediaType") is { } kind && MediaTypes.IsConfig(kind) ? Manifest.Read(bytes, type, what) : null;
    }

    private List<LoadedImage> LoadDocker(ArchiveFiles files, string what, CancellationToken cancel)
    {
        var loaded = new List<LoadedImage>();
        foreach ((string configName, IReadOnlyList<string> tags, IReadOnlyList<string> layerNames) in DockerEntries(files, what))
        {
            byte[] config = files.ReadDocument(configName, what);
            List<Digest> diffIds = DiffIds(config, layerNames.Count, what);
            List<ImageName> names = [.. tags.Select(ImageName.Parse)];
            string id = Digest.Of(config).Hex;
            if (store.Blobs.ManifestOf(id) is not null && store.TryResolve("sha256:" + id) is { } present && present.LayerDirectories.All(Kernel.Files.Exists))
            {
                names.ForEach(name => store.Tag(present, name));
                loaded.Add(new LoadedImage(present, names));
                continue;
            }

            var held = new List<HeldLayer>();
            try
            {
                var layers = new LayerLoad(store, files, progress, cancel);
                var blobs = new List<Descriptor>();
                for (int i = 0; i < diffIds.Count; i++)
                {
                    held.Add(layers.Load(layerNames[i], diffIds[i], what, out Descriptor blob));
                    blobs.Add(blob);
                }

                Add(loaded, config, ManifestJson.Write(new Descriptor(MediaTypes.OciConfig, Digest.Of(config), config.Length), blobs), names);
            }
            finally
            {
                held.ForEach(layer => layer.Dispose());
            }
        }

        return loaded;
    }

    private static IReadOnlyList<(string Config, IReadOnlyList<string> Tags, IReadOnlyList<string> Layers)> DockerEntries(ArchiveFiles files, string what)
    {
        // The document is a list, which a member of an object can hold.
        byte[] document = [.. "{\"images\":"u8, .. files.ReadDocument("manifest.json", what), (byte)'}'];
        JsonPart json = JsonPart.Parse(document, $"{what}: manifest.json");
        return json.List("images", entry => (entry.RequireText("Config"), entry.Texts("RepoTags"), entry.Texts("Layers")));
    }

    private void Add(List<LoadedImage> loaded, byte[] config, ReadOnlyMemory<byte> manifest, List<ImageName> names)
    {
        // The image's blobs are there before anything says so, and the configuration makes it an image.
        store.Blobs.Add(Digest.Of(config).Hex, manifest.Span);
        Image image = store.Add(config, null);
        names.ForEach(name => store.Tag(image, name));
        int known = loaded.FindIndex(one => one.Image.Id == image.Id);
        if (known >= 0)
        {
            loaded[known] = loaded[known] with { Names = [.. loaded[known].Names.Union(names)] };
            return;
        }

        loaded.Add(new LoadedImage(image, names));
    }

    private static List<Digest> DiffIds(byte[] config, int layers, string what)
    {
        List<Digest> diffIds = [.. ImageConfigJson.Read(config, $"{what}: the configuration").DiffIds.Select(text => Digest.Parse(text, $"{what}: the configuration"))];
        return diffIds.Count == layers && diffIds.TrueForAll(diffId => diffId.Algorithm == "sha256") ? diffIds
            : throw new Failure($"{what} has an image of {layers} layers whose configuration names {diffIds.Count}", "the image is wrong: ask whoever made it");
    }

    private static byte[] Document(ArchiveFiles files, Descriptor descriptor, string what)
    {
        byte[] bytes = files.ReadDocument(PathOf(descriptor.Digest), what);
        return bytes.Length == descriptor.Size && descriptor.Digest.Matches(bytes) ? bytes
            : throw new Failure($"{what}: the archive holds something else than {descriptor.Digest}", "it was damaged on its way: get it again");
    }

    private static string PathOf(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    private static (Descriptor Descriptor, ImageName? Name) Entry(JsonPart entry)
    {
        IReadOnlyDictionary<string, string> notes = entry.TextMap("annotations");
        string? text = notes.GetValueOrDefault(FullName) ?? notes.GetValueOrDefault(RefName);
        try
        {
            return (Descriptor.Read(entry), text is null ? null : ImageName.Parse(text));
        }
        catch (Failure) when (text is not null && !notes.ContainsKey(FullName))
        {
            // A reference of the layout need not be an image's name.
            return (Descriptor.Read(entry), null);
        }
    }
}
