using Timur.Images.Registry.Configuration;

namespace Timur.Images.Registry;

/// <summary>How a person wants registries to be spoken to.</summary>
/// <param name="TlsVerify">
/// False: certificates aren't checked, and plain HTTP is tried when nothing answers over TLS. Null: as true, except for this machine itself (Docker does the same).
/// </param>
/// <param name="Credentials"><c>USER[:PASSWORD]</c> instead of stored ones.</param>
/// <param name="AuthFile">Where stored credentials are, instead of the usual places.</param>
/// <param name="CertificateDirectory">Directory with <c>*.crt</c>, <c>*.cert</c> and <c>*.key</c> instead of the registry's in certs.d.</param>
public sealed record RegistrySettings(bool? TlsVerify = null, string? Credentials = null, string? AuthFile = null, string? CertificateDirectory = null)
{
    /// <summary>Bytes; larger blobs go in pieces of this size, so that a broken connection costs one piece.</summary>
    internal long PieceSize { get; init; } = 32 << 20;

    internal Patience Patience { get; init; } = Patience.Usual;

    /// <summary>What <c>registries.conf</c> says of a place holds unless the person said something else.</summary>
    internal RegistrySettings For(RegistrySource source) => source.IsInsecure && TlsVerify is null ? this with { TlsVerify = false } : this;
}
