namespace Timur.Build.Contexts;

/// <summary>Patterns for paths: <c>*</c> and <c>?</c> within a name, <c>[a-z]</c>, <c>[^a-z]</c>, a backslash, and <c>**</c> for any number of directories.</summary>
public static class Glob
{
    /// <summary>Whether a text has characters that make it a pattern.</summary>
    public static bool IsPattern(string text) => text.AsSpan().IndexOfAny("*?[") >= 0;

    /// <summary>Whether the whole path fits; both without a slash at either end.</summary>
    public static bool Matches(string pattern, string path)
    {
        string[] patterns = pattern.Split('/');
        string[] names = path.Split('/');

        // fits[n]: the patterns so far fit the first n names.
        bool[] fits = new bool[names.Length + 1];
        fits[0] = true;
        foreach (string one in patterns)
        {
            bool[] next = new bool[names.Length + 1];
            bool some = false;
            for (int n = 0; n <= names.Length; n++)
            {
                some |= fits[n];
                next[n] = one == "**" ? some : n > 0 && fits[n - 1] && MatchesName(one, names[n - 1]);
            }

            fits = next;
        }

        return fits[names.Length];
    }

    /// <summary>As <see cref="Matches"/>, for one name.</summary>
    public static bool MatchesName(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int p = 0, n = 0, star = -1, mark = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark) = (p++, n);
                continue;
            }

            int width = p < pattern.Length ? Fits(pattern[p..], name[n]) : 0;
            if (width > 0)
            {
                p += width;
                n++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                n = ++mark;
            }
            else
            {
                return false;
            }
        }

        return pattern[p..].IndexOfAnyExcept('*') < 0;
    }

    /// <summary>How many characters of the pattern stand for this one; 0 when they don't.</summary>
    private static int Fits(ReadOnlySpan<char> pattern, char c)
    {
        switch (pattern[0])
        {
            case '?': return 1;
            case '\\' when pattern.Length > 1: return pattern[1] == c ? 2 : 0;
            case '[' when pattern[1..].IndexOf(']') is var close and > 0: return InClass(pattern.Slice(1, close), c) ? close + 2 : 0;
            default: return pattern[0] == c ? 1 : 0;
        }
    }

    private static bool InClass(ReadOnlySpan<char> members, char c)
    {
        bool negated = members.Length > 1 && members[0] is '^' or '!';
        members = negated ? members[1..] : members;
        bool found = false;
        for (int i = 0; i < members.Length; i++)
        {
            if (i + 2 < members.Length && members[i + 1] == '-')
            {
                found |= c >= members[i] && c <= members[i + 2];
                i += 2;
            }
            else
            {
                found |= members[i] == c;
            }
        }

        return found != negated;
    }
}
