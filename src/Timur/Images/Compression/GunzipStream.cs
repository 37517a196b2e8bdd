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
        // Two bytes tell whether there is one, and the library wants the whole header at once: what it has read of one it forgets.
        while (!IsHeaderWhole(_input.AsSpan(_start, _end - _start)) && Fill())
        {
        }

        if (_hadMember && _input.AsSpan(_start, _end - _start) is not [0x1f, 0x8b, ..])
        {
            return false;
        }

        _inflate.Begin();
        return _hadMember = _isInMember = true;
    }

    /// <summary>Whether a member's header stands there to its end, or something else than a header (RFC 1952, 2.3).</summary>
    private static bool IsHeaderWhole(ReadOnlySpan<byte> bytes)
    {
        const int fixedPart = 10;
        const int checksum = 2, extra = 4, name = 8, comment = 16;
        if (bytes.Length >= 2 && bytes is not [0x1f, 0x8b, ..])
        {
            return true;
        }

        if (bytes.Length < fixedPart + 2)
        {
            return false;
        }

        int flags = bytes[3];
        int at = fixedPart + ((flags & extra) != 0 ? 2 + bytes[fixedPart] + (bytes[fixedPart + 1] << 8) : 0);
        foreach (int text in (ReadOnlySpan<int>)[name, comment])
        {
            int length = (flags & text) == 0 ? 0 : at < bytes.Length ? bytes[at..].IndexOf((byte)0) + 1 : 0;
            if ((flags & text) != 0 && length == 0)
            {
                return false;
            }

            at += length;
        }

        return at + ((flags & checksum) != 0 ? 2 : 0) <= bytes.Length;
    }

    /// <summary>Adds to what is left of the input; false at its end, and when there is no room.</summary>
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
