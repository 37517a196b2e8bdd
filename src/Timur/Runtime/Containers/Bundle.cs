using Timur.Kernel;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>A bundle: a directory with a configuration (runtime-spec bundle.md), read and checked.</summary>
/// <param name="Directory">Absolute.</param>
/// <param name="Rootfs">The root file system, absolute and without symbolic links.</param>
/// <param name="Json">The configuration as it was read.</param>
/// <param name="Spec">Without its seccomp profile, which is <paramref name="Filter"/>.</param>
/// <param name="Filter">Null when there is no profile.</param>
public sealed record Bundle(string Directory, string Rootfs, Spec Spec, byte[] Json, ContainerFilter? Filter)
{
    public const string Document = "config.json";

    /// <summary>Reads the bundle; whatever makes no sense in it is a <see cref="Failure"/> that names the place.</summary>
    /// <param name="needsProcess">It is going to be started, not only created.</param>
    /// <param name="config">The configuration's file, relative to the bundle.</param>
    public static Bundle Read(string directory, bool needsProcess, string config = Document)
    {
        string file = config.StartsWith('/') ? config : $"{directory}/{config}";
        byte[] json = Files.TryReadAll(file, out Errno why)
            ?? throw (why == Errno.ENOENT ? new Failure($"JSON specification file {config} not found in {directory}", "timur oci spec writes one", 1) : new SyscallException("read", why, file));
        var root = JsonPart.ParseAnyCase(json, Document);
        Spec spec = SpecJson.Read(root, withSeccomp: false);
        SpecRules.Check(spec, Document, needsProcess);
        string path = spec.Root!.Path;
        string rootfs = RealPath(path.StartsWith('/') ? path : $"{directory}/{path}");
        spec = WithBundlePaths(spec, directory, rootfs);
        SpecRules.CheckSources(spec.Mounts, rootfs, Document);
        return new Bundle(directory, rootfs, spec, json, root.Find("linux")?.Find("seccomp") is { } seccomp ? ContainerFilter.Of(seccomp) : null);
    }

    /// <summary>Bind sources may be relative to the bundle, destinations to the root.</summary>
    private static Spec WithBundlePaths(Spec spec, string directory, string rootfs)
    {
        using Fd root = Files.Open(rootfs, Open.Path | Open.Directory);
        var mounts = new List<MountSpec>(spec.Mounts.Count);
        foreach (MountSpec mount in spec.Mounts)
        {
            var options = MountOptions.Parse(mount.Options);
            bool isBind = mount.Type == "bind" || options.IsBind;
            string destination = InnerSources.IsInner(mount.Destination, rootfs) ? mount.Destination[rootfs.Length..]
                : mount.Destination.StartsWith('/') ? mount.Destination : "/" + mount.Destination;
            bool isPlain = MountPlaces.IsPlainDirectory(root, mount.Type, destination);
            destination = isPlain ? destination : ImagePath.Resolve(root, destination);
            if (!isPlain)
            {
                MountPlaces.CheckProc(root, mount, destination, mounts.Count);
            }

            mounts.Add(mount with
            {
                Destination = destination,
                Source = isBind && mount.Source is { } source && !source.StartsWith('/') ? $"{directory}/{source}" : mount.Source,
                Options = mount.Type == "tmpfs" && !isBind ? MountPlaces.WithMode(root, mounts, destination, mount.Options, options) : mount.Options,
            });
        }

        return spec with { Mounts = mounts };
    }

    private static string RealPath(string path)
    {
        using Fd fd = Files.TryOpen(path, Open.Path | Open.Directory, out Errno why)
            ?? throw new Failure($"{Document}: root.path: {path}: {why.Describe()}", "the bundle's root file system is a directory", 1);
        return Files.TryReadLink(fd.ProcPath, out why) ?? throw new SyscallException("readlink", why, path);
    }
}
