using Timur.Kernel.Foreign;

namespace Timur.Images.Compression;

/// <summary>Decompresses zstd, any number of frames, with <see cref="FastZstd"/>. Damage is an <see cref="InvalidDataException"/>.</summary>
internal sealed class UnzstdStream(Stream source, int largestWindow) : ForwardStream
{
    private const int Piece = 128 * 1024;

    private readonly FastZstd _zstd = new(largestWindow);
    private readonly byte[] _input = new byte[Piece];
    private int _start;
    private int _end;
    private bool _isBetweenFrames = true;

    public override int Read(Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            if (_start == _end)
            {
                (_start, _end) = (0, source.Read(_input));
            }

            bool isEnd = _end == 0;
            if (isEnd && _isBetweenFrames)
            {
                return 0;
            }

            _isBetweenFrames = _zstd.Continue(_input.AsSpan(_start, _end - _start), buffer, out int taken, out int given);
            _start += taken;
            if (given > 0)
            {
                return given;
            }

            if (isEnd && !_isBetweenFrames)
            {
                throw new InvalidDataException("its zstd stream is cut off");
            }
        }

        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _zstd.Dispose();
            source.Dispose();
        }

        base.Dispose(disposing);
    }
}
