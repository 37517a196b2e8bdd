namespace Timur.Build.Dockerfiles;

/// <summary>Lines that belong to an instruction: <c>&lt;&lt;EOF</c> up to a line that is <c>EOF</c>.</summary>
/// <param name="Name">The word that ends it; a file made of it has this name.</param>
/// <param name="Expands">Variables in it are replaced; false when the word was quoted.</param>
/// <param name="Raw">Its lines as they are written, each with its end.</param>
/// <param name="Content">The same without the tabs that <c>&lt;&lt;-</c> takes away.</param>
/// <param name="End">The last line as it is written.</param>
public sealed record HereDocument(string Name, bool Expands, string Raw, string Content, string End)
{
    private const string Metacharacters = " \t|&;<>()";

    /// <summary>The here-documents that a line announces: their words, whether tabs are taken away, whether they expand.</summary>
    internal static List<(string Name, bool StripsTabs, bool Expands)> Announced(string line, char escape)
    {
        var found = new List<(string, bool, bool)>();
        foreach (string word in Words.Split(line, escape))
        {
            int at = 0;
            while (at < word.Length && char.IsAsciiDigit(word[at]))
            {
                at++;
            }

            if (word.AsSpan(at).StartsWith("<<") && Read(word[(at + 2)..]) is { } document)
            {
                found.Add(document);
            }
        }

        return found;
    }

    private static (string Name, bool StripsTabs, bool Expands)? Read(string rest)
    {
        bool strips = rest.StartsWith('-');
        rest = strips ? rest[1..] : rest;
        if (rest.Length > 1 && rest[0] is '"' or '\'')
        {
            int close = rest.IndexOf(rest[0], 1);
            return close <= 1 ? null : (rest[1..close], strips, false);
        }

        int end = rest.AsSpan().IndexOfAny(Metacharacters);
        string name = end < 0 ? rest : rest[..end];
        return name.Length == 0 ? null : (name, strips, true);
    }
}
