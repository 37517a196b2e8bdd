using System.Globalization;
using System.Text;
using Timur.Kernel;

namespace Timur.Engine;

/// <summary>Who the payload runs as.</summary>
internal sealed record PayloadUser(uint UserId, uint GroupId, IReadOnlyList<uint> Groups, string Home);

/// <summary>
/// Turns <c>USER[:GROUP]</c> into numbers by the passwd and group files that the container will see: its own upper directory first, then the image's
/// layers from the top. Symbolic links are resolved inside each layer.
/// </summary>
internal sealed class UserLookup(IReadOnlyList<string> treesTopFirst)
{
    /// <summary>An unknown name is a <see cref="Failure"/>; an unknown number is itself.</summary>
    internal PayloadUser Find(string text)
    {
        string[] parts = text.Split(':', 2);
        string name = parts[0].Length == 0 ? "0" : parts[0];
        bool isNumber = TryParseNumber(name, "user", out uint user);
        uint group = 0;
        string home = "/";
        bool known = false;
        foreach (string[] fields in Lines("etc/passwd", 6))
        {
            if (TryParseId(fields[2], out uint number) && TryParseId(fields[3], out uint primary) && (isNumber ? number == user : fields[0] == name))
            {
                (user, group, home, known) = (number, primary, fields[5], true);
                name = fields[0];
                break;
            }
        }

        if (!known && !isNumber)
        {
            throw new Failure($"--user: the image has no user '{name}'", "use a number, or add the user to the image's /etc/passwd");
        }

        var groups = new List<uint>();
        if (parts.Length == 2)
        {
            group = Group(parts[1]);
        }
        else if (known)
        {
            AddGroups(groups, name, group);
        }

        // A setgid program can't lose the primary group then, and what files refuse to that group stays refused (CVE-2022-36109).
        groups.Insert(0, group);
        return new PayloadUser(user, group, groups, user == 0 && !known ? "/root" : home);
    }

    private uint Group(string text)
    {
        if (TryParseNumber(text, "group", out uint number))
        {
            return number;
        }

        foreach (string[] fields in Lines("etc/group", 3))
        {
            if (fields[0] == text && TryParseId(fields[2], out uint known))
            {
                return known;
            }
        }

        throw new Failure($"--user: the image has no group '{text}'", "use a number, or add the group to the image's /etc/group");
    }

    private void AddGroups(List<uint> groups, string name, uint primary)
    {
        foreach (string[] fields in Lines("etc/group", 4))
        {
            if (Array.IndexOf(fields[3].Split(','), name) >= 0 && TryParseId(fields[2], out uint group) && group != primary)
            {
                groups.Add(group);
            }
        }
    }

    private List<string[]> Lines(string path, int fieldCount)
    {
        var lines = new List<string[]>();
        foreach (string line in Read(path).Split('\n'))
        {
            string[] fields = line.Split(':');
            if (fields.Length >= fieldCount)
            {
                lines.Add(fields);
            }
        }

        return lines;
    }

    /// <summary>
    /// Digits are a number, whatever the image calls by that name: one that is too big would be looked up otherwise, and be whoever the image says
    /// (CVE-2026-46680).
    /// </summary>
    private static bool TryParseNumber(string text, string what, out uint id)
    {
        if (text.Length == 0 || text.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            id = 0;
            return false;
        }

        return TryParseId(text, out id) ? true : throw new Failure($"--user: {what} {text} is out of range", $"numbers go from 0 to {uint.MaxValue - 1}");
    }

    /// <summary>The highest number means "leave it as it is" to setresuid(2): whoever asked for it would stay root.</summary>
    private static bool TryParseId(string text, out uint id) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id) && id != uint.MaxValue;

    private string Read(string path)
    {
        foreach (string tree in treesTopFirst)
        {
            using Fd? root = Files.TryOpen(tree, Open.Path | Open.Directory, out _);
            using Fd? file = root is null ? null : Files.TryOpenInRoot(root, path, Open.Read | Open.NonBlock, out _);
            if (file is not null && Files.Status(file).Kind == FileKind.Regular && Files.TryReadAll(file, out _) is { } bytes)
            {
                return Encoding.UTF8.GetString(bytes);
            }
        }

        return "";
    }
}
