using Timur.Digests;
using Timur.Images.Compression;

namespace Timur.Images;

/// <summary>Hashes what is read; closes its source.</summary>
internal sealed class HashingStream(Stream inner, CancellationToken cancel) : ForwardStream
{
    private readonly StreamSha256 _digest = new();

    public override int Read(Span<byte> buffer)
    {
        cancel.ThrowIfCancellationRequested();
        int count = inner.Read(buffer);
        _digest.Append(buffer[..count]);
        return count;
    }

    /// <summary>Reads the rest; the digest in hexadecimal.</summary>
    internal string Finish()
    {
        byte[] rest = new byte[64 * 1024];
        while (Read(rest) > 0)
        {
        }

        return _digest.FinishHex();
    }

    protected override void Dispose(bool disposing)
    {
        _digest.Dispose();
        inner.Dispose();
        base.Dispose(disposing);
    }
}
