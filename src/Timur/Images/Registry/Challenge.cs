namespace Timur.Images.Registry;

/// <summary>One way to authenticate that a server offers in WWW-Authenticate (RFC 9110, 11.6.1).</summary>
/// <param name="Scheme">In lower case: <c>bearer</c>, <c>basic</c>.</param>
public sealed record Challenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    public string? this[string name] => Parameters.GetValueOrDefault(name);

    /// <summary>All challenges of a header, whose list separates both challenges and their parameters by commas; what can't be understood is left out.</summary>
    public static IReadOnlyList<Challenge> Parse(string header)
    {
        var challenges = new List<Challenge>();
        Dictionary<string, string>? parameters = null;
        int at = 0;
        while (at < header.Length)
        {
            if (header[at] is ',' or ' ' or '\t')
            {
                at++;
                continue;
            }

            string word = Token(header, ref at);
            if (word.Length == 0)
            {
                at++;
                continue;
            }

            int behind = at;
            SkipSpace(header, ref behind);
            if (parameters is not null && behind < header.Length && header[behind] == '=')
            {
                at = behind + 1;
                SkipSpace(header, ref at);
                parameters[word.ToLowerInvariant()] = at < header.Length && header[at] == '"' ? Quoted(header, ref at) : Token(header, ref at);
                continue;
            }

            parameters = [];
            challenges.Add(new Challenge(word.ToLowerInvariant(), parameters));
        }

        return challenges;
    }

    private static void SkipSpace(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t')
        {
            at++;
        }
    }

    private static string Token(string text, ref int at)
    {
        int start = at;
        while (at < text.Length && text[at] is not (',' or ' ' or '\t' or '=' or '"'))
        {
            at++;
        }

        return text[start..at];
    }

    private static string Quoted(string text, ref int at)
    {
        var value = new System.Text.StringBuilder();
        for (at++; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
            }

            value.Append(text[at]);
        }

        at = Math.Min(text.Length, at + 1);
        return value.ToString();
    }
}
