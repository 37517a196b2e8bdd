using System.IO.Compression;
using System.Text.Json;
using Timur.Digests;
using Timur.Images.Registry;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Images;

/// <summary>What a push sends: a manifest, a configuration, and where the layers are.</summary>
internal sealed class PackedImage : IDisposable
{
    private readonly string? _directory;
    private readonly FileLock? _held;
    private readonly Func<Digest, string> _pathOf;

    private PackedImage(Manifest manifest, byte[] config, Func<Digest, string> pathOf, string? directory, FileLock? held)
        => (Manifest, Config, _pathOf, _directory, _held) = (manifest, config, pathOf, directory, held);

    internal Manifest Manifest { get; }

    internal byte[] Config { get; }

    /// <summary>As the image came from a registry, or packed now: the same image always in the same way.</summary>
    internal static PackedImage Of(ImageStore store, Image image, CancellationToken cancel)
        => store.Blobs.ManifestOf(image.Id) is { } manifest
            ? new PackedImage(manifest, Files.ReadAll($"{store.Configs}/{image.Id}.json"), store.Blobs.PathOf, null, null)
            : Pack(store, image, cancel);

    internal string PathOf(Digest layer) => _pathOf(layer);

    public void Dispose()
    {
        if (_directory is not null)
        {
            Directories.RemoveTree(_directory);
        }

        _held?.Dispose();
    }

    private static PackedImage Pack(ImageStore store, Image image, CancellationToken cancel)
    {
        string directory = $"{store.Paths.Images}/.packing.{Processes.Self}";
        Directories.Create(directory);
        FileLock held = InProgress.Hold(directory);
        try
        {
            var layers = new List<Descriptor>();
            var diffIds = new List<string>();
            foreach (string layer in image.LayerDirectories)
            {
                (Descriptor packed, string diffId) = PackLayer(layer, directory, cancel);
                layers.Add(packed);
                diffIds.Add(diffId);
            }

            byte[] config = ImageConfigJson.Write(image.Config with { DiffIds = diffIds });
            var descriptor = new Descriptor(MediaTypes.OciConfig, Digest.Of(config), config.Length);
            var manifest = new Manifest(Write(descriptor, layers), MediaTypes.OciManifest, descriptor, layers);
            return new PackedImage(manifest, config, digest => $"{directory}/{digest.FileName}", directory, held);
        }
        catch
        {
            Directories.RemoveTree(directory);
            held.Dispose();
            throw;
        }
    }

    private static (Descriptor Packed, string DiffId) PackLayer(string layer, string directory, CancellationToken cancel)
    {
        string unfinished = directory + "/layer";
        using var compressed = new DigestingStream(new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 128 * 1024), cancel);
        using (Fd root = Files.Open(layer, Open.Read | Open.Directory))
        using (var plain = new DigestingStream(new BufferedStream(new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true), 128 * 1024), cancel))
        {
            LayerPacker.Pack(root, plain);
            plain.Close();
            compressed.Close();
            Digest digest = compressed.Digest;
            Files.Rename(unfinished, $"{directory}/{digest.FileName}");
            return (new Descriptor(MediaTypes.OciLayerGzip, digest, compressed.Count), plain.Digest.ToString());
        }
    }

    private static byte[] Write(Descriptor config, List<Descriptor> layers)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", MediaTypes.OciManifest);
            json.WritePropertyName("config");
            Write(json, config);
            json.WriteStartArray("layers");
            layers.ForEach(layer => Write(json, layer));
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter json, Descriptor descriptor)
    {
        json.WriteStartObject();
        json.WriteString("mediaType", descriptor.MediaType);
        json.WriteString("digest", descriptor.Digest.ToString());
        json.WriteNumber("size", descriptor.Size);
        json.WriteEndObject();
    }
}
