using System.Text.Json;
using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Images;

/// <summary>Manifests of images that were made here (OCI image-spec manifest.md).</summary>
internal static class ManifestJson
{
    internal static byte[] Write(Descriptor config, IReadOnlyList<Descriptor> layers, IReadOnlyDictionary<string, string>? annotations = null) => Written(json =>
    {
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.OciManifest);
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

    /// <summary>An index of manifests (OCI image-spec image-index.md).</summary>
    internal static byte[] WriteIndex(IReadOnlyList<(Descriptor Descriptor, Platform Platform)> entries) => Written(json =>
    {
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.OciIndex);
        json.WriteStartArray("manifests");
        foreach ((Descriptor descriptor, Platform platform) in entries)
        {
            json.WriteStartObject();
            WriteMembers(json, descriptor);
            json.WriteStartObject("platform");
            WritePlatform(json, platform);
            json.WriteEndObject();
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
