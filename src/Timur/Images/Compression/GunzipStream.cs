using System.IO.Compression;
using Timur.Kernel.Foreign;

namespace Timur.Images.Compression;

/// <summary>
/// Decompresses gzip (RFC 1952), any number of members, with <see cref="FastInflate"/>; what follows the last one is left alone. Damage is an
/// <see cref="InvalidDataException"/>, as of .NET's own stream.
/// </summary>
internal sealed class GunzipStream : ForwardStream
{
    private const int Piece = 128 * 1024;

    private readonly FastInflate _inflate = new();
    private readonly Stream _source;
    private readonly byte[] _input = new byte[Piece];
    private int _start;
    private int _end;
    private bool _isInMember;
    private bool _hadMember;

    private GunzipStream(Stream source) => _source = source;

    /// <summary>By the fastest means that this machine has; reads large pieces of the source.</summary>
    internal static Stream Open(Stream source)
        => FastInflate.IsAvailable ? new GunzipStream(source) : new GZipStream(new BufferedStream(source, Piece), CompressionMode.Decompress);

    public override int Read(Span<byte> buffer)
    {
        while (buffer.Length > 0 && (_isInMember || BeginMember()))
        {
            bool isEnd = _start == _end && !Fill();
            bool isSound = _inflate.Continue(_input.AsSpan(_start, _end - _start), buffer, out int taken, out int given, out bool isFinished);
            _start += taken;
            _isInMember = !isFinished;
            if (!isSound)
            {
                throw new InvalidDataException("a block of its gzip stream isn't valid, or its checksum is wrong");
            }

            if (given > 0)
            {
                return given;
            }

            if (isEnd && !isFinished)
            {
                throw new InvalidDataException("its gzip stream is cut off");
            }
        }

        return 0;
    }

    /// <summary>False when no member follows.</summary>
    private bool BeginMember()
    {
        // Two bytes tell whether there is one.
        while (_end - _start < 2 && Fill())
        {
        }

        if (_hadMember && _input.AsSpan(_start, _end - _start) is not [0x1f, 0x8b, ..])
        {
            return false;
        }

        _inflate.Begin();
        return _hadMember = _isInMember = true;
    }

    /// <summary>Adds to what is left of the input; false at its end.</summary>
    private bool Fill()
    {
        _input.AsSpan(_start, _end - _start).CopyTo(_input);
        (_start, _end) = (0, _end - _start);
        int count = _source.Read(_input.AsSpan(_end));
        _end += count;
        return count > 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inflate.Dispose();
            _source.Dispose();
        }

        base.Dispose(disposing);
    }
}
