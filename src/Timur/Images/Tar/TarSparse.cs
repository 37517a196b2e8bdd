using System.Globalization;
using System.Text;

namespace Timur.Images.Tar;

/// <summary>The four ways in which archives describe files with holes: old GNU (type S), pax 0.0, 0.1 and 1.0 (GNU tar manual, Sparse Formats).</summary>
internal sealed class TarSparse(TarReader reader, Stream stream)
{
    private const int Block = 512;
    private const int MaximumParts = 1 << 20;

    /// <summary>The parts that hold data, or null for an ordinary file; <paramref name="size"/> becomes the file's real size.</summary>
    internal IReadOnlyList<(long Offset, long Length)>? Read(byte[] header, Dictionary<string, byte[]> pax, ref long size, ref long unread, ref long padding)
    {
        List<(long, long)>? parts = null;
        if (header[156] == 'S')
        {
            parts = ReadOldGnu(header, out size);
        }
        else if (pax.TryGetValue("GNU.sparse.map", out byte[]? map))
        {
            parts = Pairs(Numbers(map));
            size = PaxRecords.Number(pax, "GNU.sparse.size") ?? PaxRecords.Number(pax, "GNU.sparse.realsize") ?? size;
        }
        else if (PaxRecords.Number(pax, "GNU.sparse.major") == 1)
        {
            long before = unread;
            parts = ReadVersionOne();
            size = PaxRecords.Number(pax, "GNU.sparse.realsize") ?? throw new Failure("the archive has a sparse file without a size");
            padding = TarReader.Padded(before) - before;
        }

        if (parts is not null)
        {
            Check(parts, size);
        }

        return parts;
    }

    private List<(long, long)> ReadOldGnu(byte[] header, out long size)
    {
        var parts = new List<(long, long)>();
        size = TarNumber.Read(header.AsSpan(483, 12));
        Collect(header.AsSpan(386, 96), parts);
        bool more = header[482] != 0;
        byte[] block = new byte[Block];
        while (more)
        {
            if (stream.ReadAtLeast(block, Block, throwOnEndOfStream: false) < Block)
            {
                throw TarReader.CutOff("in the map of a sparse file");
            }

            Collect(block.AsSpan(0, 504), parts);
            more = parts.Count <= MaximumParts ? block[504] != 0 : throw TooMany();
        }

        return parts;
    }

    private static void Collect(ReadOnlySpan<byte> fields, List<(long, long)> parts)
    {
        for (int i = 0; i + 24 <= fields.Length && fields[i] != 0; i += 24)
        {
            parts.Add((TarNumber.Read(fields.Slice(i, 12)), TarNumber.Read(fields.Slice(i + 12, 12))));
        }
    }

    /// <summary>The map stands before the data: numbers in lines, their count first, padded to a block.</summary>
    private List<(long, long)> ReadVersionOne()
    {
        long count = -1;
        var numbers = new List<long>();
        byte[] block = new byte[Block];
        long number = -1;
        while (count < 0 || numbers.Count < count * 2)
        {
            for (int filled = 0; filled < Block;)
            {
                int read = reader.Read(block.AsSpan(filled));
                filled += read > 0 ? read : throw Damaged();
            }

            foreach (byte digit in block)
            {
                if (digit is >= (byte)'0' and <= (byte)'9' && number < long.MaxValue / 10)
                {
                    number = (Math.Max(number, 0) * 10) + digit - '0';
                }
                else if (digit == '\n' && number >= 0 && count < 0)
                {
                    count = number <= MaximumParts ? number : throw TooMany();
                    number = -1;
                }
                else if (digit == '\n' && number >= 0)
                {
                    numbers.Add(number);
                    number = -1;
                }
                else
                {
                    throw Damaged();
                }

                if (count >= 0 && numbers.Count == count * 2)
                {
                    break;
                }
            }
        }

        return Pairs(numbers);
    }

    private static List<long> Numbers(byte[] map)
    {
        var numbers = new List<long>();
        foreach (string text in Encoding.ASCII.GetString(map).Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            numbers.Add(long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : throw Damaged());
        }

        return numbers;
    }

    private static List<(long, long)> Pairs(List<long> numbers)
    {
        if (numbers.Count % 2 != 0)
        {
            throw Damaged();
        }

        var parts = new List<(long, long)>(numbers.Count / 2);
        for (int i = 0; i < numbers.Count; i += 2)
        {
            parts.Add((numbers[i], numbers[i + 1]));
        }

        return parts;
    }

    private static Failure Damaged() => new("the archive has a sparse file with a damaged map");

    private static Failure TooMany() => new($"the archive has a sparse file of more than {MaximumParts} parts");

    private static void Check(List<(long Offset, long Length)> parts, long size)
    {
        long end = 0;
        if (size < 0)
        {
            throw Damaged();
        }

        foreach ((long offset, long length) in parts)
        {
            if (offset < end || length < 0 || offset + length > size || offset + length < offset)
            {
                throw new Failure("the archive has a sparse file whose parts overlap or leave it");
            }

            end = offset + length;
        }
    }
}
