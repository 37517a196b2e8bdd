using System.Text.Json;
using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Images;

/// <summary>Manifests of images that were made here (OCI image-spec manifest.md).</summary>
internal static class ManifestJson
{
    internal static byte[] Write(Descriptor config, IReadOnlyList<Descriptor> layers, IReadOnlyDictionary<string, string>? annotations = null, string mediaType = MediaTypes.OciManifest) => Written(json =>
    {
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", mediaType);
        json.WriteStartObject("config");
        WriteMembers(json, config);
        json.WriteEndObject();
        json.WriteStartArray("layers");
        foreach (Descriptor layer in layers)
        {
            json.WriteStartObject();
            WriteMembers(json, layer);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        ImageAnnotations.WriteMember(json, annotations ?? new Dictionary<string, string>());
    });

    /// <summary>The same image in a format; one that it has already stays byte for byte, and Docker's has no annotations.</summary>
    internal static Manifest In(ManifestFormat format, Manifest manifest)
    {
        (string type, string configType) = format == ManifestFormat.Docker ? (MediaTypes.DockerManifest, MediaTypes.DockerConfig) : (MediaTypes.OciManifest, MediaTypes.OciConfig);
        if (manifest.MediaType == type)
        {
            return manifest;
        }

        Descriptor config = manifest.Config with { MediaType = configType };
        Descriptor[] layers = [.. manifest.Layers.Select(layer => layer with
        {
            MediaType = MediaTypes.LayerIn(format, layer.MediaType) ?? throw new Failure($"layer {layer.Digest.Short} is {layer.MediaType}, which Docker's format doesn't have", "push it as it is, or with --format oci"),
        })];
        return new Manifest(Write(config, layers, mediaType: type), type, config, layers);
    }

    /// <summary>An index of manifests (OCI image-spec image-index.md), or Docker's list of them.</summary>
    internal static byte[] WriteIndex(IReadOnlyList<(Descriptor Descriptor, ListedImage Image)> entries, string mediaType = MediaTypes.OciIndex) => Written(json =>
    {
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", mediaType);
        json.WriteStartArray("manifests");
        foreach ((Descriptor descriptor, ListedImage image) in entries)
        {
            json.WriteStartObject();
            WriteMembers(json, descriptor);
            json.WriteStartObject("platform");
            WritePlatform(json, image.Platform);
            json.WriteEndObject();
            ImageAnnotations.WriteMember(json, image.Annotations);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>Members of an object that is begun.</summary>
    internal static void WritePlatform(Utf8JsonWriter json, Platform platform)
    {
        json.WriteString("architecture", platform.Architecture);
        json.WriteString("os", platform.Os);
        if (platform.Variant.Length > 0)
        {
            json.WriteString("variant", platform.Variant);
        }
    }

    /// <summary>Members of an object that is begun.</summary>
    internal static void WriteMembers(Utf8JsonWriter json, Descriptor descriptor)
    {
        json.WriteString("mediaType", descriptor.MediaType);
        json.WriteString("digest", descriptor.Digest.ToString());
        json.WriteNumber("size", descriptor.Size);
    }

    /// <summary>A document whose members are written by the caller.</summary>
    internal static byte[] Written(Action<Utf8JsonWriter> members)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
