using System.Text;

namespace Timur.Build;

/// <summary>The last lines of what a command wrote.</summary>
internal sealed class OutputTail
{
    private const int MostBytes = 16 * 1024;
    private const int MostLines = 12;
    private const int LongestLine = 200;

    private byte[] _bytes = [];

    internal void Add(ReadOnlySpan<byte> bytes)
    {
        byte[] all = [.. _bytes, .. bytes];
        _bytes = all.Length > MostBytes ? all[^MostBytes..] : all;
    }

    internal IReadOnlyList<string> Lines
    {
        get
        {
            string[] lines = Encoding.UTF8.GetString(_bytes).Split('\n');
            return [.. lines.Select(Clean).Where(line => line.Trim().Length > 0).TakeLast(MostLines)];
        }
    }

    /// <summary>What of a line a terminal would show in the end, without its control characters.</summary>
    internal static string Clean(string line)
    {
        string shown = line.TrimEnd('\r');
        shown = shown[(shown.LastIndexOf('\r') + 1)..];
        var text = new StringBuilder();
        for (int i = 0; i < shown.Length && text.Length < LongestLine; i++)
        {
            if (shown[i] == '\e' && i + 1 < shown.Length && shown[i + 1] == '[')
            {
                i += 2;
                while (i < shown.Length && shown[i] is < '@' or > '~')
                {
                    i++;
                }
            }
            else if (shown[i] == '\t' || !char.IsControl(shown[i]))
            {
                text.Append(shown[i]);
            }
        }

        return text.ToString();
    }
}
