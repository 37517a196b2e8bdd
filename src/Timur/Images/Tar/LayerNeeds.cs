using System.Text;

namespace Timur.Images.Tar;

/// <summary>
/// What a layer's archive takes for granted in the layers below: directories that it puts something into without an entry for them, and files that it makes hard
/// links to. Paths are bytes, written as Latin-1 so that they can be looked up.
/// </summary>
public sealed class LayerNeeds
{
    /// <summary>Directories that had to be made; links in this layer are resolved.</summary>
    public SortedSet<string> Directories { get; } = new(StringComparer.Ordinal);

    /// <summary>Hard links that couldn't be made: their place, and the file that isn't in this layer.</summary>
    public List<(string Path, string Target)> Links { get; } = [];

    public bool IsEmpty => Directories.Count == 0 && Links.Count == 0;

    /// <summary>As a file: fields end with NUL, which no path has; the first tells the kind.</summary>
    public byte[] Write()
    {
        var text = new StringBuilder();
        foreach (string path in Directories)
        {
            text.Append("directory\0").Append(path).Append('\0');
        }

        foreach ((string path, string target) in Links)
        {
            text.Append("link\0").Append(path).Append('\0').Append(target).Append('\0');
        }

        return Encoding.Latin1.GetBytes(text.ToString());
    }

    public static LayerNeeds Read(byte[] bytes)
    {
        var needs = new LayerNeeds();
        string[] fields = Encoding.Latin1.GetString(bytes).Split('\0');
        for (int i = 0; i + 1 < fields.Length; i += 2)
        {
            if (fields[i] == "directory")
            {
                needs.Directories.Add(fields[i + 1]);
            }
            else if (i + 2 < fields.Length)
            {
                needs.Links.Add((fields[i + 1], fields[i + 2]));
                i++;
            }
        }

        return needs;
    }
}
