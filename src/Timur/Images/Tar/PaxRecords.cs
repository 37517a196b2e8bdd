using System.Globalization;
using System.Text;

namespace Timur.Images.Tar;

/// <summary>Records of a pax extended header: <c>LENGTH KEY=VALUE\n</c> (pax(1), Extended Header). Values are bytes.</summary>
internal static class PaxRecords
{
    private static readonly string[] ExtendedPrefixes = ["SCHILY.xattr.", "LIBARCHIVE.xattr."];

    /// <summary>Adds records; an empty value takes a key away. The sparse format 0.0 repeats keys: its numbers are joined with commas.</summary>
    internal static void Parse(ReadOnlySpan<byte> content, Dictionary<string, byte[]> records)
    {
        while (content.Length > 0 && content[0] != 0)
        {
            int space = content.IndexOf((byte)' ');
            if (space <= 0 || !int.TryParse(content[..space], NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length <= space + 1 || length > content.Length
                || content[length - 1] != '\n')
            {
                throw new Failure("the archive has a damaged extended header");
            }

            ReadOnlySpan<byte> record = content[(space + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            if (equals <= 0)
            {
                throw new Failure("the archive has an extended header without a key");
            }

            Add(records, Encoding.UTF8.GetString(record[..equals]), record[(equals + 1)..].ToArray());
            content = content[length..];
        }
    }

    internal static void Overlay(Dictionary<string, byte[]> from, Dictionary<string, byte[]> onto)
    {
        foreach ((string key, byte[] value) in from)
        {
            onto[key] = value;
        }
    }

    internal static long? Number(Dictionary<string, byte[]> records, string key)
        => records.TryGetValue(key, out byte[]? value)
            ? long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : throw new Failure($"the archive's {key} isn't a number")
            : null;

    /// <summary><c>-1234.5</c>: seconds and nanoseconds, the latter never negative.</summary>
    internal static (long Seconds, uint Nanoseconds)? Time(Dictionary<string, byte[]> records, string key)
    {
        if (!records.TryGetValue(key, out byte[]? value))
        {
            return null;
        }

        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        if (!decimal.TryParse(Encoding.ASCII.GetString(value), style, CultureInfo.InvariantCulture, out decimal time) || Math.Abs(time) > long.MaxValue / 2)
        {
            throw new Failure($"the archive's {key} isn't a time");
        }

        decimal seconds = Math.Floor(time);
        return ((long)seconds, (uint)((time - seconds) * 1_000_000_000));
    }

    internal static List<(byte[] Name, byte[] Value)> ExtendedAttributes(Dictionary<string, byte[]> records)
    {
        var attributes = new List<(byte[], byte[])>();
        foreach ((string key, byte[] value) in records)
        {
            foreach (string prefix in ExtendedPrefixes)
            {
                if (key.StartsWith(prefix, StringComparison.Ordinal))
                {
                    string name = key[prefix.Length..];
                    if (name.StartsWith("trusted.overlay.", StringComparison.Ordinal) || name.StartsWith("user.overlay.", StringComparison.Ordinal))
                    {
                        throw new Failure($"the archive sets {name}, which belongs to the overlay file system", "such an archive isn't safe to unpack");
                    }

                    attributes.Add((Encoding.UTF8.GetBytes(name), prefix[0] == 'L' ? FromBase64(value, name) : value));
                }
            }
        }

        return attributes;
    }

    /// <summary>With or without the padding, as libarchive writes it.</summary>
    private static byte[] FromBase64(byte[] value, string name)
    {
        string text = Encoding.ASCII.GetString(value).TrimEnd('=');
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text + new string('=', (4 - (text.Length % 4)) % 4), bytes, out int count) ? bytes[..count]
            : throw new Failure($"the archive's attribute {name} isn't in base 64");
    }

    private static void Add(Dictionary<string, byte[]> records, string key, byte[] value)
    {
        if (key is "GNU.sparse.offset" or "GNU.sparse.numbytes" && records.TryGetValue("GNU.sparse.map", out byte[]? map))
        {
            records["GNU.sparse.map"] = [.. map, (byte)',', .. value];
        }
        else if (key == "GNU.sparse.offset")
        {
            records["GNU.sparse.map"] = value;
        }
        else if (value.Length == 0)
        {
            records.Remove(key);
        }
        else
        {
            records[key] = value;
        }
    }
}
