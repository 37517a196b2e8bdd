using Timur.Images;
using Timur.Kernel;
using Timur.Runtime;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>What a container's root stands on, by its options: overlay, disk image, or a directory.</summary>
internal static class RootChoice
{
    /// <summary>Makes the place of a new container.</summary>
    internal static void Prepare(RunOptions options, Image? image, string directory)
    {
        OverlayRoot.Prepare(directory);
    }

    /// <summary>The mounts of one start. Dispose it when the container runs.</summary>
    internal static RootPlan Plan(RunOptions options, Image? image, string directory)
    {
        if (options.Text("rootfs") is { } root)
        {
            if (Files.TryStatus(root, out Errno why, follow: true) is not { Kind: FileKind.Directory })
            {
                throw new Failure($"--rootfs {root}: {(why == Errno.None ? "not a directory" : why.Describe())}", "give a directory that holds a root file system");
            }

            return new RootPlan([new MountStep("bind", root, $"{directory}/rootfs", MountAttributes.None, [])], $"{directory}/rootfs", []);
        }

        return OverlayRoot.Plan(directory, image!.LayerDirectories, options.Text("root-sync") == "volatile");
    }

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
