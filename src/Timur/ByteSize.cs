using System.Globalization;

namespace Timur;

/// <summary>A number of bytes as people write it: <c>512</c>, <c>64k</c>, <c>1.5g</c>, <c>10MiB</c>; units are powers of 1024.</summary>
public readonly record struct ByteSize(long Bytes)
{
    private static readonly char[] Units = ['k', 'm', 'g', 't', 'p'];

    /// <summary>Parses a size; a failure names the text and the forms that are accepted.</summary>
    public static ByteSize Parse(string text, string what)
        => TryParse(text, out ByteSize size) ? size : throw new Failure($"{what}: '{text}' isn't a size", "write a number with b, k, m, g or t, such as 512m or 1.5g");

    /// <summary>Parses a size that is zero or more.</summary>
    public static bool TryParse(string text, out ByteSize size)
    {
        size = default;
        string rest = text.Trim().ToLowerInvariant();
        if (rest.EndsWith("ib", StringComparison.Ordinal))
        {
            rest = rest[..^2];
        }
        else if (rest.EndsWith('b'))
        {
            rest = rest[..^1];
        }

        double factor = 1;
        int unit = rest.Length == 0 ? -1 : Array.IndexOf(Units, rest[^1]);
        if (unit >= 0)
        {
            factor = Math.Pow(1024, unit + 1);
            rest = rest[..^1];
        }

        if (!double.TryParse(rest, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) || value * factor >= long.MaxValue)
        {
            return false;
        }

        size = new ByteSize((long)(value * factor));
        return true;
    }

    /// <summary>With a binary unit and three or four digits, such as <c>1.5GiB</c>.</summary>
    public override string ToString() => Format(1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);

    /// <summary>With a decimal unit, such as <c>1.61GB</c>, as Docker shows image and network sizes.</summary>
    public string ToDecimalString() => Format(1000, ["B", "kB", "MB", "GB", "TB", "PB"]);

    private string Format(double step, string[] units)
    {
        double value = Bytes;
        int unit = 0;
        while (value >= step && unit < units.Length - 1)
        {
            value /= step;
            unit++;
        }

        return value.ToString(value < 10 && unit > 0 ? "0.##" : value < 100 && unit > 0 ? "0.#" : "0", CultureInfo.InvariantCulture) + units[unit];
    }
}
