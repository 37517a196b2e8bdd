using System.Globalization;
using System.Net;

namespace Timur.Images.Registry;

/// <summary>Brings a blob to a repository (distribution-spec, "Pushing blobs"): in one piece, or in several when it is large or the registry wants it so.</summary>
internal sealed class BlobUpload(Repository repository, Descriptor descriptor, Func<Stream> open, Action<long> advanced, CancellationToken cancel)
{
    private readonly Backoff _backoff = new(repository.Connection.Patience, cancel);

    /// <summary>Asks the registry to take the blob from another of its repositories; false when it was uploaded instead.</summary>
    internal bool MountOrUpload(string? from)
    {
        string rest = from is null ? "blobs/uploads/" : $"blobs/uploads/?mount={descriptor.Digest}&from={Uri.EscapeDataString(from)}";
        string scope = from is null ? repository.PushScope : $"{repository.PushScope} repository:{from}:pull";
        using HttpResponseMessage response = Begin(rest, scope);
        if (response.StatusCode == HttpStatusCode.Created)
        {
            return true;
        }

        Upload(response);
        return false;
    }

    private void Upload(HttpResponseMessage begun)
    {
        long least = begun.Headers.TryGetValues("OCI-Chunk-Min-Length", out IEnumerable<string>? said) && long.TryParse(said.First(), out long minimum) ? minimum : 0;
        Uri place = Next(begun);
        while (true)
        {
            try
            {
                long size = Math.Max(repository.Connection.PieceSize, least);
                if (descriptor.Size <= size)
                {
                    Finish(place, 0);
                }
                else
                {
                    UploadPieces(place, size);
                }

                return;
            }
            catch (Exception e) when (RegistryConnection.IsBroken(e))
            {
                if (!_backoff.TryWait())
                {
                    throw new Failure($"{repository.Name}: the upload of {descriptor.Digest.Short} broke off again and again: {e.Message}", "try again: what is there already isn't sent anew", cause: e);
                }

                using HttpResponseMessage again = Begin("blobs/uploads/", repository.PushScope);
                place = Next(again);
            }
        }
    }

    private void UploadPieces(Uri place, long size)
    {
        long at = 0;
        while (at < descriptor.Size - size)
        {
            long from = at;
            using HttpResponseMessage response = Send(HttpMethod.Patch, place, from, size);
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                (place, at) = Status(place);
                if (!_backoff.TryWait())
                {
                    throw repository.Connection.Refused(response, $"{repository.Name}@{descriptor.Digest.Short}");
                }

                continue;
            }

            if (response.StatusCode is not (HttpStatusCode.Accepted or HttpStatusCode.NoContent or HttpStatusCode.Created))
            {
                throw repository.Connection.Refused(response, $"{repository.Name}@{descriptor.Digest.Short}");
            }

            place = Next(response);
            at = from + size;
        }

        Finish(place, at);
    }

    /// <summary>Sends what is left and closes the upload.</summary>
    private void Finish(Uri place, long from)
    {
        string separator = place.Query.Length > 0 ? "&" : "?";
        using HttpResponseMessage response = Send(HttpMethod.Put, new Uri($"{place}{separator}digest={descriptor.Digest}"), from, descriptor.Size - from);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // The registry lost count, as after a connection that broke in the middle.
            throw new IOException(Bodies.Reason(response, repository.Connection.Patience));
        }

        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.NoContent))
        {
            throw repository.Connection.Refused(response, $"{repository.Name}@{descriptor.Digest.Short}");
        }
    }

    /// <summary>How far the registry has come: where to go on, and from which byte.</summary>
    private (Uri Place, long At) Status(Uri place)
    {
        using HttpResponseMessage response = repository.Connection.Send(() => new HttpRequestMessage(HttpMethod.Get, place), repository.PushScope, cancel);
        string range = response.Headers.TryGetValues("Range", out IEnumerable<string>? said) ? said.First() : "";
        return (Next(response), long.TryParse(range[(range.IndexOf('-') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out long last) && last < descriptor.Size ? last + 1 : 0);
    }

    private HttpResponseMessage Begin(string rest, string scope)
    {
        HttpResponseMessage response = repository.Connection.Send(() => repository.Request(HttpMethod.Post, rest), scope, cancel);
        if (response.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.Created)
        {
            return response;
        }

        using (response)
        {
            throw repository.Connection.Refused(response, repository.Name);
        }
    }

    private HttpResponseMessage Send(HttpMethod method, Uri place, long from, long count) => repository.Connection.Send(
        () =>
        {
            Stream stream = open();
            stream.Position = from;
            var content = UploadContent.Of(stream, count, advanced);
            if (method == HttpMethod.Patch)
            {
                content.Headers.TryAddWithoutValidation("Content-Range", $"{from}-{from + count - 1}");
            }

            return new HttpRequestMessage(method, place) { Content = content };
        },
        repository.PushScope,
        cancel);

    /// <summary>Each answer says where the next request goes, in full or relative.</summary>
    private Uri Next(HttpResponseMessage response) => response.Headers.Location is { } location
        ? Bodies.Place(response.RequestMessage!.RequestUri!, location.OriginalString)
        : throw new Failure($"{repository.Name}: the registry doesn't say where the upload goes on", "ask whoever runs the registry");
}
