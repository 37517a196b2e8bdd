using Timur.Oci;

namespace Timur.Images;

/// <summary>An image that is ready to run.</summary>
/// <param name="Id">sha256 of its configuration, 64 hexadecimal digits.</param>
/// <param name="Reference">The name it was found by; the id when it has none.</param>
/// <param name="LayerDirectories">Unpacked layers, lowest first.</param>
public sealed record Image(string Id, string Reference, IReadOnlyList<string> LayerDirectories, ImageConfig Config)
{
    /// <summary>The built-in copy of this machine: its one layer is "/".</summary>
    public bool IsHost => LayerDirectories is ["/"];
}
