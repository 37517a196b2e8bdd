namespace Timur.Images.Compression;

/// <summary>
/// Decompresses zstd within bounds: a stream may refer back to so many bytes (RFC 8878, "Window Descriptor"), and they have to be kept. Of streams with large
/// windows, which only the slowest levels make, one at a time is read.
/// </summary>
internal sealed class ZstdStream : ForwardStream
{
    private const int Piece = 128 * 1024;

    /// <summary>Base-2 logarithms of bytes: what each of several streams may take, and what one may; zstd's own limit is the latter, too.</summary>
    private const int SmallWindow = 24;
    private const int LargestWindow = 27;

    private static readonly SemaphoreSlim Large = new(1);

    private readonly Stream _inner;
    private readonly bool _isLarge;

    /// <param name="head">The first bytes of <paramref name="source"/>, which come from it again.</param>
    internal ZstdStream(Stream source, ReadOnlySpan<byte> head)
    {
        ulong window = Window(head);
        if (window > 1UL << LargestWindow)
        {
            throw new Failure($"the archive was compressed so that {new ByteSize((long)Math.Min(window, long.MaxValue)).ToDecimalString()} of memory are needed to unpack it", "compress it again without --long");
        }

        _isLarge = window > 1UL << SmallWindow;
        if (_isLarge)
        {
            Large.Wait();
        }

        _inner = Open(source, _isLarge ? LargestWindow : SmallWindow);
    }

    /// <summary>By libzstd where this machine has it.</summary>
    private static Stream Open(Stream source, int window)
    {
        if (Kernel.Foreign.FastZstd.IsAvailable)
        {
            return new UnzstdStream(source, window);
        }

        var ported = new ZstdSharp.DecompressionStream(source, Piece);
        ported.SetParameter(ZstdSharp.Unsafe.ZSTD_dParameter.ZSTD_d_windowLogMax, window);
        return ported;
    }

    public override int Read(Span<byte> buffer) => _inner.Read(buffer);

    protected override void Dispose(bool disposing)
    {
        _inner.Dispose();
        if (disposing && _isLarge)
        {
            Large.Release();
        }

        base.Dispose(disposing);
    }

    /// <summary>The window of the first frame (RFC 8878, "Frame_Header"); 0 when it is skipped or cut off, and then the decompressor finds out.</summary>
    private static ulong Window(ReadOnlySpan<byte> head)
    {
        if (head.Length < 18 || head[0] != 0x28)
        {
            return 0;
        }

        byte descriptor = head[4];
        bool isSingle = (descriptor & 0x20) != 0;
        if (!isSingle)
        {
            ulong unit = 1UL << (10 + (head[5] >> 3));
            return unit + (unit / 8 * (ulong)(head[5] & 7));
        }

        // The content's size stands behind the dictionary's number.
        int at = 5 + ((descriptor & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 });
        return (descriptor >> 6) switch
        {
            0 => head[at],
            1 => BitConverter.ToUInt16(head[at..]) + 256UL,
            2 => BitConverter.ToUInt32(head[at..]),
            _ => BitConverter.ToUInt64(head[at..]),
        };
    }
}
