using System.Net;
using System.Net.Http.Headers;

namespace Timur.Images.Registry;

/// <summary>
/// Reads a blob from some place on; a connection that breaks off is taken up again where it broke (Range, RFC 9110, 14.2), so that the reader sees one
/// unbroken stream. What it says isn't checked against the digest: the reader does that.
/// </summary>
internal sealed class BlobDownload(Repository repository, Descriptor descriptor, long offset, CancellationToken cancel) : IDisposable
{
    /// <summary>A connection on which nothing comes for so long is given up.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    private readonly Backoff _backoff = new(cancel);
    private HttpResponseMessage? _response;
    private Stream? _body;
    private Timer? _watch;
    private long _at = offset;

    /// <summary>The next bytes; 0 at the end, when as many came as the descriptor says.</summary>
    internal int Read(Span<byte> buffer)
    {
        while (_at < descriptor.Size)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                _body ??= Open();
                _watch!.Change(Silence, Timeout.InfiniteTimeSpan);
                int count = _body.Read(buffer);
                if (count > 0)
                {
                    _at += count;
                    _backoff.Reset();
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
        _watch?.Dispose();
        _response?.Dispose();
        (_watch, _response, _body) = (null, null, null);
    }

    private Stream Open()
    {
        HttpResponseMessage response = _response = repository.Connection.Send(
            () =>
            {
                HttpRequestMessage request = repository.Request(HttpMethod.Get, $"blobs/{descriptor.Digest}");
                if (_at > 0)
                {
                    request.Headers.Range = new RangeHeaderValue(_at, null);
                }

                return request;
            },
            repository.PullScope,
            cancel);
        _watch = new Timer(_ => response.Dispose());
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK:
                // Without ranges it comes from the start.
                Stream body = response.Content.ReadAsStream(cancel);
                Skip(body, _at);
                return body;
            case HttpStatusCode.PartialContent when response.Content.Headers.ContentRange is { From: { } from } && from <= _at:
                Stream part = response.Content.ReadAsStream(cancel);
                Skip(part, _at - from);
                return part;
            case HttpStatusCode.PartialContent:
                throw new Failure($"{repository.Name}: the registry sent another part of {descriptor.Digest.Short} than was asked for", "remove what was fetched and try again: timur system check --repair");
            case HttpStatusCode.NotFound:
                throw new Failure($"{repository.Name} has no layer {descriptor.Digest}", "the image was pushed incompletely, or is being deleted: ask whoever pushed it");
            default:
                throw repository.Connection.Refused(response, $"{repository.Name}@{descriptor.Digest.Short}");
        }
    }

    private void Skip(Stream stream, long count)
    {
        byte[] buffer = new byte[64 * 1024];
        while (count > 0)
        {
            _watch!.Change(Silence, Timeout.InfiniteTimeSpan);
            int read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, count));
            count -= read > 0 ? read : throw new IOException("the connection ended early");
        }
    }

    private Failure WrongSize(string how)
        => new($"{repository.Name}: {descriptor.Digest.Short} has {how} bytes than the {descriptor.Size} that the manifest says", "the registry or a proxy before it is broken: nothing was stored");
}
