using System.Text.Json;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// Annotations that the manifest of an image made here will have (OCI image-spec annotations.md): <c>annotations/IMAGEID</c>. An image that came from a registry has them in
/// the manifest that it came with.
/// </summary>
internal sealed class ImageAnnotations(DataPaths paths)
{
    internal string Place { get; } = paths.Images + "/annotations";

    internal string PathOf(string imageId) => $"{Place}/{imageId}";

    /// <summary>In the order of their names; none where nothing, or nothing that can be read, is recorded.</summary>
    internal IReadOnlyDictionary<string, string> Read(string imageId)
    {
        try
        {
            return Files.TryReadAll(PathOf(imageId), out _) is { Length: > 0 } bytes ? Of(bytes) : new Dictionary<string, string>();
        }
        catch (Failure)
        {
            return new Dictionary<string, string>();
        }
    }

    /// <summary>Those of a manifest, or of a record.</summary>
    internal static IReadOnlyDictionary<string, string> Of(ReadOnlyMemory<byte> document) => JsonPart.Parse(document, "annotations").TextMap("annotations");

    /// <summary>Takes the place of what was recorded; nothing removes it.</summary>
    internal void Write(string imageId, IReadOnlyDictionary<string, string> annotations)
    {
        if (annotations.Count == 0)
        {
            Files.TryUnlink(PathOf(imageId), out _);
            return;
        }

        Directories.Create(Place);
        AtomicFile.Write(PathOf(imageId), ManifestJson.Written(json => WriteMember(json, annotations)), 0x1A4);
    }

    /// <summary>The member <c>annotations</c> of an object that is begun; none where there are none.</summary>
    internal static void WriteMember(Utf8JsonWriter json, IReadOnlyDictionary<string, string> annotations)
    {
        if (annotations.Count == 0)
        {
            return;
        }

        json.WriteStartObject("annotations");
        foreach ((string name, string value) in annotations.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    }

    /// <summary>Those whose image is gone, and files on their way.</summary>
    internal IEnumerable<string> Leftovers(string configs)
        => Directories.List(Place).Where(entry => !Files.Exists($"{configs}/{entry.Name}.json")).Select(entry => $"{Place}/{entry.Name}");
}
