using System.Text;
using System.Text.RegularExpressions;
using Timur.Images;

namespace Timur.Engine;

/// <summary><c>--filter</c> of image lists: values of one key are alternatives (labels: all), keys all have to match.</summary>
public sealed class ImageFilter
{
    private static readonly string[] Keys = ["reference", "dangling", "label", "label!", "before", "since", "after", "until", "id", "digest", "containers", "intermediate", "readonly"];
    private readonly ILookup<string, string> _values;
    private readonly ImageStore _images;
    private readonly DateTimeOffset _now;
    private readonly Lazy<ImageUse> _use;

    /// <summary>An unknown key or a malformed value is a <see cref="Failure"/>.</summary>
    public ImageFilter(ImageStore images, IReadOnlyList<string> filters, DateTimeOffset now)
    {
        (_images, _now, _use) = (images, now, new Lazy<ImageUse>(() => new ImageUse(new ContainerStore(images.Paths), images)));
        _values = filters.Select(Parse).ToLookup(pair => pair.Key, pair => pair.Value);
    }

    /// <summary>Whether the row of an image under one of its names is wanted.</summary>
    public bool Matches(ImageName? name, Image image) => _values.All(values => values.Key.StartsWith("label", StringComparison.Ordinal)
        ? values.All(value => Matches(name, image, values.Key, value)) : values.Any(value => Matches(name, image, values.Key, value)));

    /// <summary>Whether a name is meant by a pattern: a repository, or a repository and a tag, with the wildcards of path.Match (* ? [a-z]).</summary>
    public static bool MatchesName(ImageName name, string pattern)
    {
        Regex expression = Expression(pattern);
        return expression.IsMatch(name.Repository) || expression.IsMatch($"{name.Repository}:{name.Tag}") || expression.IsMatch(name.Full) || name.Familiar == pattern;
    }

    private (string Key, string Value) Parse(string filter)
    {
        int equals = filter.IndexOf('=');
        bool isNegative = equals > 0 && filter[equals - 1] == '!';
        string key = equals < 0 ? filter : filter[..equals];
        if (equals < 0 || Array.IndexOf(Keys, key) < 0)
        {
            throw new Failure($"--filter: '{filter}' isn't a filter of images", $"write KEY=VALUE; keys: {string.Join(' ', Keys)}");
        }

        string value = filter[(equals + 1)..];
        switch (key)
        {
            case "dangling" when value is not ("true" or "false" or "1" or "0"):
                throw new Failure($"--filter dangling: '{value}' is neither true nor false", "dangling images are those without a name");
            case "containers" or "intermediate" or "readonly" when value is not ("true" or "false"):
                throw new Failure($"--filter {key}: '{value}' is neither true nor false");
            case "before" or "since" or "after":
                Created(value);
                break;
            case "until":
                Moment.Parse(value, _now);
                break;
            default:
                break;
        }

        return (isNegative ? "label!" : key, value);
    }

    private bool Matches(ImageName? name, Image image, string key, string value) => key switch
    {
        "reference" => name is { } known && MatchesName(known, value),
        "dangling" => (name is null) == value is "true" or "1",
        "label" => HasLabel(image, value),
        "label!" => !HasLabel(image, value),
        "before" => Created(image) < Created(value),
        "since" or "after" => Created(image) > Created(value),
        "id" => image.Id.StartsWith(value.Replace("sha256:", ""), StringComparison.Ordinal),
        "digest" => name is { } digested && _images.RepositoryDigests.Of(image.Id, digested).Any(one => one.Reference.StartsWith(value, StringComparison.Ordinal)),
        "containers" => _use.Value.CountOf(image.Id) > 0 == (value == "true"),
        "intermediate" or "readonly" => value == "false",
        _ => image.Config.Created is not { } created || created < Moment.Parse(value, _now),
    };

    private DateTimeOffset Created(string reference) => Created(_images.TryResolve(reference) ?? throw new Failure($"--filter: there is no image '{reference}'", "timur images lists them"));

    /// <summary>An image that doesn't say it is older than any that does.</summary>
    private static DateTimeOffset Created(Image image) => image.Config.Created ?? DateTimeOffset.MinValue;

    private static bool HasLabel(Image image, string value) => LabelFilter.Matches(image.Config.Labels, value);

    private static Regex Expression(string pattern)
    {
        var text = new StringBuilder("^");
        for (int i = 0; i < pattern.Length; i++)
        {
            int close = pattern[i] == '[' ? pattern.IndexOf(']', i) : -1;
            text.Append(pattern[i] switch
            {
                '*' => "[^/]*",
                '?' => "[^/]",
                '[' when close > 0 => Regex.Replace(pattern[i..(close + 1)], @"\\", @"\\"),
                _ => Regex.Escape(pattern[i].ToString()),
            });
            i = close > 0 ? close : i;
        }

        try
        {
            return new Regex(text.Append('$').ToString());
        }
        catch (RegexParseException e)
        {
            throw new Failure($"--filter reference: '{pattern}' isn't a pattern", "use * for any characters, ? for one, [a-z] for a range", cause: e);
        }
    }
}

/// <summary><c>label=KEY</c> or <c>label=KEY=VALUE</c>.</summary>
public static class LabelFilter
{
    public static bool Matches(IReadOnlyDictionary<string, string> labels, string value)
    {
        int equals = value.IndexOf('=');
        return labels.TryGetValue(equals < 0 ? value : value[..equals], out string? found) && (equals < 0 || found == value[(equals + 1)..]);
    }
}

/// <summary>A point in time as <c>--filter until=</c> takes it: a span before now (<c>24h</c>), seconds since 1970, or a date.</summary>
public static class Moment
{
    public static DateTimeOffset Parse(string text, DateTimeOffset now)
        => Duration.TryParse(text, out TimeSpan span) ? now - span
            : long.TryParse(text, out long seconds) && seconds is >= 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : DateTimeOffset.TryParse(text, null, System.Globalization.DateTimeStyles.AssumeLocal, out DateTimeOffset date) ? date
            : throw new Failure($"--filter until: '{text}' is no point in time", "write a span such as 24h, or a date such as 2030-01-31T12:00:00");
}
