using Timur.Digests;
using Timur.Images.Compression;

namespace Timur.Images;

/// <summary>
/// A layer's plain archive, from its blob: a thread of its own receives, decompresses and digests it, a few pieces ahead of whoever makes files of it. What goes wrong
/// there comes out where it is read.
/// </summary>
internal sealed class LayerArchive : ForwardStream
{
    private readonly ReadAheadStream _received;
    private readonly DigestedStream _hashed;
    private readonly ReadAheadStream _ahead;

    /// <param name="blob">Compressed or plain; it stays open.</param>
    /// <param name="diffId">What its digest should be.</param>
    internal LayerArchive(Stream blob, Digest diffId, CancellationToken cancel)
    {
        _received = new ReadAheadStream(blob, leaveOpen: true);
        try
        {
            _hashed = new DigestedStream(Decompression.Open(_received), diffId, cancel);
            _ahead = new ReadAheadStream(_hashed);
        }
        catch
        {
            _received.Dispose();
            throw;
        }
    }

    public override int Read(Span<byte> buffer) => _ahead.Read(buffer);

    /// <summary>Reads the rest, since what follows a tar's end counts too; the digest, which is the layer's diffID.</summary>
    internal Digest Finish()
    {
        Drain();

        return _hashed.Finish();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ahead.Dispose();
            _received.Dispose();
        }

        base.Dispose(disposing);
    }
}
