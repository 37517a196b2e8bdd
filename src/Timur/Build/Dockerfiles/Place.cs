using System.Text;

namespace Timur.Build.Dockerfiles;

/// <summary>Where an instruction stands, for messages.</summary>
/// <param name="File">As a person knows it, such as <c>Containerfile</c>.</param>
/// <param name="Line">Of its first line, counted from 1.</param>
/// <param name="Lines">Its lines as they are written, here-documents included.</param>
public sealed record Place(string File, int Line, IReadOnlyList<string> Lines)
{
    private const int LongestLine = 160;
    private const int MostLines = 12;

    /// <summary>What is wrong there; the message shows the first line.</summary>
    public Failure Error(string what, string? advice = null, Exception? cause = null) => new($"{File}:{Line}: {what}\n{Show(1)}", advice, cause is Failure failure ? failure.ExitCode : 125, cause);

    /// <summary>Its lines with their numbers, as many as help.</summary>
    public string Show(int most = MostLines)
    {
        var text = new StringBuilder();
        int width = (Line + Math.Min(most, Lines.Count) - 1).ToString().Length;
        for (int i = 0; i < Math.Min(most, Lines.Count); i++)
        {
            string line = Lines[i].Length <= LongestLine ? Lines[i] : Lines[i][..LongestLine] + "…";
            text.Append(i > 0 ? "\n" : "").Append("  ").Append((Line + i).ToString().PadLeft(width)).Append(" | ").Append(line);
        }

        return text.Append(most > 1 && Lines.Count > most ? "\n  …" : "").ToString();
    }
}
