using Timur.Kernel;

namespace Timur.Images.Tar;

/// <summary>
/// Reads tar archives (POSIX pax and ustar, GNU extensions, v7) as bytes: names that are no UTF-8, ids up to 2^32-2, nanoseconds, negative times,
/// extended attributes and every sparse format survive. Malformed archives are a <see cref="Failure"/>.
/// </summary>
internal sealed class TarReader(Stream stream)
{
    private const int Block = 512;

    /// <summary>Bytes of extended headers before one entry, and of global ones in the whole archive.</summary>
    private const int MaximumHeader = 4 << 20;

    private const int MostGlobals = 1000;
    private readonly byte[] _block = new byte[Block];
    private bool _hasBegun;
    private readonly Dictionary<string, byte[]> _global = [];
    private long _unread;
    private long _padding;
    private long _extended;
    private long _globals;

    /// <summary>The next entry, or null at the end; what follows the end is left in the stream.</summary>
    internal TarEntry? Next()
    {
        Skip(_unread + _padding);
        (_unread, _padding, _extended) = (0, 0, 0);
        var pax = new Dictionary<string, byte[]>(_global);
        byte[]? longName = null;
        byte[]? longLink = null;
        while (true)
        {
            if (!TryReadHeader())
            {
                return null;
            }

            switch ((char)_block[156])
            {
                case 'x': PaxRecords.Parse(ReadMember(), pax); continue;
                case 'g': ReadGlobal(pax); continue;
                case 'L': longName = TrimZero(ReadMember()); continue;
                case 'K': longLink = TrimZero(ReadMember()); continue;
                case 'V' or 'M' or 'N': Skip(Padded(TarNumber.Read(_block.AsSpan(124, 12)))); continue;
                default: return ReadEntry(pax, longName, longLink);
            }
        }
    }

    /// <summary>Reads content of the current entry; 0 at its end.</summary>
    internal int Read(Span<byte> buffer)
    {
        int wanted = (int)Math.Min(buffer.Length, _unread);
        if (wanted == 0)
        {
            return 0;
        }

        int count = stream.Read(buffer[..wanted]);
        if (count == 0)
        {
            throw CutOff("in the middle of a file");
        }

        _unread -= count;
        return count;
    }

    private void ReadGlobal(Dictionary<string, byte[]> pax)
    {
        byte[] records = ReadMember();
        _globals += records.Length;
        PaxRecords.Parse(records, _global);
        if (_globals > MaximumHeader || _global.Count > MostGlobals)
        {
            throw new Failure($"the archive has {_globals} bytes of global headers", "that is more than any real archive needs");
        }

        PaxRecords.Overlay(_global, pax);
    }

    private TarEntry ReadEntry(Dictionary<string, byte[]> pax, byte[]? longName, byte[]? longLink)
    {
        long size = PaxRecords.Number(pax, "size") ?? TarNumber.Read(_block.AsSpan(124, 12));
        TarKind kind = KindOf((char)_block[156]);
        bool hasContent = kind == TarKind.File;
        if (size < 0)
        {
            throw new Failure("the archive has an entry of negative size");
        }

        (long seconds, uint nanoseconds) = PaxRecords.Time(pax, "mtime") ?? (TarNumber.Read(_block.AsSpan(136, 12)), 0);
        byte[] name = pax.GetValueOrDefault("GNU.sparse.name") ?? pax.GetValueOrDefault("path") ?? longName ?? HeaderName();
        byte[] header = _block.AsSpan().ToArray();
        (_unread, _padding) = hasContent ? (size, Padded(size) - size) : (0, 0);
        if (!hasContent && kind is not (TarKind.HardLink or TarKind.SymbolicLink or TarKind.Directory))
        {
            Skip(Padded(size));
        }

        IReadOnlyList<(long, long)>? parts = hasContent ? new TarSparse(this, stream).Read(header, pax, ref size, ref _unread, ref _padding) : null;
        return new TarEntry
        {
            Name = name,
            LinkName = pax.GetValueOrDefault("linkpath") ?? longLink ?? TrimZero(header.AsSpan(157, 100)),
            Kind = kind == TarKind.File && name.Length > 0 && name[^1] == '/' ? TarKind.Directory : kind,
            Attributes = new OwnerAndTimes(
                (uint)TarNumber.Read(header.AsSpan(100, 8)) & 0xFFF,
                Identity(PaxRecords.Number(pax, "uid") ?? TarNumber.Read(header.AsSpan(108, 8))),
                Identity(PaxRecords.Number(pax, "gid") ?? TarNumber.Read(header.AsSpan(116, 8))), seconds, nanoseconds),
            Size = size,
            Major = (uint)TarNumber.Read(header.AsSpan(329, 8)),
            Minor = (uint)TarNumber.Read(header.AsSpan(337, 8)),
            Extended = PaxRecords.ExtendedAttributes(pax),
            Parts = parts,
        };
    }

