using System.Globalization;

namespace Timur.Build;

/// <summary>SOURCE_DATE_EPOCH (reproducible-builds.org): the time that everything made counts as made at.</summary>
public static class SourceDateEpoch
{
    private const string Name = "SOURCE_DATE_EPOCH";

    /// <summary>Null when it isn't set; a value that isn't a number of seconds since 1970 is a <see cref="Failure"/>.</summary>
    public static DateTimeOffset? Value => Environment.GetEnvironmentVariable(Name) is { Length: > 0 } text ? Parse(text) : null;

    internal static DateTimeOffset Parse(string text, string name = Name)
        => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) : throw new Failure($"{name}: '{text}' isn't a number of seconds since 1970", $"for example {Name}=$(git log -1 --format=%ct)");
}
