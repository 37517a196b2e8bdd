using System.IO.Compression;
using System.Text.Json.Nodes;
using Timur.Digests;
using Timur.Images.Registry;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>What a push sends: a manifest, a configuration, and where the layers are.</summary>
internal sealed class PackedImage : IDisposable
{
    private readonly string? _directory;
    private readonly List<FileLock> _held;
    private readonly Func<Digest, string> _pathOf;

    private PackedImage(Manifest manifest, byte[] config, Func<Digest, string> pathOf, string? directory, List<FileLock> held)
        => (Manifest, Config, _pathOf, _directory, _held) = (manifest, config, pathOf, directory, held);

    internal Manifest Manifest { get; }

    internal byte[] Config { get; }

    /// <summary>As the image came from a registry, or packed now: the same image always in the same way.</summary>
    /// <param name="packing">Told of each layer before it is packed, which takes a while.</param>
    internal static PackedImage Of(ImageStore store, Image image, CancellationToken cancel, Action<string>? packing = null)
        => store.Blobs.ManifestOf(image.Id) is { } manifest
            ? new PackedImage(manifest, Files.ReadAll($"{store.Configs}/{image.Id}.json"), store.Blobs.PathOf, null, [])
            : Pack(store, image, packing, cancel);

    internal string PathOf(Digest layer) => _pathOf(layer);

    public void Dispose()
    {
        if (_directory is not null)
        {
            Directories.RemoveTree(_directory);
        }

        _held.ForEach(held => held.Dispose());
    }

    /// <summary>
    /// Layers that came from elsewhere, as those of an image that this one is built on, go as they came: packed anew they would be other layers, and the image another one.
    /// </summary>
    private static PackedImage Pack(ImageStore store, Image image, Action<string>? packing, CancellationToken cancel)
    {
        // Several images may be packed by one process, one after the other, and all are kept until the last is written.
        string directory = $"{store.Paths.Images}/.packing.{image.Id[..16]}.{Processes.Self}";
        Directories.Create(directory);
        List<FileLock> held = [InProgress.Hold(directory)];
        try
        {
            var layers = new List<Descriptor>();
            var diffIds = new List<string>();
            ILookup<string, Descriptor> own = store.Blobs.OriginsOf(image).ToLookup(origin => origin.DiffId, origin => origin.Blob);
            ILookup<string, Descriptor> known = store.Blobs.ByDiffId(store.All());
            foreach ((string wanted, string layer) in image.Config.DiffIds.Zip(image.LayerDirectories))
            {
                Descriptor? blob = TryReuse(store, own[wanted].Concat(known[wanted]), held);
                if (blob is null)
                {
                    packing?.Invoke(Digest.Parse(wanted, "the configuration").Short);
                }

                (Descriptor packed, string diffId) = blob is null ? PackLayer(layer, directory, cancel) : (blob, wanted);
                layers.Add(packed);
                diffIds.Add(diffId);
            }

            byte[] stored = Files.ReadAll($"{store.Configs}/{image.Id}.json");
            byte[] config = diffIds.SequenceEqual(image.Config.DiffIds) ? stored : WithDiffIds(stored, diffIds);
            var descriptor = new Descriptor(MediaTypes.OciConfig, Digest.Of(config), config.Length);
            var manifest = new Manifest(ManifestJson.Write(descriptor, layers, store.Annotations.Read(image.Id)), MediaTypes.OciManifest, descriptor, layers);
            return new PackedImage(manifest, config, digest => $"{directory}/{digest.FileName}" is var made && Files.Exists(made) ? made : store.Blobs.PathOf(digest), directory, held);
        }
        catch
        {
            Directories.RemoveTree(directory);
            held.ForEach(one => one.Dispose());
            throw;
        }
    }

    /// <summary>The first of some blobs that is here, held; null when none is.</summary>
    private static Descriptor? TryReuse(ImageStore store, IEnumerable<Descriptor> blobs, List<FileLock> held)
    {
        foreach (Descriptor blob in blobs)
        {
            if (UnfinishedLayer.TryHold(store.Blobs.PathOf(blob.Digest)) is { } kept)
            {
                held.Add(kept);
                return blob with { MediaType = MediaTypes.OciLayerOf(store.Blobs.Head(blob.Digest)) };
            }
        }

        return null;
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

    /// <summary>The configuration with other layers' digests; everything else stays as it is, known here or not.</summary>
    private static byte[] WithDiffIds(byte[] config, List<string> diffIds)
    {
        JsonNode root = JsonNode.Parse(config)!;
        root["rootfs"]!["diff_ids"] = new JsonArray([.. diffIds.Select(diffId => (JsonNode)JsonValue.Create(diffId))]);
        return ManifestJson.Written(json =>
        {
            foreach ((string name, JsonNode? value) in root.AsObject())
            {
                json.WritePropertyName(name);
                if (value is null)
                {
                    json.WriteNullValue();
                }
                else
                {
                    value.WriteTo(json);
                }
            }
        });
    }
}
