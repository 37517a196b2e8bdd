using Timur.Cgroups;
using Timur.Kernel;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>A container's mounts that criu can't make: what is bound from the host. Each has a name in the images, and a source when it is mounted again.</summary>
internal static class CriuMounts
{
    private const string Null = "/dev/null";

    /// <summary>Where such mounts are, and what each is called: criu knows places without links only, and so do the names that runc gives.</summary>
    /// <param name="pid">The container's first process.</param>
    internal static List<(string Place, string Name)> Named(Spec spec, Cgroup cgroup, int pid, string rootfs)
    {
        using Fd seen = Files.Open($"/proc/{pid}/root", Open.Path | Open.Directory);
        using Fd root = Files.Open(rootfs, Open.Path | Open.Directory);
        List<(string, string)> named = [.. Bound(spec, cgroup).Select(mount => (WithoutLinks(seen, mount.Place), WithoutLinks(root, mount.Place)))];
        foreach (string path in spec.Linux.MaskedPaths)
        {
            if (Files.TryStatus($"/proc/{pid}/root{path}", out _, follow: true) is { Kind: not FileKind.Directory })
            {
                named.Add((path, Null));
            }
        }

        return named;
    }

    /// <summary>What to mount by name.</summary>
    internal static List<(string Name, string Source)> Sources(Spec spec, Cgroup cgroup, string rootfs)
    {
        using Fd root = Files.Open(rootfs, Open.Path | Open.Directory);
        return [.. Bound(spec, cgroup).Select(mount => (WithoutLinks(root, mount.Place), RealPath(mount.Source))), (Null, Null)];
    }

    /// <summary>criu looks for the mount that a source is in by the names of mounts: without links, dots and doubled slashes.</summary>
    private static string RealPath(string source)
    {
        using Fd? there = Files.TryOpen(source, Open.Path, out _);
        return (there is null ? null : Files.TryReadLink(there.ProcPath, out _)) ?? source;
    }

    /// <summary>What a path leads to inside a root, as far as it is there; the path itself where that can't be told.</summary>
    internal static string WithoutLinks(Fd root, string path)
    {
        string top = (Files.TryReadLink($"/proc/self/fd/{root.Raw}", out _) ?? "").TrimEnd('/') + "/";
        string head = path.TrimEnd('/');
        for (; head.Length > 0; head = head[..head.LastIndexOf('/')])
        {
            using Fd? there = Files.TryOpenInRoot(root, head, Open.Path, out _);
            if (there is not null)
            {
                string real = Files.TryReadLink($"/proc/self/fd/{there.Raw}", out _) ?? "";
                return real.StartsWith(top, StringComparison.Ordinal) ? string.Concat("/", real.AsSpan(top.Length), path.AsSpan(head.Length)) : path;
            }
        }

        return path;
    }

    /// <summary>
    /// Makes what is missing of the places to mount at, as the container's start did, in the root and in what is bound over it; what is below any other mount comes
    /// with its content.
    /// </summary>
    internal static void MakePlaces(Spec spec, string rootfs)
    {
        using Fd root = Files.Open(rootfs, Open.Path | Open.Directory);
        for (int i = 0; i < spec.Mounts.Count; i++)
        {
            MountSpec mount = spec.Mounts[i];
            MountSpec? cover = MountOptions.CoverOf(spec.Mounts, i, mount.Destination) is { } index ? spec.Mounts[index] : null;
            if (mount.Type is "cgroup" or "cgroup2" || (cover is not null && !MountOptions.IsBindMount(cover)))
            {
                continue;
            }

            using Fd? bound = cover is null ? null : Files.TryOpen(cover.Source!, Open.Path | Open.Directory, out _);
            string place = cover is null ? mount.Destination : mount.Destination[cover.Destination.TrimEnd('/').Length..];
            if ((cover is null ? root : bound) is { } top && !IsThere(top, place))
            {
                using var writer = new TreeWriter(top);
                MakePlace(writer, mount, place);
            }
        }
    }

    private static bool IsThere(Fd root, string path)
    {
        using Fd? there = Files.TryOpenInRoot(root, path.Trim('/') is { Length: > 0 } below ? below : ".", Open.Path, out _);
        return there is not null;
    }

    private static void MakePlace(TreeWriter writer, MountSpec mount, string place)
    {
        string[] parts = place.Split('/', StringSplitOptions.RemoveEmptyEntries);
        bool isFile = mount.Source is { } source && MountOptions.IsBindMount(mount) && Files.TryStatus(source, out _, follow: true) is { Kind: not FileKind.Directory };
        for (int i = 1; i <= parts.Length; i++)
        {
            byte[] path = System.Text.Encoding.UTF8.GetBytes(string.Join('/', parts[..i]));
            if (i == parts.Length && isFile)
            {
                writer.MakeFile(path).Dispose();
            }
            else
            {
                writer.MakeDirectory(path, 0x1ED);
            }
        }
    }

    private static IEnumerable<(string Place, string Source)> Bound(Spec spec, Cgroup cgroup)
    {
        foreach (MountSpec mount in spec.Mounts)
        {
            if (MountOptions.IsBindMount(mount))
            {
                yield return (mount.Destination, mount.Source!);
            }
            else if (mount.Type is "cgroup" or "cgroup2")
            {
                foreach ((string name, string hostPath) in cgroup.Views)
                {
                    yield return ($"{mount.Destination}/{name}", hostPath);
                }

                if (SpecRules.Find(spec, "cgroup") is null && cgroup.UnifiedPath is { } unified)
                {
                    yield return (mount.Destination, unified);
                }
            }
        }

        // Where nodes can't be made, the host's are bound.
        foreach (string device in SpecRules.Find(spec, "user") is null ? [] : DefaultDevices.All.Select(device => device.Path).Concat(spec.Linux.Devices.Select(device => device.Path)))
        {
            yield return (device, device);
        }
    }
}
