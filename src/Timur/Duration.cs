namespace Timur;

/// <summary>Spans of time as people write them: <c>90s</c>, <c>1m30s</c>, <c>250ms</c>, <c>2h</c>.</summary>
public static class Duration
{
    /// <summary>True for one or more numbers with units.</summary>
    public static bool TryParse(string text, out TimeSpan span)
    {
        span = TimeSpan.Zero;
        int at = 0;
        while (at < text.Length)
        {
            int start = at;
            while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.'))
            {
                at++;
            }

            int unit = at;
            while (at < text.Length && char.IsAsciiLetter(text[at]))
            {
                at++;
            }

            double? milliseconds = text[unit..at] switch
            {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => null,
            };
            if (milliseconds is null || !double.TryParse(text.AsSpan(start, unit - start), out double value))
            {
                return false;
            }

            span += TimeSpan.FromMilliseconds(value * milliseconds.Value);
        }

        return text.Length > 0;
    }
}
