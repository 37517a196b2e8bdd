using System.Text;
using Timur.Kernel;

namespace Timur.Build.Contexts;

/// <summary>Something a source of COPY names.</summary>
/// <param name="Path">From the tree's root, without a leading slash; empty for the root itself.</param>
/// <param name="Real">The same without symbolic links on the way.</param>
/// <param name="Kept">With --parents: what of the path is kept below the target.</param>
public sealed record SourceMatch(string Path, string Real, FileKind Kind, string Kept);

/// <summary>A tree that COPY, ADD and bind mounts take files from; no link in it leads out.</summary>
/// <param name="root">Its directory, open for reading.</param>
/// <param name="rules">What of it isn't there.</param>
/// <param name="keepsOwners">Files keep their owners; otherwise they become root's.</param>
/// <param name="title">What messages call it.</param>
public sealed class SourceTree(Fd root, IgnoreRules rules, bool keepsOwners, string title) : IDisposable
{
    private readonly string _rootPath = Files.TryReadLink(root.ProcPath, out _) ?? "/";

    public Fd Root => root;

    public IgnoreRules Rules => rules;

    public bool KeepsOwners => keepsOwners;

    public string Title => title;

    /// <summary>What a source names: itself, or all that fit when it is a pattern, in the order of their names.</summary>
    public IReadOnlyList<SourceMatch> Find(string source)
    {
        int pivot = source.IndexOf("/./", StringComparison.Ordinal);
        string before = pivot < 0 ? "" : Clean(source[..pivot]);
        string path = Clean(source);
        IEnumerable<string> paths = Glob.IsPattern(path) ? Expand(path) : [path.Replace("\\", "")];
        var matches = new List<SourceMatch>();
        foreach (string one in paths)
        {
            if (one.Length > 0 && rules.Ignores(one) && !(rules.BringsBack && IsDirectory(one)))
            {
                continue;
            }

            using Fd? found = Files.TryOpenInRoot(root, one.Length == 0 ? "." : one, Open.Path, out _);
            if (found is not null)
            {
                string kept = before.Length > 0 && one.StartsWith(before + "/", StringComparison.Ordinal) ? one[(before.Length + 1)..] : one;
                matches.Add(new SourceMatch(one, RealPath(found), Files.Status(found).Kind, kept));
            }
        }

        return matches;
    }

    /// <summary>
    /// Visits a match: a directory's content with paths from it, anything else as its own name. What is left out isn't visited, and a directory that is left out
    /// only when something in it is brought back.
    /// </summary>
    public void Walk(SourceMatch match, IgnoreRules excluded, Action<TreeEntry> visit)
    {
        if (match.Kind != FileKind.Directory)
        {
            int slash = match.Real.LastIndexOf('/');
            using Fd parent = OpenDirectory(slash < 0 ? "" : match.Real[..slash]);
            TreeReader.Walk(parent, match.Real[(slash + 1)..], entry =>
            {
                if (!excluded.Ignores(match.Path) && !excluded.Ignores(Path.GetFileName(match.Path)))
                {
                    visit(entry);
                }

                return false;
            });
            return;
        }

        using Fd directory = OpenDirectory(match.Real);
        var waiting = new List<TreeEntry>();
        TreeReader.Walk(directory, entry => Visit(match, excluded, visit, waiting, entry));
    }

    /// <summary>A path from the root without ".", "..", doubled and outer slashes; ".." stops at the root.</summary>
    public static string Clean(string path)
    {
        var parts = new List<string>();
        foreach (string part in path.Split('/'))
        {
            if (part == "..")
            {
                parts.RemoveRange(Math.Max(0, parts.Count - 1), Math.Min(1, parts.Count));
            }
            else if (part is not ("" or "."))
            {
                parts.Add(part);
            }
        }

        return string.Join('/', parts);
    }

    public void Dispose() => root.Dispose();

    private bool Visit(SourceMatch match, IgnoreRules excluded, Action<TreeEntry> visit, List<TreeEntry> waiting, TreeEntry entry)
    {
        if (entry.Path.Length == 0)
        {
            return true;
        }

        string path = Encoding.UTF8.GetString(entry.Path);
        string whole = match.Path.Length == 0 ? path : $"{match.Path}/{path}";
        if (!rules.Ignores(whole) && !excluded.Ignores(path))
        {
            // Directories above it that had to wait whether something in them is wanted.
            foreach (TreeEntry above in waiting.Where(above => entry.Path.AsSpan().StartsWith(above.Path) && entry.Path[above.Path.Length] == '/'))
            {
                visit(above);
            }

            waiting.Clear();
            visit(entry);
            return true;
        }

        if (entry.Status.Kind != FileKind.Directory || !(rules.BringsBack || excluded.BringsBack))
        {
            return false;
        }

        waiting.RemoveAll(above => !(entry.Path.AsSpan().StartsWith(above.Path) && entry.Path[above.Path.Length] == '/'));
        waiting.Add(entry);
        return true;
    }

    private Fd OpenDirectory(string real)
        => Files.TryOpenInRoot(root, real.Length == 0 ? "." : real, Open.Read | Open.Directory, out Errno why, resolve: Resolve.InRoot | Resolve.NoSymlinks)
            ?? throw new SyscallException("open", why, $"{title}: {real}");

    private bool IsDirectory(string path)
    {
        using Fd? found = Files.TryOpenInRoot(root, path, Open.Path | Open.Directory, out _);
        return found is not null;
    }

    private string RealPath(Fd found)
    {
        string path = Files.TryReadLink(found.ProcPath, out Errno why) ?? throw new SyscallException("readlink", why, title);
        return path.StartsWith(_rootPath, StringComparison.Ordinal) ? path[_rootPath.Length..].Trim('/') : path.Trim('/');
    }

    private List<string> Expand(string pattern)
    {
        var found = new List<string>();
        Expand("", pattern.Split('/'), 0, found);
        return found;
    }

    private void Expand(string path, string[] patterns, int index, List<string> found)
    {
        if (index == patterns.Length)
        {
            found.Add(path);
            return;
        }

        if (patterns[index] == "**")
        {
            Expand(path, patterns, index + 1, found);
        }

        using Fd? directory = Files.TryOpenInRoot(root, path.Length == 0 ? "." : path, Open.Read | Open.Directory, out _);
        if (directory is null)
        {
            return;
        }

        List<DirectoryEntry> names = Directories.List(directory);
        names.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach (DirectoryEntry entry in names)
        {
            string below = path.Length == 0 ? entry.Name : $"{path}/{entry.Name}";
            if (patterns[index] == "**")
            {
                if (entry.Kind == FileKind.Directory)
                {
                    Expand(below, patterns, index, found);
                }
            }
            else if (Glob.MatchesName(patterns[index], entry.Name))
            {
                Expand(below, patterns, index + 1, found);
            }
        }
    }
}
