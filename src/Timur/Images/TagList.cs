using Timur.Images.Registry;
using Timur.Images.Registry.Configuration;

namespace Timur.Images;

/// <summary>The tags of a repository (OCI distribution-spec, "Listing Tags").</summary>
public static class TagList
{
    /// <summary>As the registry orders them; a repository that isn't there is a <see cref="Failure"/>.</summary>
    public static IReadOnlyList<string> Get(RegistrySettings settings, string reference, CancellationToken cancel = default)
    {
        RegistriesConfig config = RegistriesConfig.Load();
        return Get(config, settings, ShortNames.ToPull(config, reference)[0], cancel);
    }

    internal static List<string> Get(RegistriesConfig config, RegistrySettings settings, ImageName name, CancellationToken cancel)
    {
        RegistrySource source = config.Target(name.Full);
        var there = new ImageName(source.Name);
        using var connection = new RegistryConnection(there.Registry, settings.For(source));
        var uri = new Uri(connection.Root, $"{there.Path}/tags/list");
        return [.. Paging.Texts(
            connection, uri, $"repository:{there.Path}:pull", "tags", response => new Failure($"there is no {there.Registry}/{there.Path}: {Bodies.Reason(response, connection.Patience)}", "check the name"), cancel)];
    }
}
