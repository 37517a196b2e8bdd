using System.Net;
using System.Net.Http.Headers;

namespace Timur.Images.Registry;

/// <summary>
/// Reads a blob from some place on; a connection that breaks off is taken up again where it broke (Range, RFC 9110, 14.2), so that the reader sees one
/// unbroken stream. What it says isn't checked against the digest: the reader does that.
/// </summary>
internal sealed class BlobDownload(Repository repository, Descriptor descriptor, long offset, CancellationToken cancel) : IDisposable
{
    private readonly Backoff _backoff = new(repository.Connection.Patience, cancel);
    private WatchedBody? _body;
    private bool _hasRanges = true;
    private long _at = offset;
    private long _worthwhile = offset + WatchedBody.LeastProgress;

    /// <summary>The next bytes; 0 at the end, when as many came as the descriptor says.</summary>
    internal int Read(Span<byte> buffer)
    {
        while (_at < descriptor.Size)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                _body ??= Open();
                int count = _body.Read(buffer);
                if (count > 0)
                {
                    _at += count;
                    if (_at >= _worthwhile)
                    {
                        // Byte by byte it would go on for ever.
                        _worthwhile = _at + WatchedBody.LeastProgress;
                        _backoff.Reset();
                    }

                    return _at <= descriptor.Size ? count : throw WrongSize("more");
                }

                BreakOff();
                if (!_backoff.TryWait())
                {
                    throw WrongSize("fewer");
                }
            }
            catch (Exception e) when (RegistryConnection.IsBroken(e))
            {
                BreakOff();
                if (!_backoff.TryWait())
                {
                    throw new Failure($"{repository.Name}: the connection broke off again and again at byte {_at} of {descriptor.Digest.Short}: {e.Message}", "try again: what was fetched is kept", cause: e);
                }
            }
        }

        return 0;
    }

    public void Dispose() => BreakOff();

    private void BreakOff()
    {
        _body?.Dispose();
        _body = null;
    }

    private WatchedBody Open()
    {
        HttpResponseMessage response = repository.Connection.Send(
            () =>
            {
                HttpRequestMessage request = repository.Request(HttpMethod.Get, $"blobs/{descriptor.Digest}");
                if (_at > 0 && _hasRanges)
                {
                    request.Headers.Range = new RangeHeaderValue(_at, null);
                }

                return request;
            },
            repository.PullScope,
            cancel);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && _hasRanges && _at > 0)
        {
            response.Dispose();
            _hasRanges = false;
            return Open();
        }

        try
        {
            // Without ranges it comes from the start.
            long from = response.StatusCode switch
            {
                HttpStatusCode.OK => 0,
                HttpStatusCode.PartialContent when response.Content.Headers.ContentRange is { From: { } first } && first <= _at => first,
                HttpStatusCode.PartialContent => throw new Failure(
                    $"{repository.Name}: the registry sent another part of {descriptor.Digest.Short} than was asked for", "remove what was fetched and try again: timur system check --repair"),
                HttpStatusCode.NotFound => throw new Failure($"{repository.Name} has no layer {descriptor.Digest}", "the image was pushed incompletely, or is being deleted: ask whoever pushed it"),
                _ => throw repository.Connection.Refused(response, $"{repository.Name}@{descriptor.Digest.Short}"),
            };
            var body = new WatchedBody(response, repository.Connection.Patience.Silence, cancel);
            Skip(body, _at - from);
            return body;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static void Skip(WatchedBody body, long count)
    {
        byte[] buffer = new byte[64 * 1024];
        while (count > 0)
        {
            int read = body.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, count)));
            count -= read > 0 ? read : throw new IOException("the connection ended early");
        }
    }

    private Failure WrongSize(string how)
        => new($"{repository.Name}: {descriptor.Digest.Short} has {how} bytes than the {descriptor.Size} that the manifest says", "the registry or a proxy before it is broken: nothing was stored");
}
