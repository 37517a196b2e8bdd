using Timur.Build.Contexts;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>Empty files and directories to mount on, in a layer over a tree that hasn't got them.</summary>
internal static class MountPlaces
{
    /// <summary>Makes the place below <paramref name="layer"/> unless the tree has it; directories above it look as those of the tree. False when there was nothing to do.</summary>
    internal static bool Make(SourceTree seen, string layer, string path, bool isDirectory)
    {
        if (path.Length == 0 || Real(seen, path) is not null)
        {
            return false;
        }

        int slash = path.LastIndexOf('/');
        string name = path[(slash + 1)..];
        string above = "";
        string place = layer;
        foreach (string part in slash < 0 ? [] : path[..slash].Split('/'))
        {
            above = above.Length == 0 ? part : $"{above}/{part}";
            place = Real(seen, above) is { } real ? Copy(seen, layer, real) : Below(place, part);
        }

        if (isDirectory)
        {
            Directories.Create($"{place}/{name}");
        }
        else if (!Files.Exists($"{place}/{name}"))
        {
            Files.WriteAll($"{place}/{name}", []);
        }

        return true;
    }

    private static string? Real(SourceTree seen, string path) => seen.Find(path.Replace("*", "\\*").Replace("?", "\\?").Replace("[", "\\[")) is [var match] ? match.Real : null;

    private static string Below(string place, string name)
    {
        Directories.Create($"{place}/{name}");
        return $"{place}/{name}";
    }

    /// <summary>The directories on the way, with owner, mode and time of the tree's own: the upper directory takes them over when it is changed.</summary>
    private static string Copy(SourceTree seen, string layer, string real)
    {
        string place = layer;
        string path = "";
        foreach (string part in real.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            path = path.Length == 0 ? part : $"{path}/{part}";
            bool isNew = !Files.Exists($"{place}/{part}");
            place = Below(place, part);
            using Fd? original = isNew ? Files.TryOpenInRoot(seen.Root, path, Open.Path | Open.Directory, out _) : null;
            if (original is not null)
            {
                FileStatus status = Files.Status(original);
                using Fd root = Files.Open(layer, Open.Read | Open.Directory);
                using var writer = new TreeWriter(root);
                writer.SetAttributes(
                    System.Text.Encoding.UTF8.GetBytes(path), new OwnerAndTimes(status.Permissions, status.UserId, status.GroupId, status.ModifiedSeconds, status.ModifiedNanoseconds), isLink: false, []);
            }
        }

        return place;
    }
}
