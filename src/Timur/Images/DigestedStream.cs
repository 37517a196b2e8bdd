using Timur.Digests;
using Timur.Images.Compression;

namespace Timur.Images;

/// <summary>Digests what is read with the algorithm of the digest that is expected of it; closing closes what is behind.</summary>
internal sealed class DigestedStream(Stream inner, Digest expected, CancellationToken cancel = default) : ForwardStream
{
    private readonly DigestStream _digest = new(expected);

    /// <summary>Bytes so far.</summary>
    internal long Count { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        cancel.ThrowIfCancellationRequested();
        int count = inner.Read(buffer);
        _digest.Append(buffer[..count]);
        Count += count;
        return count;
    }

    /// <summary>Reads the rest; the digest of all.</summary>
    internal Digest Finish()
    {
        Drain();

        return _digest.Finish();
    }

    protected override void Dispose(bool disposing)
    {
        _digest.Dispose();
        inner.Dispose();
        base.Dispose(disposing);
    }
}
