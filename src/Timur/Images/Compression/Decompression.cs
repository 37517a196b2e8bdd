
namespace Timur.Images.Compression;

/// <summary>Plain archives from compressed ones, told apart by their first bytes whatever a media type or a file's name says.</summary>
internal static class Decompression
{
    /// <summary>Bytes taken from the source at once: many small reads cost more than the copy.</summary>
    private const int Piece = 128 * 1024;

    /// <summary>More plain bytes than this have to be worth their compressed ones; gzip reaches 1032 at most.</summary>
    private const long Unquestioned = 4L << 30;

    private const long LargestRatio = 1000;

    private const int HeadLength = 18;

    /// <summary>What <c>xz -9</c> needs is 65 MiB.</summary>
    private const string XzMemory = "--memlimit-decompress=128MiB";

    /// <summary>gzip with any number of members, zstd with any number of frames, or a plain tar; anything else is a <see cref="Failure"/>.</summary>
    /// <param name="unquestioned">Plain bytes that need not be worth their compressed ones.</param>
    internal static Stream Open(Stream archive, long unquestioned = Unquestioned) => Open(archive, unquestioned, (program, _) => throw new Failure($"the archive is compressed with {program}", "use gzip or zstd"));

    /// <summary>As <see cref="Open(Stream, long)"/>, for an archive that a person hands over and no registry does: this machine's own programs read xz and bzip2, too.</summary>
    internal static Stream OpenGiven(Stream archive) => Open(archive, Unquestioned, (program, compressed) => ProgramStream.Start(program, program == "xz" ? ["-dc", XzMemory] : ["-dc"], compressed));

    private static Stream Open(Stream archive, long unquestioned, Func<string, Stream, Stream> byProgram)
    {
        var counted = new CountingStream(archive);
        var peeked = new PeekedStream(counted, HeadLength);
        Stream plain = peeked.Head switch
        {
            [] => throw new Failure("the archive is empty", "give a .tar, .tar.gz or .tar.zst: what save wrote for load, a root file system for import"),
            [0x1f, 0x8b, ..] => GunzipStream.Open(peeked),
            [0x28, 0xb5, 0x2f, 0xfd, ..] or [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18, ..] => new ZstdStream(peeked, peeked.Head),
            [0x42, 0x5a, 0x68, ..] => byProgram("bzip2", peeked),
            [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, ..] => byProgram("xz", peeked),
            _ => peeked,
        };
        return plain == peeked ? peeked : new LimitedStream(plain, counted, unquestioned);
    }

    /// <summary>Whether these first four bytes are gzip's or zstd's.</summary>
    internal static bool IsCompressed(ReadOnlySpan<byte> head) => head is [0x1f, 0x8b, ..] or [0x28, 0xb5, 0x2f, 0xfd] or [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18];

    /// <summary>What a decompressor throws when the bytes aren't what they seemed.</summary>
    internal static bool IsDamage(Exception e) => e is InvalidDataException or ZstdSharp.ZstdException or EndOfStreamException;

    private sealed class CountingStream(Stream inner) : ForwardStream
    {
        internal long Count { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            int count = inner.Read(buffer);
            Count += count;
            return count;
        }
    }

    /// <summary>Ends with a <see cref="Failure"/> when little becomes more than anybody means.</summary>
    private sealed class LimitedStream(Stream plain, CountingStream compressed, long unquestioned) : ForwardStream
    {
        private long _count;

        public override int Read(Span<byte> buffer)
        {
            int count = ReadChecked(buffer);
            _count += count;
            return _count <= unquestioned || _count / LargestRatio <= compressed.Count ? count
                : throw new Failure(
                    $"the archive's first {new ByteSize(compressed.Count).ToDecimalString()} unpack to more than {new ByteSize(_count).ToDecimalString()}", "it was made to fill disks; if it wasn't, leave its holes out: tar -S");
        }

        private int ReadChecked(Span<byte> buffer)
        {
            try
            {
                return plain.Read(buffer);
            }
            catch (Exception e) when (IsDamage(e))
            {
                throw new Failure($"the archive is damaged: {e.Message}", "it may have been changed or cut off on its way: get it again", cause: e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            plain.Dispose();
            base.Dispose(disposing);
        }
    }

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
