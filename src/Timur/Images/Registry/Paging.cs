using System.Net;
using Timur.Oci;

namespace Timur.Images.Registry;

/// <summary>Lists that a registry gives in pages: the header <c>Link</c> leads to the next one (OCI distribution-spec, "Content Discovery"; RFC 8288).</summary>
internal static class Paging
{
    /// <summary>A registry that never ends isn't asked for ever.</summary>
    private const int MostPages = 10_000;

    private const int LargestPage = 8 << 20;

    /// <summary>The texts below <paramref name="member"/> on every page.</summary>
    /// <param name="missing">What a 404 means.</param>
    internal static IEnumerable<string> Texts(RegistryConnection connection, Uri first, string scope, string member, Func<HttpResponseMessage, Failure> missing, CancellationToken cancel)
    {
        Uri? next = first;
        for (int page = 0; next is not null && page < MostPages; page++)
        {
            Uri uri = next;
            using HttpResponseMessage response = connection.Send(() => new HttpRequestMessage(HttpMethod.Get, uri), scope, cancel);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw response.StatusCode == HttpStatusCode.NotFound ? missing(response) : connection.Refused(response, uri.AbsolutePath);
            }

            foreach (string text in JsonPart.Parse(Bodies.ReadLimited(response, LargestPage, cancel), $"the answer of {connection.Name}").Texts(member))
            {
                yield return text;
            }

            next = Next(response, uri);
        }
    }

    private static Uri? Next(HttpResponseMessage response, Uri page)
    {
        foreach (string header in response.Headers.TryGetValues("Link", out IEnumerable<string>? headers) ? headers : [])
        {
            int open = header.IndexOf('<');
            int close = header.IndexOf('>');
            if (open >= 0 && close > open && header[close..].Contains("next", StringComparison.OrdinalIgnoreCase))
            {
                return Bodies.Place(page, header[(open + 1)..close]);
            }
        }

        return null;
    }
}
