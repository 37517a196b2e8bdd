using Timur.Images.Registry.Configuration;

namespace Timur.Images;

/// <summary>Names without a registry: <c>debian</c>, <c>team/app:1</c>. What they mean beside Docker Hub, <c>registries.conf</c> says.</summary>
internal static class ShortNames
{
    /// <summary>Names that an image may have here; Docker Hub's is left out.</summary>
    internal static IReadOnlyList<ImageName> Others(string text)
        => ImageName.Parse(text) is { HasRegistry: false } name ? Candidates(RegistriesConfig.Load(), name) : [];

    /// <summary>Names to pull, in this order; at least one. Ambiguous names are a <see cref="Failure"/> where the configuration forbids guessing.</summary>
    internal static IReadOnlyList<ImageName> ToPull(RegistriesConfig config, string text)
    {
        ImageName name = ImageName.Parse(text);
        if (name.HasRegistry)
        {
            return [name];
        }

        config.Enforce(name.Repository);
        IReadOnlyList<ImageName> candidates = Candidates(config, name);
        return candidates.Count > 0 ? candidates : [name];
    }

    private static IReadOnlyList<ImageName> Candidates(RegistriesConfig config, ImageName name)
        => [.. config.Candidates(name.Repository, (name.Digest is null ? ":" : "@") + name.Reference).Select(ImageName.Parse)];
}
