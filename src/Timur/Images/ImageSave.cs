using System.Text.Json;
using Timur.Digests;
using Timur.Images.Compression;
using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Images;

/// <summary>How a saved image is laid out.</summary>
public enum ArchiveFormat
{
    /// <summary>What <c>docker save</c> wrote since 1.10: manifest.json, a configuration, plain layers.</summary>
    DockerArchive,

    /// <summary>An OCI layout (image-spec image-layout.md) in a tar archive.</summary>
    OciArchive,

    /// <summary>An OCI layout in a directory.</summary>
    OciDirectory,
}

/// <summary>Writes images to archives and directories that others read. The same images give the same bytes.</summary>
public sealed class ImageSave(ImageStore store)
{
    /// <summary>Writes images with the names they are to have there.</summary>
    /// <param name="target">Where an archive goes; it isn't closed.</param>
    public void SaveArchive(IReadOnlyList<(Image Image, IReadOnlyList<ImageName> Names)> images, ArchiveFormat format, Stream target, CancellationToken cancel = default)
    {
        var archive = new TarTarget(target);
        Save(images, format, archive, cancel);
        archive.Finish();
    }

    /// <summary>Writes an OCI layout into a directory that exists and is empty.</summary>
    public void SaveDirectory(IReadOnlyList<(Image Image, IReadOnlyList<ImageName> Names)> images, string directory, CancellationToken cancel = default)
        => Save(images, ArchiveFormat.OciDirectory, new DirectoryTarget(directory), cancel);

    private void Save(IReadOnlyList<(Image Image, IReadOnlyList<ImageName> Names)> images, ArchiveFormat format, IArchiveTarget target, CancellationToken cancel)
    {
        if (images.Any(image => image.Image.IsHost))
        {
            throw new Failure("the image 'host' is this machine itself and can't be saved", "make an image with timur image bootstrap or timur import");
        }

        var packed = new List<PackedImage>();
        try
        {
            packed.AddRange(images.Select(image => PackedImage.Of(store, image.Image, cancel)));
            List<IReadOnlyList<ImageName>> names = [.. images.Select(image => image.Names)];
            if (format == ArchiveFormat.DockerArchive)
            {
                SaveDocker(packed, names, target, cancel);
            }
            else
            {
                SaveLayout(packed, names, target, cancel);
            }
        }
        finally
        {
            packed.ForEach(image => image.Dispose());
        }
    }

    private static void SaveLayout(List<PackedImage> images, List<IReadOnlyList<ImageName>> names, IArchiveTarget target, CancellationToken cancel)
    {
        var written = new HashSet<Digest>();
        foreach (PackedImage image in images)
        {
            foreach (Descriptor layer in image.Manifest.Layers.Where(layer => written.Add(layer.Digest)))
            {
                cancel.ThrowIfCancellationRequested();
                using FileStream blob = Blob(image, layer);
                target.Add(PathOf(layer.Digest), blob.Length, blob);
            }

            foreach ((Digest digest, ReadOnlyMemory<byte> bytes) in ((Digest, ReadOnlyMemory<byte>)[])[(image.Manifest.Config.Digest, image.Config), (Digest.Of(image.Manifest.Bytes.Span), image.Manifest.Bytes)])
            {
                if (written.Add(digest))
                {
                    Add(target, PathOf(digest), bytes.ToArray());
                }
            }
        }

        Add(target, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray());
        Add(target, "index.json", Index(images, names));
    }

