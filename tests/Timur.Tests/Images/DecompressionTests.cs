using System.IO.Compression;
using Timur.Images.Compression;
using Timur.Kernel.Foreign;
using Xunit;

namespace Timur.Tests.Images;

/// <summary>gzip by ISA-L against gzip by .NET, zstd by libzstd against its port, and reading them ahead.</summary>
public sealed class DecompressionTests
{
    [Fact]
    public void This_machine_has_the_library() => Assert.True(FastInflate.IsAvailable, "apt-get install libisal2");

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    public void Members_of_every_kind_come_out_as_they_went_in(int piece)
    {
        var random = new Random(piece);
        for (int round = 0; round < 40; round++)
        {
            byte[][] parts = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Sample(random))];
            byte[] packed = [.. parts.SelectMany(part => Pack(part, (CompressionLevel)random.Next(4)))];
            Assert.Equal(parts.SelectMany(part => part), Unpack(packed, piece, random.Next(1, 70_000)));
        }
    }

    /// <summary>As gzip(1) writes the name of a file into it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(18)]
    [InlineData(4096)]
    public void Headers_with_names_and_comments_may_come_in_pieces(int piece)
    {
        var random = new Random(piece);
        byte[] name = [.. "rootfs-of-a-long-name.tar"u8, 0], comment = [.. "made by hand"u8, 0], extra = [5, 0, 1, 2, 0, 4, 5];
        for (int flags = 0; flags < 32; flags += 4)
        {
            byte[] plain = Sample(random), packed = Pack(plain, CompressionLevel.Optimal);
            byte[] member = [.. packed[..3], (byte)flags, .. packed[4..10], .. (flags & 4) != 0 ? extra : [], .. (flags & 8) != 0 ? name : [], .. (flags & 16) != 0 ? comment : [], .. packed[10..]];
            Assert.Equal(plain.Concat(plain), Unpack([.. member, .. member], piece, 70_000));
        }
    }

    [Fact]
    public void What_follows_the_last_member_is_left_alone()
    {
        byte[] member = Pack([1, 2, 3], CompressionLevel.Optimal);
        Assert.Equal([1, 2, 3], Unpack([.. member, 0, 0, 0, 0], 100, 5));
        Assert.Equal([1, 2, 3], Unpack([.. member, 0x1f], 100, 100));
    }

    [Fact]
    public void A_stream_cut_off_anywhere_is_damage()
    {
        byte[] packed = Pack(Sample(new Random(3)), CompressionLevel.Optimal);
        for (int length = 2; length < packed.Length; length += Math.Max(1, length / 9))
        {
            Assert.Throws<InvalidDataException>(() => Unpack(packed[..length], 4096, 4096));
        }
    }

    [Fact]
    public void Changed_bytes_are_damage_or_change_nothing()
    {
        var random = new Random(4);
        for (int round = 0; round < 3000; round++)
        {
            byte[] plain = Sample(random);
            byte[] packed = Pack(plain, CompressionLevel.Fastest);

            // Name, time and the like in the header mean nothing here.
            packed[random.Next(10, packed.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                Assert.Equal(plain, Unpack(packed, 64 * 1024, 64 * 1024));
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    public void Frames_of_zstd_come_out_as_they_went_in(int piece)
    {
        Assert.True(FastZstd.IsAvailable, "apt-get install libzstd1");
        var random = new Random(piece);
        for (int round = 0; round < 40; round++)
        {
            byte[][] parts = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Sample(random))];
            byte[] packed = [.. parts.SelectMany(PackZstd)];
            Assert.Equal(parts.SelectMany(part => part), UnpackZstd(packed, piece, random.Next(1, 70_000)));
        }
    }

    [Fact]
    public void Frames_that_are_cut_off_or_changed_are_damage()
    {
        var random = new Random(6);
        byte[] plain = new byte[50_000];
        random.NextBytes(plain);
        byte[] packed = PackZstd(plain);
        for (int length = 19; length < packed.Length; length += length / 9)
        {
            Assert.Throws<InvalidDataException>(() => UnpackZstd(packed[..length], 4096, 4096));
        }

        for (int round = 0; round < 500; round++)
        {
            byte[] changed = [.. packed];
            changed[random.Next(20, packed.Length)] ^= (byte)(1 << random.Next(8));
            Assert.Throws<InvalidDataException>(() => UnpackZstd(changed, 64 * 1024, 64 * 1024));
        }
    }

    [Fact]
    public void Reading_ahead_gives_the_same_bytes_and_the_error_after_them()
    {
        var random = new Random(5);
        byte[] plain = new byte[3_000_000];
        random.NextBytes(plain);
        using var ahead = new ReadAheadStream(new FailingStream(plain));
        using var got = new MemoryStream();
        byte[] buffer = new byte[100_000];
        int count;
        while (got.Length < plain.Length && (count = ahead.Read(buffer, 0, random.Next(1, buffer.Length))) > 0)
        {
            got.Write(buffer, 0, count);
        }

        Assert.Equal(plain, got.ToArray());
        Assert.Throws<IOException>(() => ahead.ReadByte());
        Assert.Throws<IOException>(() => ahead.ReadByte());
    }

    [Fact]
    public void Closing_stops_what_reads_ahead()
    {
        var endless = new EndlessStream();
        using (var ahead = new ReadAheadStream(endless))
        {
            ahead.ReadByte();
        }

        Assert.True(endless.IsClosed);
        long after = endless.Reads;
        Assert.InRange(after, 1, 1000);
        Assert.Equal(after, endless.Reads);
    }

    private static byte[] Sample(Random random)
    {
        byte[] bytes = new byte[random.Next(4) switch { 0 => 0, 1 => random.Next(20), 2 => random.Next(3000), _ => random.Next(200_000) }];
        random.NextBytes(bytes);

        // Half of it repeats, some of it from far away.
        for (int at = 0; at + 64 < bytes.Length; at += 128)
        {
            bytes.AsSpan(random.Next(at + 1), 64).CopyTo(bytes.AsSpan(at, 64));
        }

        return bytes;
    }

    private static byte[] Pack(byte[] plain, CompressionLevel level)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, level))
        {
            gzip.Write(plain);
        }

        return plain.Length > 0 ? packed.ToArray() : [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    }

    private static byte[] Unpack(byte[] packed, int piece, int buffer)
    {
        using Stream stream = GunzipStream.Open(new PiecewiseStream(packed, piece));
        Assert.IsType<GunzipStream>(stream);
        var plain = new MemoryStream();
        stream.CopyTo(plain, buffer);
        return plain.ToArray();
    }

    private static byte[] PackZstd(byte[] plain)
    {
        using var compressor = new ZstdSharp.Compressor(3);
        compressor.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        return compressor.Wrap(plain).ToArray();
    }

    private static byte[] UnpackZstd(byte[] packed, int piece, int buffer)
    {
        using var stream = new UnzstdStream(new PiecewiseStream(packed, piece), largestWindow: 24);
        var plain = new MemoryStream();
        stream.CopyTo(plain, buffer);
        return plain.ToArray();
    }

    /// <summary>Gives at most so many bytes at once.</summary>
    private sealed class PiecewiseStream(byte[] bytes, int piece) : ForwardStream
    {
        private int _at;

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(Math.Min(piece, buffer.Length), bytes.Length - _at);
            bytes.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }
    }

    private sealed class FailingStream(byte[] bytes) : ForwardStream
    {
        private int _at;

        public override int Read(Span<byte> buffer)
        {
            if (_at == bytes.Length)
            {
                throw new IOException("no more");
            }

            int count = Math.Min(buffer.Length, Math.Min(10_000, bytes.Length - _at));
            bytes.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }
    }

    private sealed class EndlessStream : ForwardStream
    {
        internal long Reads { get; private set; }

        internal bool IsClosed { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            Assert.False(IsClosed);
            Reads++;
            return buffer.Length;
        }

        protected override void Dispose(bool disposing)
        {
            IsClosed = true;
            base.Dispose(disposing);
        }
    }
}
