namespace Timur.Images.Registry;

/// <summary>Media types of OCI (image-spec media-types.md) and of Docker (image manifest version 2, schema 2), which mean the same.</summary>
public static class MediaTypes
{
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    public const string OciConfig = "application/vnd.oci.image.config.v1+json";
    public const string OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string DockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";

    private const string DockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
    private const string OciLayer = "application/vnd.oci.image.layer.v1.tar";

    /// <summary>What is asked for, the newer first.</summary>
    public static IReadOnlyList<string> Accepted { get; } = [OciIndex, OciManifest, DockerList, DockerManifest];

    public static bool IsIndex(string type) => type is OciIndex or DockerList;

    public static bool IsManifest(string type) => type is OciManifest or DockerManifest;

    public static bool IsConfig(string type) => type is OciConfig or DockerConfig;

    /// <summary>A layer of a container image, in whatever compression; what it is compressed with is seen in its first bytes.</summary>
    public static bool IsLayer(string type)
        => type.StartsWith("application/vnd.oci.image.layer.", StringComparison.Ordinal) || type.StartsWith("application/vnd.docker.image.rootfs.", StringComparison.Ordinal);

    /// <summary>The type of a layer that begins with these bytes.</summary>
    public static string OciLayerOf(ReadOnlySpan<byte> head) => head switch
    {
        [0x1f, 0x8b, ..] => OciLayerGzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] or [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18, ..] => OciLayer + "+zstd",
        _ => OciLayer,
    };

    /// <summary>The same kind of layer in the other family's words; null for one that Docker has no word for.</summary>
    public static string? LayerIn(ManifestFormat format, string type) => (format, type) switch
    {
        (ManifestFormat.Docker, OciLayer) => DockerLayer,
        (ManifestFormat.Docker, OciLayerGzip) => DockerLayer + ".gzip",
        (ManifestFormat.Oci, DockerLayer) => OciLayer,
        (ManifestFormat.Oci, DockerLayer + ".gzip") => OciLayerGzip,
        (ManifestFormat.Docker, _) when !type.StartsWith(DockerLayer, StringComparison.Ordinal) => null,
        _ => type,
    };

    /// <summary>A Content-Type without its parameters, in lower case.</summary>
    public static string Bare(string? contentType)
    {
        string type = contentType ?? "";
        int semicolon = type.IndexOf(';');
        return (semicolon < 0 ? type : type[..semicolon]).Trim().ToLowerInvariant();
    }
}

/// <summary>The two families of documents about images, which mean the same.</summary>
public enum ManifestFormat
{
    Oci,

    /// <summary>Image manifest version 2, schema 2.</summary>
    Docker,
}
