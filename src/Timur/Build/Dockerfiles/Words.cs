using System.Text;
using System.Text.Json;

namespace Timur.Build.Dockerfiles;

/// <summary>Words of an instruction, quotes and escapes still in them.</summary>
public static class Words
{
    /// <summary>Splits at spaces and tabs that are neither quoted nor escaped.</summary>
    public static List<string> Split(string text, char escape)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool inWord = false;
        char quote = '\0';
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (inWord)
                {
                    words.Add(word.ToString());
                    word.Clear();
                    inWord = false;
                }

                continue;
            }

            inWord = true;
            word.Append(c);
            if (c == escape && quote != '\'' && i + 1 < text.Length)
            {
                word.Append(text[++i]);
            }
            else if (quote == '\0' && c is '"' or '\'')
            {
                quote = c;
            }
            else if (c == quote)
            {
                quote = '\0';
            }
        }

        if (inWord)
        {
            words.Add(word.ToString());
        }

        return words;
    }

    /// <summary>The words of a JSON list of strings; null for anything else, which is then a line for the shell.</summary>
    public static IReadOnlyList<string>? TryJson(string text)
    {
        if (!text.StartsWith('['))
        {
            return null;
        }

        try
        {
            using JsonDocument json = JsonDocument.Parse(text);
            var words = new List<string>();
            foreach (JsonElement element in json.RootElement.EnumerateArray())
            {
                if (element.ValueKind != JsonValueKind.String)
                {
                    return null;
                }

                words.Add(element.GetString()!);
            }

            return words;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // Half of a surrogate pair is an InvalidOperationException.
            return null;
        }
    }
}