    /// <summary>2^32-1 means nobody to chown(2).</summary>
    private static uint Identity(long number) => number is >= 0 and < uint.MaxValue ? (uint)number : throw new Failure($"the archive has the owner {number}", "user and group ids are 0 to 4294967294");

    private byte[] HeaderName()
    {
        byte[] name = TrimZero(_block.AsSpan(0, 100));
        bool isUstar = _block.AsSpan(257, 6).SequenceEqual("ustar\0"u8);
        byte[] prefix = isUstar ? TrimZero(_block.AsSpan(345, 155)) : [];
        return prefix.Length > 0 ? [.. prefix, (byte)'/', .. name] : name;
    }

    private static TarKind KindOf(char type) => type switch
    {
        '1' => TarKind.HardLink,
        '2' => TarKind.SymbolicLink,
        '3' => TarKind.CharacterDevice,
        '4' => TarKind.BlockDevice,
        '5' or 'D' => TarKind.Directory,
        '6' => TarKind.Fifo,
        _ => TarKind.File,
    };

    /// <summary>False at the end: a block of zeroes, or nothing more.</summary>
    private bool TryReadHeader()
    {
        int count = stream.ReadAtLeast(_block, Block, throwOnEndOfStream: false);
        if (count == 0 || (count == Block && _block.AsSpan().IndexOfAnyExcept((byte)0) < 0))
        {
            return false;
        }

        if (count < Block)
        {
            throw _hasBegun ? CutOff("in the middle of a header") : NoArchive();
        }

        _hasBegun = true;

        long sum = 0;
        for (int i = 0; i < Block; i++)
        {
            sum += i is >= 148 and < 156 ? ' ' : _block[i];
        }

        return TarNumber.TryRead(_block.AsSpan(148, 8), out long recorded) && sum == recorded ? true
            : throw NoArchive();
    }

    private static Failure NoArchive() => new("this isn't a tar archive, or it is damaged: a header's checksum is wrong", "give a .tar, .tar.gz or .tar.zst: what save wrote for load, a root file system for import");

    private byte[] ReadMember()
    {
        long size = TarNumber.Read(_block.AsSpan(124, 12));
        if (size is < 0 or > MaximumHeader || (_extended += size) > MaximumHeader)
        {
            throw new Failure($"the archive has extended headers of {Math.Max(size, _extended)} bytes", "that is more than any real archive needs");
        }

        byte[] content = new byte[size];
        if (stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length)
        {
            throw CutOff("in the middle of an extended header");
        }

        Skip(Padded(size) - size);
        return content;
    }

    private void Skip(long count)
    {
        byte[] buffer = new byte[Math.Min(count, 64 * 1024)];
        while (count > 0)
        {
            int read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, count));
            count -= read > 0 ? read : throw CutOff("too early");
        }
    }

    internal static Failure CutOff(string where) => new($"the archive ends {where}", "it may have been cut off: get it again");

    internal static long Padded(long size) => (size + Block - 1) / Block * Block;

    private static byte[] TrimZero(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return (end < 0 ? field : field[..end]).ToArray();
    }
}

/// <summary>Numbers of a header: octal text, or base 256 when the first bit is set.</summary>
internal static class TarNumber
{
    internal static long Read(ReadOnlySpan<byte> field)
        => TryRead(field, out long number) ? number
            : throw new Failure("the archive is damaged: a number in a header isn't one", "it may have been changed on its way: get it again");

    internal static bool TryRead(ReadOnlySpan<byte> field, out long number)
    {
        number = 0;
        if ((field[0] & 0x80) != 0)
        {
            number = (field[0] & 0x40) != 0 ? -1 : 0;
            number = (number << 6) | (field[0] & 0x3fL);
            foreach (byte next in field[1..])
            {
                if (number is > long.MaxValue >> 8 or < long.MinValue >> 8)
                {
                    return false;
                }

                number = (number << 8) | next;
            }

            return true;
        }

        foreach (byte digit in field)
        {
            if (digit is >= (byte)'0' and <= (byte)'7')
            {
                number = (number * 8) + digit - '0';
            }
            else if (digit is not ((byte)' ' or 0))
            {
                return false;
            }
            else if (number > 0)
            {
                break;
            }
        }

        return true;
    }
}