    private static byte[] Index(List<PackedImage> images, List<IReadOnlyList<ImageName>> names) => ManifestJson.Written(json =>
    {
        List<ImageName> all = [.. names.SelectMany(of => of)];
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.OciIndex);
        json.WriteStartArray("manifests");
        for (int i = 0; i < images.Count; i++)
        {
            Manifest manifest = images[i].Manifest;
            foreach (ImageName? name in names[i].Count > 0 ? names[i].Select(one => (ImageName?)one) : [null])
            {
                json.WriteStartObject();
                ManifestJson.WriteMembers(json, new Descriptor(manifest.MediaType, Digest.Of(manifest.Bytes.Span), manifest.Bytes.Length));
                if (name is { Digest: null } known)
                {
                    // Tools choose by the layout's own reference, which is the tag as long as that says which.
                    json.WriteStartObject("annotations");
                    json.WriteString("io.containerd.image.name", known.Full);
                    json.WriteString("org.opencontainers.image.ref.name", all.Count(other => other.Tag == known.Tag) == 1 ? known.Tag : known.Full);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    });

    private static void SaveDocker(List<PackedImage> images, List<IReadOnlyList<ImageName>> names, IArchiveTarget target, CancellationToken cancel)
    {
        var written = new HashSet<string>();
        var layersOf = new List<List<string>>();
        foreach (PackedImage image in images)
        {
            var layers = new List<string>();
            foreach ((Descriptor layer, string diffId) in image.Manifest.Layers.Zip(Oci.ImageConfigJson.Read(image.Config, "the configuration").DiffIds))
            {
                string name = $"{diffId[(diffId.IndexOf(':') + 1)..]}.tar";
                layers.Add(name);
                if (written.Add(name))
                {
                    AddPlain(target, name, image, layer, cancel);
                }
            }

            layersOf.Add(layers);
            if (written.Add(ConfigName(image)))
            {
                Add(target, ConfigName(image), image.Config);
            }
        }

        Add(target, "manifest.json", DockerManifest(images, names, layersOf));
    }

    private static byte[] DockerManifest(List<PackedImage> images, List<IReadOnlyList<ImageName>> names, List<List<string>> layers)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartArray();
            for (int i = 0; i < images.Count; i++)
            {
                json.WriteStartObject();
                json.WriteString("Config", ConfigName(images[i]));

                // In full: what a short name stands for differs from program to program.
                WriteTexts(json, "RepoTags", names[i].Where(name => name.Digest is null).Select(name => name.Full));
                WriteTexts(json, "Layers", layers[i]);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return stream.ToArray();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    /// <summary>A layer without compression; an archive says a file's size before its bytes, so it is decompressed once to count.</summary>
    private static void AddPlain(IArchiveTarget target, string name, PackedImage image, Descriptor layer, CancellationToken cancel)
    {
        long size = 0;
        using (FileStream blob = Blob(image, layer))
        using (Stream plain = Decompression.Open(blob))
        {
            byte[] buffer = new byte[128 * 1024];
            int count;
            while ((count = plain.Read(buffer)) > 0)
            {
                cancel.ThrowIfCancellationRequested();
                size += count;
            }
        }

        using FileStream again = Blob(image, layer);
        using Stream content = Decompression.Open(again);
        target.Add(name, size, content);
    }

    private static FileStream Blob(PackedImage image, Descriptor layer)
    {
        string path = image.PathOf(layer.Digest);
        return Files.Exists(path) ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1)
            : throw new Failure($"layer {layer.Digest.Short} isn't here any more, so it can't be saved", "timur system check --repair mends the store");
    }

    private static string ConfigName(PackedImage image) => $"{Digest.Of(image.Config).Hex}.json";

    private static string PathOf(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    private static void Add(IArchiveTarget target, string name, byte[] bytes)
    {
        using var content = new MemoryStream(bytes);
        target.Add(name, bytes.Length, content);
    }

    private interface IArchiveTarget
    {
        void Add(string name, long size, Stream content);
    }

    private sealed class TarTarget(Stream stream) : IArchiveTarget
    {
        private readonly Tar.TarWriter _writer = new(stream);

        public void Add(string name, long size, Stream content) => _writer.WritePlain(name, size, content);

        internal void Finish() => _writer.Finish();
    }

    private sealed class DirectoryTarget(string directory) : IArchiveTarget
    {
        public void Add(string name, long size, Stream content)
        {
            string path = $"{directory}/{name}";
            Directories.Create(Path.GetDirectoryName(path)!);
            using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 128 * 1024);
            content.CopyTo(file);
        }
    }
}
