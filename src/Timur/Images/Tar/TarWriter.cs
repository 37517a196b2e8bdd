using System.Globalization;
using System.Text;
using Timur.Kernel;

namespace Timur.Images.Tar;

/// <summary>
/// Writes tar archives in pax format (POSIX.1-2017, pax): ustar headers, and before them an extended header for what doesn't fit. The same entries give the
/// same bytes: no names of users, no time of writing.
/// </summary>
internal sealed class TarWriter(Stream stream)
{
    private const int Block = 512;
    private const long LargestOctal11 = 0x1FFFFFFFF;
    private const uint LargestOctal7 = 0x1FFFFF;
    private readonly byte[] _header = new byte[Block];
    private readonly byte[] _buffer = new byte[128 * 1024];

    /// <summary>An entry without content.</summary>
    internal void Write(char type, byte[] name, byte[] link, FileStatus status, IReadOnlyList<(byte[] Name, byte[] Value)> extended) => WriteHeaders(type, name, link, status, 0, extended);

    /// <summary>A regular file.</summary>
    /// <param name="fill">Fill up with zeroes what has become shorter since; else that is a <see cref="Failure"/>.</param>
    internal void WriteFile(byte[] name, FileStatus status, IReadOnlyList<(byte[] Name, byte[] Value)> extended, Fd content, bool fill = false)
    {
        long size = (long)status.Size;
        WriteHeaders('0', name, [], status, size, extended);
        long left = size;
        while (left > 0)
        {
            int count = Files.Read(content, _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, left)));
            if (count == 0 && fill)
            {
                count = (int)Math.Min(_buffer.Length, left);
                _buffer.AsSpan(0, count).Clear();
            }

            if (count == 0)
            {
                throw new Failure($"'{TreeWriter.Show(name)}' became shorter while it was read", "try again when nothing changes it");
            }

            stream.Write(_buffer, 0, count);
            left -= count;
        }

        Pad(size);
    }

    /// <summary>A file of root's, mode 0644, without a time: what a saved image consists of.</summary>
    internal void WritePlain(string name, long size, Stream content)
    {
        WriteHeaders('0', Encoding.UTF8.GetBytes(name), [], new FileStatus(FileKind.Regular, 0x1A4, 1, 0, 0, 0, (ulong)size, 0, 0, 0, 0, 0, 0, 0, false), size, []);
        long left = size;
        while (left > 0)
        {
            int count = content.Read(_buffer, 0, (int)Math.Min(_buffer.Length, left));
            if (count == 0)
            {
                throw new Failure($"'{name}' became shorter while it was read", "try again when nothing changes it");
            }

            stream.Write(_buffer, 0, count);
            left -= count;
        }

        Pad(size);
    }

    /// <summary>The two empty blocks at the end.</summary>
    internal void Finish() => stream.Write(new byte[2 * Block]);

    private void WriteHeaders(char type, byte[] name, byte[] link, FileStatus status, long size, IReadOnlyList<(byte[] Name, byte[] Value)> extended)
    {
        using var pax = new MemoryStream();
        AddText(pax, "path", name);
        AddText(pax, "linkpath", link);
        AddNumber(pax, "size", size, size > LargestOctal11);
        AddNumber(pax, "uid", status.UserId, status.UserId > LargestOctal7);
        AddNumber(pax, "gid", status.GroupId, status.GroupId > LargestOctal7);
        if (status.ModifiedNanoseconds != 0 || status.ModifiedSeconds is < 0 or > LargestOctal11)
        {
            Add(pax, "mtime", Encoding.ASCII.GetBytes(Time(status.ModifiedSeconds, status.ModifiedNanoseconds)));
        }

        foreach ((byte[] key, byte[] value) in extended)
        {
            Add(pax, [.. "SCHILY.xattr."u8, .. key], value);
        }

        if (pax.Length > 0)
        {
            byte[] records = pax.ToArray();
            WriteHeader('x', "pax"u8, [], 0x1A4, 0, 0, records.Length, 0, 0, 0);
            stream.Write(records);
            Pad(records.Length);
        }

        long seconds = status.ModifiedSeconds is < 0 or > LargestOctal11 ? 0 : status.ModifiedSeconds;
        WriteHeader(
            type, name, link, status.Permissions, Fits(status.UserId), Fits(status.GroupId), size > LargestOctal11 ? 0 : size, seconds, status.SpecialMajor, status.SpecialMinor);
    }

    private void WriteHeader(char type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, uint mode, uint user, uint group, long size, long time, uint major, uint minor)
    {
        Span<byte> header = _header;
        header.Clear();
        name[..Math.Min(name.Length, 100)].CopyTo(header);
        Octal(header.Slice(100, 8), mode);
        Octal(header.Slice(108, 8), user);
        Octal(header.Slice(116, 8), group);
        Octal(header.Slice(124, 12), size);
        Octal(header.Slice(136, 12), time);
        header[156] = (byte)type;
        link[..Math.Min(link.Length, 100)].CopyTo(header[157..]);
        "ustar\000"u8.CopyTo(header[257..]);
        Octal(header.Slice(329, 8), type is '3' or '4' ? major : 0);
        Octal(header.Slice(337, 8), type is '3' or '4' ? minor : 0);
        header.Slice(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte one in header)
        {
            sum += one;
        }

        Octal(header.Slice(148, 7), sum);
        stream.Write(header);
    }

    private static uint Fits(uint id) => id > LargestOctal7 ? 0 : id;

    /// <summary>Digits and a zero byte fill the field.</summary>
    private static void Octal(Span<byte> field, long value)
    {
        for (int i = field.Length - 2; i >= 0; i--, value >>= 3)
        {
            field[i] = (byte)('0' + (value & 7));
        }

        field[^1] = 0;
    }

    private static string Time(long seconds, uint nanoseconds)
    {
        decimal time = seconds + (nanoseconds / 1_000_000_000m);
        return time.ToString("0.#########", CultureInfo.InvariantCulture);
    }

    /// <summary>A name that is too long for its field or isn't plain ASCII.</summary>
    private static void AddText(MemoryStream pax, string key, byte[] text)
    {
        if (text.Length > 100 || text.AsSpan().IndexOfAnyExceptInRange((byte)1, (byte)126) >= 0)
        {
            Add(pax, key, text);
        }
    }

    private static void AddNumber(MemoryStream pax, string key, long number, bool isNeeded)
    {
        if (isNeeded)
        {
            Add(pax, key, Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture)));
        }
    }

    private static void Add(MemoryStream pax, string key, byte[] value) => Add(pax, Encoding.ASCII.GetBytes(key), value);

    /// <summary>A record's length counts its own digits.</summary>
    private static void Add(MemoryStream pax, byte[] key, byte[] value)
    {
        int rest = key.Length + value.Length + 3;
        int length = rest + rest.ToString(CultureInfo.InvariantCulture).Length;
        length = rest + length.ToString(CultureInfo.InvariantCulture).Length;
        pax.Write(Encoding.ASCII.GetBytes($"{length} "));
        pax.Write(key);
        pax.WriteByte((byte)'=');
        pax.Write(value);
        pax.WriteByte((byte)'\n');
    }

    private void Pad(long size)
    {
        int over = (int)(size % Block);
        if (over > 0)
        {
            stream.Write(new byte[Block - over]);
        }
    }
}
