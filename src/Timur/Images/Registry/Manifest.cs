using Timur.Digests;
using Timur.Oci;

namespace Timur.Images.Registry;

/// <summary>Content by its address (OCI image-spec descriptor.md).</summary>
/// <param name="Size">Bytes.</param>
public sealed record Descriptor(string MediaType, Digest Digest, long Size)
{
    internal static Descriptor Read(JsonPart json)
    {
        long size = json.Number("size") ?? throw json.Complain("size is missing");
        return size >= 0
            ? new Descriptor(json.RequireText("mediaType"), Digest.Parse(json.RequireText("digest"), json.Document), size)
            : throw json.Complain($"size {size} is negative");
    }
}

/// <summary>An image for one platform (OCI image-spec manifest.md).</summary>
/// <param name="Bytes">As the registry has them: written anew they would have another digest.</param>
/// <param name="Layers">Lowest first.</param>
public sealed record Manifest(ReadOnlyMemory<byte> Bytes, string MediaType, Descriptor Config, IReadOnlyList<Descriptor> Layers)
{
    /// <summary>An artifact that is no container image, or a malformed document, is a <see cref="Failure"/>.</summary>
    public static Manifest Read(ReadOnlyMemory<byte> bytes, string mediaType, string document)
    {
        JsonPart json = JsonPart.Parse(bytes, document);
        Descriptor config = Descriptor.Read(json.Find("config") ?? throw json.Complain("config is missing"));
        IReadOnlyList<Descriptor> layers = json.List("layers", Descriptor.Read);
        if (!MediaTypes.IsConfig(config.MediaType) || layers.FirstOrDefault(layer => !MediaTypes.IsLayer(layer.MediaType)) is not null)
        {
            throw new Failure($"{document} isn't a container image but an artifact ({config.MediaType})", "it can't be run; use a tool for its kind");
        }

        return new Manifest(bytes, mediaType, config, layers);
    }

    /// <summary>
    /// The media type of a document: its own <c>mediaType</c> and the Content-Type it came with may not contradict each other, else one program would take
    /// for an index what another takes for a manifest.
    /// </summary>
    internal static string TypeOf(ReadOnlyMemory<byte> bytes, string contentType, string document)
    {
        JsonPart json = JsonPart.Parse(bytes, document);
        string? own = json.Text("mediaType");
        string sent = MediaTypes.IsIndex(contentType) || MediaTypes.IsManifest(contentType) ? contentType : "";
        if (json.Number("schemaVersion") == 1)
        {
            throw new Failure($"{document} is in Docker's first format (schema 1), which is no longer in use", "push the image again with a tool of this decade");
        }

        if (own is not null && sent.Length > 0 && own != sent)
        {
            throw new Failure($"{document} says it is {own}, but the registry says {sent}", "one of them is wrong: ask whoever runs the registry");
        }

        bool both = json.Find("manifests") is not null && json.Find("layers") is not null;
        string type = own ?? (sent.Length > 0 ? sent : json.Find("manifests") is not null ? MediaTypes.OciIndex : MediaTypes.OciManifest);
        return !both && (MediaTypes.IsIndex(type) || MediaTypes.IsManifest(type)) ? type
            : throw new Failure($"{document} is neither an image nor an index of images ({type})", "it can't be run; use a tool for its kind");
    }
}

/// <summary>Images for several platforms (OCI image-spec image-index.md).</summary>
public sealed record ImageIndex(IReadOnlyList<(Descriptor Descriptor, Platform? Platform)> Entries)
{
    public static ImageIndex Read(ReadOnlyMemory<byte> bytes, string document)
        => new(JsonPart.Parse(bytes, document).List("manifests", entry => (Descriptor.Read(entry), entry.Find("platform") is { } platform
            ? new Platform(platform.Text("os") ?? "", platform.Text("architecture") ?? "", platform.Text("variant") ?? "") : null)));

    /// <summary>The entry that fits best, the first of equals; entries for no platform are attestations, except for nested indexes.</summary>
    public Descriptor Choose(Platform wanted, string document)
    {
        Descriptor? best = null;
        int bestFit = 0;
        foreach ((Descriptor descriptor, Platform? platform) in Entries)
        {
            int fit = platform is not null ? wanted.Fit(platform) : MediaTypes.IsIndex(descriptor.MediaType) ? 1 : 0;
            if (fit > bestFit)
            {
                (best, bestFit) = (descriptor, fit);
            }
        }

        if (best is not null)
        {
            return best;
        }

        string offered = string.Join(", ", Entries.Select(entry => entry.Platform).Where(platform => platform is not null && platform.Os != "unknown").Select(platform => platform!.ToString()).Distinct());
        throw new Failure($"{document} has no image for {wanted}", offered.Length > 0 ? $"it has: {offered}; choose one with --platform" : "it has images for no platform at all: ask whoever made it");
    }
}
