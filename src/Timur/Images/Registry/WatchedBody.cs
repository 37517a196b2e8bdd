namespace Timur.Images.Registry;

/// <summary>An answer's body; when less than 64 KiB come within the time given for silence, the connection is given up and reading fails.</summary>
internal sealed class WatchedBody : IDisposable
{
    /// <summary>Bytes: about a kilobyte a second, with the usual patience.</summary>
    internal const int LeastProgress = 64 * 1024;

    private readonly HttpResponseMessage _response;
    private readonly TimeSpan _silence;
    private readonly Stream _body;
    private readonly Timer _watch;
    private readonly CancellationTokenRegistration _cancelled;
    private int _came;

    internal WatchedBody(HttpResponseMessage response, TimeSpan silence, CancellationToken cancel)
    {
        (_response, _silence) = (response, silence);
        _body = response.Content.ReadAsStream(cancel);
        _watch = new Timer(_ => response.Dispose(), null, silence, Timeout.InfiniteTimeSpan);
        _cancelled = cancel.Register(response.Dispose);
    }

    /// <summary>The next bytes; 0 at the end.</summary>
    internal int Read(Span<byte> buffer)
    {
        int count = _body.Read(buffer);
        _came += count;
        if (_came >= LeastProgress)
        {
            _came = 0;
            _watch.Change(_silence, Timeout.InfiniteTimeSpan);
        }

        return count;
    }

    public void Dispose()
    {
        _cancelled.Dispose();
        _watch.Dispose();
        _response.Dispose();
    }
}
