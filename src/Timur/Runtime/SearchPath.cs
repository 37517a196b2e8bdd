namespace Timur.Runtime;

/// <summary>Where a command may be: execvp(3)'s rule with the payload's own PATH.</summary>
public static class SearchPath
{
    private const string Default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The paths to try in order; a command with a slash is itself.</summary>
    public static IReadOnlyList<string> Candidates(string command, IReadOnlyList<string> environment)
    {
        if (command.Contains('/'))
        {
            return [command];
        }

        string path = Default;
        foreach (string variable in environment)
        {
            path = variable.StartsWith("PATH=", StringComparison.Ordinal) ? variable[5..] : path;
        }

        var candidates = new List<string>();
        foreach (string directory in path.Split(':'))
        {
            candidates.Add(directory.Length == 0 ? "./" + command : directory.TrimEnd('/') + "/" + command);
        }

        return candidates;
    }
}
