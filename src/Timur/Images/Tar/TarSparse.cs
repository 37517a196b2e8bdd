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
            parts = Pairs(Encoding.ASCII.GetString(map).Split(','));
            size = PaxRecords.Number(pax, "GNU.sparse.size") ?? PaxRecords.Number(pax, "GNU.sparse.realsize") ?? size;
        }
        else if (PaxRecords.Number(pax, "GNU.sparse.major") == 1)
        {
            long before = unread;
            parts = ReadVersionOne(ref unread);
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
            stream.ReadExactly(block);
            Collect(block.AsSpan(0, 504), parts);
            more = block[504] != 0;
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

    /// <summary>The map stands before the data: numbers in lines, padded to a block.</summary>
    private List<(long, long)> ReadVersionOne(ref long unread)
    {
        var text = new StringBuilder();
        byte[] block = new byte[Block];
        long expected = -1;
        while (true)
        {
            int count = 0;
            while (count < Block)
            {
                int read = reader.Read(block.AsSpan(count));
                count += read > 0 ? read : throw new Failure("the archive has a sparse file with a damaged map");
            }

            text.Append(Encoding.ASCII.GetString(block).TrimEnd('\0'));
            string[] lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            expected = lines.Length > 0 && long.TryParse(lines[0], out long number) ? number : throw new Failure("the archive has a sparse file with a damaged map");
            if (expected > MaximumParts)
            {
                throw new Failure($"the archive has a sparse file of {expected} parts");
            }

            if (lines.Length > expected * 2 && text[^1] == '\n')
            {
                return Pairs(lines.AsSpan(1, (int)expected * 2).ToArray());
            }
        }
    }

    private static List<(long, long)> Pairs(string[] numbers)
    {
        var parts = new List<(long, long)>(numbers.Length / 2);
        for (int i = 0; i + 1 < numbers.Length; i += 2)
        {
            parts.Add((long.Parse(numbers[i], CultureInfo.InvariantCulture), long.Parse(numbers[i + 1], CultureInfo.InvariantCulture)));
        }

        return parts;
    }

    private static void Check(List<(long Offset, long Length)> parts, long size)
    {
        long end = 0;
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
