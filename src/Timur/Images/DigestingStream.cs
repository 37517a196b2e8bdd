using Timur.Digests;

namespace Timur.Images;

/// <summary>Digests and counts what is written through it; closing closes what is behind, and then the digest is known.</summary>
internal sealed class DigestingStream(Stream inner, CancellationToken cancel) : Stream
{
    private readonly StreamSha256 _digest = new();
    private bool _closed;

    /// <summary>Known once it is closed.</summary>
    internal Digest Digest { get; private set; }

    /// <summary>Bytes so far.</summary>
    internal long Count { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        cancel.ThrowIfCancellationRequested();
        inner.Write(buffer);
        _digest.Append(buffer);
        Count += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (!_closed)
        {
            _closed = true;
            inner.Dispose();
            Digest = Digest.FromSha256(_digest.FinishHex());
            _digest.Dispose();
        }

        base.Dispose(disposing);
    }
}
