namespace Timur.Build.Dockerfiles;

/// <summary>Patterns of <c>${name#pattern}</c>: <c>*</c> is any text, <c>?</c> any character.</summary>
internal static class Pattern
{
    /// <summary>Whether the whole text fits; a backslash makes the character behind it an ordinary one. Time is at most the product of both lengths.</summary>
    internal static bool Matches(string pattern, ReadOnlySpan<char> text)
    {
        int p = 0, t = 0, star = -1, mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark) = (p++, t);
                continue;
            }

            bool isEscaped = p + 1 < pattern.Length && pattern[p] == '\\';
            if (p < pattern.Length && (isEscaped ? pattern[p + 1] == text[t] : pattern[p] == '?' || pattern[p] == text[t]))
            {
                p += isEscaped ? 2 : 1;
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++mark;
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(p).IndexOfAnyExcept('*') < 0;
    }

    /// <summary>Without the shortest or longest beginning that fits.</summary>
    internal static string TrimStart(string text, string pattern, bool longest)
    {
        for (int i = 0; i <= text.Length; i++)
        {
            int length = longest ? text.Length - i : i;
            if (Matches(pattern, text.AsSpan(0, length)))
            {
                return text[length..];
            }
        }

        return text;
    }

    /// <summary>Without the shortest or longest end that fits.</summary>
    internal static string TrimEnd(string text, string pattern, bool longest)
    {
        for (int i = 0; i <= text.Length; i++)
        {
            int start = longest ? i : text.Length - i;
            if (Matches(pattern, text.AsSpan(start)))
            {
                return text[..start];
            }
        }

        return text;
    }

    /// <summary>Longest text in which parts are looked for: the time grows with the third power of its length.</summary>
    internal const int LongestSearched = 2048;

    /// <summary>The first, or every, longest part that fits becomes <paramref name="by"/>.</summary>
    internal static string Replace(string text, string pattern, string by, bool all)
    {
        var result = new System.Text.StringBuilder();
        int at = 0;
        while (at < text.Length)
        {
            int length = Longest(text.AsSpan(at), pattern);
            if (length <= 0)
            {
                result.Append(text[at++]);
                continue;
            }

            result.Append(by);
            at += length;
            if (!all)
            {
                break;
            }
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    private static int Longest(ReadOnlySpan<char> text, string pattern)
    {
        for (int length = text.Length; length > 0; length--)
        {
            if (Matches(pattern, text[..length]))
            {
                return length;
            }
        }

        return 0;
    }
}
