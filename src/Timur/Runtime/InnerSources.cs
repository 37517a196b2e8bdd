using Timur.Oci;

namespace Timur.Runtime;

/// <summary>
/// Bind sources below the container's own root that an earlier mount covers: what is to be bound is what the container sees there. A path such as
/// <c>/bundle/rootfs/mnt/x</c> may not even exist on the host.
/// </summary>
public static class InnerSources
{
    /// <summary>Whether a path is below the root; both are absolute.</summary>
    public static bool IsInner(string path, string root)
        => path.StartsWith(root, StringComparison.Ordinal) && path.Length > root.Length && path[root.Length] == '/' && !path.Contains("/../", StringComparison.Ordinal) && !path.EndsWith("/..", StringComparison.Ordinal);

    /// <summary>Whether a mount's source is such a place; any other is a path of the host's.</summary>
    public static bool IsCovered(IReadOnlyList<MountSpec> mounts, MountSpec mount, string root)
        => mount.Source is { } source && IsInner(source, root) && Backing(mounts, mount, root) != source;

    /// <summary>The host path whose file is seen at the source of a mount, or null for a place in a new file system.</summary>
    public static string? Backing(IReadOnlyList<MountSpec> mounts, MountSpec mount, string root)
    {
        if (!IsInner(mount.Source!, root))
        {
            return mount.Source;
        }

        int index = 0;
        while (index < mounts.Count && !ReferenceEquals(mounts[index], mount))
        {
            index++;
        }

        return Backing(mounts, mount.Source!, index, root);
    }

    private static string? Backing(IReadOnlyList<MountSpec> mounts, string source, int before, string root)
    {
        if (!IsInner(source, root))
        {
            return source;
        }

        string inner = source[root.Length..].TrimEnd('/');
        if (MountOptions.CoverOf(mounts, before, inner) is not { } i)
        {
            return source;
        }

        int length = mounts[i].Destination.TrimEnd('/').Length;
        return MountOptions.IsBindMount(mounts[i]) && mounts[i].Source is { } below && Backing(mounts, below, i, root) is { } backing ? backing + inner[length..]
            : inner.Length == length ? root : null;
    }
}
