using System.Net;
using Timur.Oci;

namespace Timur.Images.Registry;

/// <summary>Lists that a registry gives in pages: the header <c>Link</c> leads to the next one (OCI distribution-spec, "Content Discovery"; RFC 8288).</summary>
internal static class Paging
{
    private const int LargestPage = 8 << 20;

    /// <summary>Bytes of all pages; a registry that never ends isn't asked for ever.</summary>
    private const long LargestList = 64 << 20;

    /// <summary>The texts below <paramref name="member"/> on every page.</summary>
    /// <param name="missing">What a 404 means.</param>
    internal static IEnumerable<string> Texts(RegistryConnection connection, Uri first, string scope, string member, Func<HttpResponseMessage, Failure> missing, CancellationToken cancel)
    {
        var seen = new HashSet<Uri>();
        long size = 0;
        for (Uri? next = first; next is not null;)
        {
            Uri uri = next;
            using HttpResponseMessage response = connection.Send(() => new HttpRequestMessage(HttpMethod.Get, uri), scope, LargestPage, out byte[] body, cancel);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw response.StatusCode == HttpStatusCode.NotFound ? missing(response) : connection.Refused(response, uri.AbsolutePath);
            }

            // An address takes room, too.
            size += body.Length + uri.OriginalString.Length + 1024;
            if (!seen.Add(uri) || size > LargestList)
            {
                throw new Failure($"{connection.Name} gives a list that {(size > LargestList ? "never ends" : "leads back to a page before")}", "ask whoever runs the registry");
            }

            foreach (string text in JsonPart.Parse(body, $"the answer of {connection.Name}").Texts(member))
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
