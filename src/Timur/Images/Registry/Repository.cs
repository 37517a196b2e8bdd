using System.Net;
using Timur.Digests;

namespace Timur.Images.Registry;

/// <summary>What kind of document a reference led to.</summary>
internal sealed record Document(byte[] Bytes, string MediaType, Digest Digest);

/// <summary>One repository of a registry: its manifests and blobs (OCI distribution-spec).</summary>
internal sealed class Repository(RegistryConnection connection, string path)
{
    /// <summary>Registries must take manifests of 4 MiB; larger ones are not made.</summary>
    private const int LargestDocument = 8 << 20;

    internal RegistryConnection Connection => connection;

    internal string Path => path;

    /// <summary>Registry and path, for messages.</summary>
    internal string Name => $"{connection.Name}/{path}";

    internal string PullScope => $"repository:{path}:pull";

    internal string PushScope => $"repository:{path}:pull,push";

    /// <summary>The document of a tag or digest, checked against the digest that was asked for or that the registry says.</summary>
    internal Document GetManifest(string reference, CancellationToken cancel)
        => TryGetManifest(reference, PullScope, out string? reason, cancel) ?? throw NoManifest(reference, reason);

    /// <summary>The failure for a tag or digest that <see cref="TryGetManifest"/> didn't find.</summary>
    internal Failure NoManifest(string reference, string? reason) => new($"there is no {NameOf(reference)}: {reason}", "check the name and the tag: timur search --list-tags lists them");

    /// <summary>As <see cref="GetManifest"/>; null when there is none, with the registry's words.</summary>
    internal Document? TryGetManifest(string reference, string scope, out string? reason, CancellationToken cancel)
    {
        string what = NameOf(reference);
        reason = null;
        using HttpResponseMessage response = connection.Send(() => Request(HttpMethod.Get, $"manifests/{reference}"), scope, LargestDocument, out byte[] bytes, cancel);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            reason = Bodies.Reason(response, connection.Patience);
            return null;
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw connection.Refused(response, what);
        }

        Digest? expected = Digest.TryParse(reference, out Digest asked) ? asked
            : response.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? said) && Digest.TryParse(said.First(), out Digest named) ? named : null;
        if (expected is { } known && !known.Matches(bytes))
        {
            throw new Failure($"{what}: the registry sent something else than {known}", "the registry or a proxy before it is broken: nothing was stored");
        }

        return new Document(bytes, Manifest.TypeOf(bytes, MediaTypes.Bare(response.Content.Headers.ContentType?.ToString()), what), expected ?? Digest.Of(bytes));
    }

    /// <summary>A blob that fits in memory, such as a configuration; checked.</summary>
    internal byte[] GetSmall(Descriptor descriptor, string what, CancellationToken cancel)
    {
        if (descriptor.Size > LargestDocument)
        {
            throw new Failure($"{what} has {descriptor.Size} bytes, which is more than any that is meant to be run", "nothing was stored");
        }

        using var buffer = new MemoryStream();
        using (var download = new BlobDownload(this, descriptor, 0, cancel))
        {
            byte[] piece = new byte[64 * 1024];
            int count;
            while ((count = download.Read(piece)) > 0)
            {
                buffer.Write(piece, 0, count);
            }
        }

        byte[] bytes = buffer.ToArray();
        return descriptor.Digest.Matches(bytes) ? bytes
            : throw new Failure($"{what}: the registry sent something else than {descriptor.Digest}", "the registry or a proxy before it is broken: nothing was stored");
    }

    /// <summary>Whether the registry has the blob in this repository.</summary>
    internal bool Has(Digest digest, CancellationToken cancel)
    {
        using HttpResponseMessage response = connection.Send(() => Request(HttpMethod.Head, $"blobs/{digest}"), PushScope, cancel);
        return response.StatusCode switch
        {
            HttpStatusCode.OK => true,
            HttpStatusCode.NotFound => false,
            _ => throw connection.Refused(response, $"{Name}@{digest}"),
        };
    }

    /// <summary>Stores a manifest under a tag or its digest.</summary>
    /// <returns>Whether the registry keeps the list of what refers to the manifest's subject (the header OCI-Subject).</returns>
    internal bool PutManifest(string reference, ReadOnlyMemory<byte> bytes, string mediaType, CancellationToken cancel)
    {
        using HttpResponseMessage response = connection.Send(
            () =>
            {
                HttpRequestMessage request = Request(HttpMethod.Put, $"manifests/{reference}");
                request.Content = new ByteArrayContent(bytes.ToArray());
                request.Content.Headers.ContentType = new(mediaType);
                return request;
            },
            PushScope,
            cancel);
        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.Accepted))
        {
            throw connection.Refused(response, NameOf(reference));
        }

        return response.Headers.Contains("OCI-Subject");
    }

    private string NameOf(string reference) => reference.Contains(':') ? $"{Name}@{reference}" : $"{Name}:{reference}";

    internal HttpRequestMessage Request(HttpMethod method, string rest)
    {
        var request = new HttpRequestMessage(method, new Uri(connection.Root, $"{path}/{rest}"));
        if (rest.StartsWith("manifests/", StringComparison.Ordinal))
        {
            foreach (string type in MediaTypes.Accepted)
            {
                request.Headers.Accept.ParseAdd(type);
            }
        }

        return request;
    }
}
