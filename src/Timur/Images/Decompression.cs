using System.IO.Compression;

namespace Timur.Images;

/// <summary>Plain archives from compressed ones, told apart by their first bytes whatever a media type or a file's name says.</summary>
internal static class Decompression
{
    /// <summary>Bytes taken from the source at once: many small reads cost more than the copy.</summary>
    private const int Piece = 128 * 1024;

    /// <summary>gzip with any number of members, zstd with any number of frames, or a plain tar; anything else is a <see cref="Failure"/>.</summary>
    internal static Stream Open(Stream archive)
    {
        var peeked = new PeekedStream(archive, 4);
        return peeked.Head switch
        {
            [] => throw new Failure("the archive is empty", "give a .tar, .tar.gz or .tar.zst of a root file system"),
            [0x1f, 0x8b, ..] => new GZipStream(new BufferedStream(peeked, Piece), CompressionMode.Decompress),
            [0x28, 0xb5, 0x2f, 0xfd] or [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18] => new ZstdSharp.DecompressionStream(peeked, Piece),
            [0x42, 0x5a, 0x68, ..] => throw new Failure("the archive is compressed with bzip2", "unpack it first: bunzip2 FILE, or use gzip or zstd"),
            [0xfd, 0x37, 0x7a, 0x58] => throw new Failure("the archive is compressed with xz", "unpack it first: unxz FILE, or use gzip or zstd"),
            _ => peeked,
        };
    }

    /// <summary>What a decompressor throws when the bytes aren't what they seemed.</summary>
    internal static bool IsDamage(Exception e) => e is InvalidDataException or ZstdSharp.ZstdException or EndOfStreamException;

    /// <summary>A stream whose first bytes are known before they are read.</summary>
    private sealed class PeekedStream : ForwardStream
    {
        private readonly Stream _inner;
        private int _given;

        internal PeekedStream(Stream inner, int count)
        {
            _inner = inner;
            byte[] head = new byte[count];
            Head = head[..inner.ReadAtLeast(head, count, throwOnEndOfStream: false)];
        }

        internal byte[] Head { get; }

        public override int Read(Span<byte> buffer)
        {
            if (_given == Head.Length)
            {
                return _inner.Read(buffer);
            }

            int count = Math.Min(buffer.Length, Head.Length - _given);
            Head.AsSpan(_given, count).CopyTo(buffer);
            _given += count;
            return count;
        }
    }
}
