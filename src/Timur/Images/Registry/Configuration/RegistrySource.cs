namespace Timur.Images.Registry.Configuration;

/// <summary>Where an image may be got.</summary>
/// <param name="Name">Registry, repository, and tag or digest there.</param>
/// <param name="IsInsecure">Certificates aren't checked, and plain HTTP will do.</param>
/// <param name="IsMirror">A failure there isn't the last word.</param>
internal sealed record RegistrySource(string Name, bool IsInsecure, bool IsMirror);
