using System.Globalization;
using Timur.Systemd;

namespace Timur.Runtime.Containers;

/// <summary>
/// Annotations <c>org.systemd.property.NAME</c>: properties that callers want their container's unit to have, such as how long systemd waits for its end. Values
/// are written as GVariant's text format has them: <c>true</c>, <c>'words'</c>, <c>5</c> for a signed number of 32 bits, <c>uint64 5</c>, <c>['one','two']</c>.
/// A name that ends in Sec takes seconds and is handed on as microseconds.
/// </summary>
internal static class SystemdAnnotations
{
    internal const string Prefix = "org.systemd.property.";
    private const string Seconds = "Sec";
    private const string Microseconds = "USec";

    internal static IEnumerable<UnitProperty> Of(IReadOnlyDictionary<string, string> annotations)
        => annotations.Where(annotation => annotation.Key.StartsWith(Prefix, StringComparison.Ordinal)).OrderBy(annotation => annotation.Key, StringComparer.Ordinal)
            .Select(annotation => One(annotation.Key[Prefix.Length..], annotation.Value.Trim()));

    private static UnitProperty One(string name, string value)
    {
        if (name.Length < 3 || !name.All(char.IsAsciiLetter))
        {
            throw Unreadable(name, "is no property's name");
        }

        if (name.EndsWith(Seconds, StringComparison.Ordinal) && !name.EndsWith(Microseconds, StringComparison.Ordinal))
        {
            string number = value.Split(' ')[^1];
            return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0 and < 1e12
                ? UnitProperty.Of(name[..^Seconds.Length] + Microseconds, (ulong)(seconds * 1_000_000)) : throw Unreadable(name, $"'{value}' is no number of seconds");
        }

        return Value(name, value) ?? throw Unreadable(name, $"'{value}' can't be read");
    }

    private static UnitProperty? Value(string name, string value)
    {
        if (value is "true" or "false")
        {
            return UnitProperty.Of(name, value == "true");
        }

        if (Quoted(value) is { } text)
        {
            return UnitProperty.Of(name, text);
        }

        if (value is ['[', .. var inside, ']'])
        {
            string?[] items = [.. inside.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Quoted)];
            return items.Contains(null) ? null : UnitProperty.Of(name, values: [.. items.OfType<string>()]);
        }

        return value.Split(' ', StringSplitOptions.RemoveEmptyEntries) switch
        {
            [var number] when int.TryParse(number, CultureInfo.InvariantCulture, out int signed) => UnitProperty.Of(name, signed),
            ["int32", var number] when int.TryParse(number, CultureInfo.InvariantCulture, out int signed) => UnitProperty.Of(name, signed),
            ["uint32" or "@u", var number] when uint.TryParse(number, CultureInfo.InvariantCulture, out uint unsigned) => UnitProperty.Of(name, unsigned),
            ["uint64" or "@t", var number] when ulong.TryParse(number, CultureInfo.InvariantCulture, out ulong unsigned) => UnitProperty.Of(name, unsigned),
            _ => null,
        };
    }

    /// <summary>What is between two quotation marks of one kind; backslashes and marks inside aren't taken.</summary>
    private static string? Quoted(string text)
        => text.Length >= 2 && text[0] is '\'' or '"' && text[^1] == text[0] && !text[1..^1].Contains(text[0]) && !text.Contains('\\') ? text[1..^1] : null;

    private static Failure Unreadable(string name, string why)
        => new($"{Bundle.Document}: annotations: {Prefix}{name}: {why}", "values are written as true, 'text', 5, uint64 5 or ['one','two']", 1);
}
