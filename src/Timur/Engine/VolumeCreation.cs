using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>Sees to it that a container's volumes are there, and gives empty ones what the image has in their places.</summary>
internal sealed class VolumeCreation(DataPaths paths)
{
    private readonly VolumeStore _volumes = new(paths);

    /// <summary>The one driver there is.</summary>
    internal static void CheckDriver(string driver)
    {
        if (driver is not ("" or "local"))
        {
            throw new Failure($"there is no volume driver '{driver}'", "there is one: local, with the options type, device and o");
        }
    }

    /// <summary>Options of the driver that make no sense are a <see cref="Failure"/>.</summary>
    internal static void CheckOptions(IReadOnlyDictionary<string, string> options)
    {
        foreach (string key in options.Keys)
        {
            if (key is not ("type" or "device" or "o"))
            {
                throw new Failure($"a volume has no option '{key}'", "known: type, device, o, such as --opt type=tmpfs --opt device=tmpfs --opt o=size=64m");
            }
        }

        if (options.Count > 0 && !options.ContainsKey("device"))
        {
            throw new Failure("a volume with options needs a device", "for example --opt type=none --opt device=/srv/files --opt o=bind");
        }
    }

    /// <summary>
    /// Makes what is missing. The container's record names them already, so nobody removes one that was found; what is made here is taken back by
    /// <paramref name="undo"/> when something fails later.
    /// </summary>
    internal void Ensure(IReadOnlyList<WantedMount> wanted, Image? image, ContainerId id, UndoList undo)
    {
        List<WantedMount> volumes = [.. wanted.Where(mount => mount.Kind == WantedKind.Volume)];
        if (volumes.Exists(mount => mount.IsAnonymous))
        {
            // Before they exist: whoever removes the container finds them by it.
            AtomicFile.Write(AnonymousFile(paths, id), System.Text.Encoding.UTF8.GetBytes(string.Concat(volumes.Where(mount => mount.IsAnonymous).Select(mount => mount.Source + "\n"))));
        }

        foreach (WantedMount mount in volumes)
        {
            CheckOptions(mount.DriverOptions);
            if (_volumes.Create(new VolumeRecord(mount.Source, DateTimeOffset.UtcNow, mount.Labels, mount.DriverOptions, mount.IsAnonymous)))
            {
                undo.Add($"volume {mount.Source}", () => _volumes.Remove(mount.Source)?.Dispose());
            }

            if (mount.Fills && image is not null && !image.IsHost && _volumes.Find(mount.Source).Options.Count == 0)
            {
                Fill(mount, image, id);
            }
        }
    }

    /// <summary>The file that names a container's own volumes, one in each line.</summary>
    internal static string AnonymousFile(DataPaths paths, ContainerId id) => $"{paths.Container(id)}/anonymous-volumes";

    internal static IReadOnlyList<string> AnonymousOf(DataPaths paths, ContainerId id)
        => Files.TryReadText(AnonymousFile(paths, id), out _)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>How a volume is mounted: its directory, or the one that its options name.</summary>
    internal static MountSpec ToMount(DataPaths paths, WantedMount mount, string[] words)
    {
        var volumes = new VolumeStore(paths);
        IReadOnlyDictionary<string, string> options = volumes.TryFind(mount.Source)?.Options ?? mount.DriverOptions;
        return VolumeMounts.BoundDirectory(options) is { } bound
            ? new MountSpec { Destination = mount.Destination, Type = "bind", Source = bound, Options = [.. VolumeMounts.Words(options), .. words.Where(word => word is not ("rbind" or "idmap"))] }
            : new MountSpec { Destination = mount.Destination, Type = "bind", Source = volumes.DataOf(mount.Source), Options = words };
    }

    /// <summary>
    /// Copies what the image has into a directory beside, and then puts that in the place of the empty one: whole or not at all. While a running container has the
    /// volume nothing is put in its place.
    /// </summary>
    private void Fill(WantedMount mount, Image image, ContainerId id)
    {
        string data = _volumes.DataOf(mount.Source);
        if (Directories.List(data).Count > 0)
        {
            return;
        }

        using FileLock? guard = _volumes.TryLock(mount.Source);
        if (guard is null || Directories.List(data).Count > 0 || new VolumeUse(paths, new ContainerStore(paths).ListReadable(out _)).UsersOf(mount.Source).Any(user => user.State.IsAlive && user.Id != id))
        {
            return;
        }

        using Fd root = OpenImage(image);
        using Fd? source = Files.TryOpenInRoot(root, mount.Destination.TrimStart('/'), Open.Read | Open.Directory, out _);
        if (source is null)
        {
            return;
        }

        string copy = $"{_volumes.DirectoryOf(mount.Source)}/.copy.{Processes.Self}.tmp";
        Directories.RemoveTree(copy);
        Directories.Create(copy);
        try
        {
            using (Fd target = Files.Open(copy, Open.Read | Open.Directory))
            {
                TreeMerge.Copy(source, target);
            }

            Files.TryRename(copy, data, out _);
        }
        finally
        {
            Directories.RemoveTree(copy);
        }
    }

    /// <summary>The image's tree, layers joined.</summary>
    private Fd OpenImage(Image image)
    {
        if (image.LayerDirectories is [var only])
        {
            return Files.Open(only, Open.Path | Open.Directory);
        }

        var layers = new List<KeyValuePair<string, string?>>();
        for (int i = image.LayerDirectories.Count - 1; i >= 0; i--)
        {
            layers.Add(new("lowerdir+", image.LayerDirectories[i]));
        }

        Directories.Create(paths.Stage, 0x1C0);
        return OverlayOps.NewDetached(layers, [], paths.Stage);
    }
}
