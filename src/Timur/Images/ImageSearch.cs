using System.Net;
using Timur.Images.Registry;
using Timur.Images.Registry.Configuration;
using Timur.Oci;

namespace Timur.Images;

/// <summary>A repository that was found.</summary>
/// <param name="Name">With its registry, except for Docker Hub's.</param>
public sealed record FoundImage(string Name, string Description, long Stars, bool IsOfficial);

/// <summary>
/// Searches registries for repositories: by Docker's search API (<c>/v1/search</c>), or through the catalogue of a registry that has none (distribution
/// registry, <c>/v2/_catalog</c>).
/// </summary>
public sealed class ImageSearch(RegistrySettings settings)
{
    private const int LargestAnswer = 8 << 20;
    private readonly RegistriesConfig _config = RegistriesConfig.Load();

    /// <summary>Registries that a term without one is looked for in.</summary>
    public IReadOnlyList<string> Registries => _config.SearchRegistries.Count > 0 ? _config.SearchRegistries : ["docker.io"];

    /// <summary>At most <paramref name="limit"/> repositories of one registry whose name holds the term.</summary>
    public IReadOnlyList<FoundImage> Search(string registry, string term, int limit, CancellationToken cancel = default)
    {
        RegistrySource source = _config.Target(registry);
        using var connection = new RegistryConnection(source.Name.Split('/')[0], settings.For(source));
        return BySearch(connection, registry, term, limit, cancel) ?? ByCatalogue(connection, registry, term, limit, cancel);
    }

    private static IReadOnlyList<FoundImage>? BySearch(RegistryConnection connection, string registry, string term, int limit, CancellationToken cancel)
    {
        bool isHub = registry == "docker.io";
        var root = isHub ? new Uri("https://index.docker.io/v1/search") : new Uri(connection.Root, "/v1/search");
        using HttpResponseMessage response = connection.Send(() => new HttpRequestMessage(HttpMethod.Get, new Uri($"{root}?q={Uri.EscapeDataString(term)}&n={limit}")), "", LargestAnswer, out byte[] body, cancel);
        if (response.StatusCode != HttpStatusCode.OK || response.Content.Headers.ContentType?.MediaType != "application/json")
        {
            return isHub ? throw connection.Refused(response, "search") : null;
        }

        return [.. JsonPart.Parse(body, $"the answer of {connection.Name}").List("results", result => new FoundImage(
            (isHub ? "" : registry + "/") + result.RequireText("name"), result.Text("description") ?? "", result.Number("star_count") ?? 0, result.Flag("is_official"))).Take(limit)];
    }

    private static List<FoundImage> ByCatalogue(RegistryConnection connection, string registry, string term, int limit, CancellationToken cancel)
        => [.. Paging.Texts(
                connection, new Uri(connection.Root, "_catalog?n=1000"), "registry:catalog:*", "repositories",
                _ => new Failure($"{registry} offers neither a search nor a list of its repositories", "look at its web page, or ask whoever runs it"), cancel)
            .Where(name => name.Contains(term, StringComparison.OrdinalIgnoreCase)).Take(limit).Select(name => new FoundImage($"{registry}/{name}", "", 0, false))];
}
