using Timur.Kernel;

namespace Timur.Cgroups;

/// <summary>One cgroup in one hierarchy: files that are read and written whole.</summary>
public readonly record struct CgroupDirectory(string Path, int Version)
{
    /// <summary>Writes a file; a refusal is a <see cref="Failure"/> that names the limit as the user knows it.</summary>
    public void Set(string file, string value, string limit)
    {
        if (!TrySet(file, value, out Errno why))
        {
            throw new Failure($"{limit}: the kernel refuses {value} ({file}): {why.Describe()}", Advice(why));
        }
    }

    /// <summary>A limit whose controller this machine lacks, in runc's words.</summary>
    internal static Failure Missing(string controller, string limit)
        => new($"{limit}: cannot set {controller} limit: container could not join or create cgroup", $"this machine has no {controller} controller");

    /// <summary>Writes a file, and says why not.</summary>
    public bool TrySet(string file, string value, out Errno why) => Files.TryWriteText($"{Path}/{file}", value, out why);

    /// <summary>Reads a file, or null.</summary>
    public string? Get(string file) => Files.TryReadText($"{Path}/{file}", out _);

    /// <summary>Names of its files and of the cgroups below.</summary>
    public IEnumerable<string> Names() => Directories.List(Path).Select(entry => entry.Name);

    /// <summary>A file with one number; <c>max</c> and a missing file are null.</summary>
    public long? GetNumber(string file) => long.TryParse(Get(file), out long number) ? number : null;

    /// <summary>The number after a word in a file of words and numbers, such as memory.stat.</summary>
    public long? GetNumber(string file, string word)
    {
        foreach (string line in (Get(file) ?? "").Split('\n'))
        {
            if (line.StartsWith(word, StringComparison.Ordinal) && line.Length > word.Length && line[word.Length] == ' ')
            {
                return long.TryParse(line.AsSpan(word.Length + 1), out long number) ? number : null;
            }
        }

        return null;
    }

    /// <summary>rmdir(2), inner cgroups first; waits a little for processes that are just ending. Missing is fine.</summary>
    public bool TryRemove() => TryRemove(attempts: 100);

    private bool TryRemove(int attempts)
    {
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            if (Directories.TryRemove(Path, out Errno why) || why == Errno.ENOENT)
            {
                return true;
            }

            foreach (DirectoryEntry entry in Directories.List(Path))
            {
                if (entry.Kind == FileKind.Directory)
                {
                    new CgroupDirectory($"{Path}/{entry.Name}", Version).TryRemove(attempts: 2);
                }
            }

            Thread.Sleep(attempt < 10 ? 1 : 10);
        }

        return false;
    }

    private static string? Advice(Errno why) => why switch
    {
        Errno.EINVAL or Errno.ERANGE => "the value is out of the kernel's range",
        Errno.EBUSY => "more is in use already than the new limit allows",
        Errno.EACCES or Errno.EPERM => "this process may not change the limit; see timur info",
        Errno.ENOENT => "this kernel doesn't have the limit, or the parent cgroup doesn't pass its controller on: cgroup v2 refuses that to one with processes of its own",
        _ => null,
    };
}
