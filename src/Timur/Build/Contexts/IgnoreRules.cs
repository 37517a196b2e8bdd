namespace Timur.Build.Contexts;

/// <summary>
/// What a context leaves out: lines of <c>.dockerignore</c> or <c>.containerignore</c>. The last line that fits decides; <c>!</c> brings back. A directory takes what is in it
/// along.
/// </summary>
public sealed class IgnoreRules
{
    private readonly List<(string Pattern, bool BringsBack)> _rules = [];

    private IgnoreRules(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            string text = line.TrimEnd('\r').Trim();
            bool back = text.StartsWith('!');
            string pattern = string.Join('/', (back ? text[1..].Trim() : text).Split('/').Where(part => part is not ("" or ".")));
            if (text.Length > 0 && !text.StartsWith('#') && pattern.Length > 0)
            {
                _rules.Add((pattern, back));
            }
        }
    }

    /// <summary>Nothing is left out.</summary>
    public static IgnoreRules None { get; } = new([]);

    /// <summary>From a file's lines.</summary>
    public static IgnoreRules Parse(string text) => new(text.TrimStart('\uFEFF').Split('\n'));

    /// <summary>From patterns, such as those of <c>--exclude</c>.</summary>
    public static IgnoreRules Of(IEnumerable<string> patterns) => new(patterns);

    public bool IsEmpty => _rules.Count == 0;

    /// <summary>Something below a directory that is left out may be brought back.</summary>
    public bool BringsBack => _rules.Exists(rule => rule.BringsBack);

    /// <param name="path">From the context's root, without a leading slash.</param>
    public bool Ignores(string path)
    {
        bool ignored = false;
        foreach ((string pattern, bool back) in _rules)
        {
            if (ignored == back && MatchesOrAbove(pattern, path))
            {
                ignored = !back;
            }
        }

        return ignored;
    }

    private static bool MatchesOrAbove(string pattern, string path)
    {
        for (int end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
        {
            if (Glob.Matches(pattern, path[..end]))
            {
                return true;
            }
        }

        return false;
    }
}
