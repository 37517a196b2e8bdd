using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Runtime;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>What a container's root stands on, by its options: overlay, disk image, or a directory.</summary>
internal static class RootChoice
{
    /// <summary>Makes the place of a new container.</summary>
    internal static void Prepare(RunOptions options, string directory, DataPaths paths)
    {
        OverlayRoot.Prepare(directory);
        if (options.Text("disk") is not { } disk)
        {
            return;
        }

        var disks = new DiskStore(paths);
        (string? name, long? size) = ParseDisk(disk);
        string path = name is null ? $"{directory}/disk.img" : disks.PathOf(name);
        if (name is not null && Files.Exists(path))
        {
            return;
        }

        Directories.Create(paths.Disks);
        disks.Create(path, size ?? throw new Failure($"there is no disk '{name}'", $"make it with its size: --disk {name}:4g"), options.Has("preallocate"));
    }

    /// <summary><c>4g</c> belongs to the container; <c>NAME:4g</c> is made when missing and outlives it; <c>NAME</c> has to exist.</summary>
    internal static (string? Name, long? Size) ParseDisk(string text)
    {
        int colon = text.IndexOf(':');
        if (colon >= 0)
        {
            return (text[..colon], ByteSize.Parse(text[(colon + 1)..], "--disk").Bytes);
        }

        return char.IsAsciiDigit(text[0]) ? (null, ByteSize.Parse(text, "--disk").Bytes) : (text, null);
    }

    /// <summary>The mounts of one start. Dispose it when the container runs.</summary>
    internal static RootPlan Plan(RunOptions options, Image? image, string directory, DataPaths paths, IdMaps? maps)
    {
        using Fd? userNamespace = maps is null ? null : UserNamespaces.Create(maps.Users, maps.Groups);
        RootOwner? owner = userNamespace is null ? null : new RootOwner(userNamespace, maps!.Root.User, maps.Root.Group);
        if (options.Text("rootfs") is { } root)
        {
            if (Files.TryStatus(root, out Errno why, follow: true) is not { Kind: FileKind.Directory })
            {
                throw new Failure($"--rootfs {root}: {(why == Errno.None ? "not a directory" : why.Describe())}", "give a directory that holds a root file system");
            }

            if (owner is not null)
            {
                return new RootPlan([new MountStep("detached", root, paths.Stage, MountAttributes.None, [])], paths.Stage, []) { Detached = Mounts.CloneIdMapped(root, owner.UserNamespace) };
            }

            return new RootPlan([new MountStep("bind", root, paths.Stage, MountAttributes.None, [])], paths.Stage, []);
        }

        if (options.Text("disk") is { } disk)
        {
            string path = ParseDisk(disk).Name is { } name ? new DiskStore(paths).PathOf(name) : $"{directory}/disk.img";
            return DiskRoot.Plan(directory, paths.Stage, path, "timur " + Path.GetFileName(directory)[..12], image!.LayerDirectories, options.Text("disk-sync") == "relaxed", owner);
        }

        if (owner is not null)
        {
            return OverlayRoot.PlanMapped(directory, paths.Stage, image!.LayerDirectories, IsVolatile(options), owner);
        }

        return OverlayRoot.Plan(directory, paths.Stage, image!.LayerDirectories, IsVolatile(options));
    }

    /// <summary>
    /// Whether fsync may do nothing in the root. It may where the root is thrown away at the end anyway: after a power cut there is nobody to miss what was
    /// lost, and the host's file system needn't be flushed for the sake of it (docs/decisions/003-volatile-root.md).
    /// </summary>
    private static bool IsVolatile(RunOptions options) => options.Text("root-sync") is { } choice ? choice == "volatile" : options.RemoveAtEnd;

    /// <summary>Where files of the root can be looked up from the host, topmost first.</summary>
    internal static IReadOnlyList<string> Trees(RunOptions options, Image? image, string directory)
    {
        if (options.Text("rootfs") is { } root)
        {
            return [root];
        }

        var trees = new List<string> { $"{directory}/upper" };
        for (int i = image!.LayerDirectories.Count - 1; i >= 0; i--)
        {
            trees.Add(image.LayerDirectories[i]);
        }

        return trees;
    }

    internal static List<RootMount> ToMounts(RootPlan plan)
    {
        var mounts = new List<RootMount>();
        foreach (MountStep step in plan.Steps)
        {
            mounts.Add(new RootMount(step.Type, step.Source, step.Target, step.Attributes, step.Options));
        }

        return mounts;
    }
}
