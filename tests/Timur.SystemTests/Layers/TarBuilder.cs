using System.Text;

namespace Timur.SystemTests.Layers;

/// <summary>Makes archives byte by byte, also such as no program would write.</summary>
internal sealed class TarBuilder
{
    private readonly List<byte> _bytes = [];

    /// <summary>With the two empty blocks that end an archive.</summary>
    internal byte[] Bytes => [.. _bytes, .. new byte[1024]];

    internal TarBuilder Directory(string name, uint mode = 0x1ED, string? time = null) => time is null ? Entry('5', name, mode: mode) : Pax(("mtime", time)).Entry('5', name, mode: mode);

    internal TarBuilder File(string name, string content = "x", uint mode = 0x1A4, long owner = 0) => Entry('0', name, content: Encoding.Latin1.GetBytes(content), mode: mode, owner: owner);

    internal TarBuilder Link(string name, string target) => Entry('1', name, target);

    internal TarBuilder Symlink(string name, string target) => Entry('2', name, target, mode: 0x1FF);

    /// <summary>A pax extended header for the next entry.</summary>
    internal TarBuilder Pax(params (string Key, string Value)[] records) => Entry('x', "pax", content: Records(records));

    internal TarBuilder Global(params (string Key, string Value)[] records) => Entry('g', "pax", content: Records(records));

    /// <summary>Text is Latin-1: each character a byte.</summary>
    /// <param name="size">What the header says; null for the truth.</param>
    internal TarBuilder Entry(
        char type, string name, string link = "", byte[]? content = null, uint mode = 0x1A4, long owner = 0, (uint, uint) device = default, long? size = null, string prefix = "", Action<byte[]>? change = null)
    {
        byte[] header = new byte[512];
        Put(header, 0, 100, name);
        Octal(header, 100, 8, mode);
        Octal(header, 108, 8, owner);
        Octal(header, 116, 8, owner);
        Octal(header, 124, 12, size ?? content?.Length ?? 0);
        Octal(header, 136, 12, 1_000_000_000);
        header[156] = (byte)type;
        Put(header, 157, 100, link);
        Put(header, 257, 8, "ustar\000");
        Octal(header, 329, 8, device.Item1);
        Octal(header, 337, 8, device.Item2);
        Put(header, 345, 155, prefix);
        change?.Invoke(header);
        Array.Fill(header, (byte)' ', 148, 8);
        Octal(header, 148, 7, header.Sum(value => value));
        _bytes.AddRange(header);
        if (content is not null)
        {
            _bytes.AddRange(content);
            _bytes.AddRange(new byte[(512 - (content.Length % 512)) % 512]);
        }

        return this;
    }

    internal TarBuilder Raw(byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    internal static byte[] Records(params (string Key, string Value)[] records)
    {
        var text = new StringBuilder();
        foreach ((string key, string value) in records)
        {
            int rest = key.Length + value.Length + 3;
            int length = rest + 1;
            while (length != rest + length.ToString().Length)
            {
                length = rest + length.ToString().Length;
            }

            text.Append(length).Append(' ').Append(key).Append('=').Append(value).Append('\n');
        }

        return Encoding.Latin1.GetBytes(text.ToString());
    }

    private static void Put(byte[] header, int at, int length, string text) => Encoding.Latin1.GetBytes(text[..Math.Min(text.Length, length)]).CopyTo(header, at);

    /// <summary>Octal, or base 256 when that is too small.</summary>
    private static void Octal(byte[] header, int at, int length, long number)
    {
        string text = Convert.ToString(number, 8);
        if (number >= 0 && text.Length < length)
        {
            Put(header, at, length, text.PadLeft(length - 1, '0') + "\0");
            return;
        }

        for (int i = length - 1; i >= 0; i--, number >>= 8)
        {
            header[at + i] = (byte)number;
        }

        header[at] = (byte)((number < 0 ? 0xff : 0x00) | 0x80);
    }
}
