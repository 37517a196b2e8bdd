using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>
/// Where a mount's target is in the image when links on the way point to what isn't there yet, such as <c>/var/run</c> in an image without
/// <c>/run</c>. The launch program then makes it there; that it stays inside the root is for openat2(2) to see to.
/// </summary>
internal static class ImagePath
{
    private const int MostLinks = 40;

    /// <summary>Absolute inside the root; a path without such links is returned as it is.</summary>
    internal static string Resolve(Fd root, string path)
    {
        using (Fd? there = Files.TryOpenInRoot(root, path, Open.Path, out Errno why))
        {
            if (there is not null || why != Errno.ENOENT)
            {
                return path;
            }
        }

        var done = new List<string>();
        var left = new Stack<string>();
        Push(left, path);
        int links = 0;
        while (left.TryPop(out string? name))
        {
            if (name == "..")
            {
                done.RemoveRange(Math.Max(done.Count - 1, 0), Math.Min(done.Count, 1));
                continue;
            }

            done.Add(name);
            if (TargetOf(root, string.Join('/', done)) is not { } target)
            {
                continue;
            }

            if (++links > MostLinks)
            {
                return path;
            }

            done.RemoveAt(done.Count - 1);
            if (target.StartsWith('/'))
            {
                done.Clear();
            }

            Push(left, target);
        }

        return "/" + string.Join('/', done);
    }

    /// <summary>Null when it isn't a link.</summary>
    private static string? TargetOf(Fd root, string path)
    {
        using Fd? file = Files.TryOpenInRoot(root, path, Open.Path | Open.NoFollow, out _);
        return file is not null && Files.Status(file).Kind == FileKind.SymbolicLink ? Files.TryReadLink(file, out _) : null;
    }

    private static void Push(Stack<string> left, string path)
    {
        string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int i = names.Length - 1; i >= 0; i--)
        {
            if (names[i] != ".")
            {
                left.Push(names[i]);
            }
        }
    }
}
