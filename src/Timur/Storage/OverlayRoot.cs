using Timur.Kernel;

namespace Timur.Storage;

/// <summary>
/// Overlay (Documentation/filesystems/overlayfs.rst) of a container's own upper directory over an image's layers; everything on the host's file system,
/// so that file I/O is the host's.
/// </summary>
public static class OverlayRoot
{
    /// <summary>Makes the directories of a new container, or finds them.</summary>
    public static void Prepare(string containerDirectory)
    {
        foreach (string name in (ReadOnlySpan<string>)["upper", "work"])
        {
            if (!Directories.TryCreate($"{containerDirectory}/{name}", out Errno why) && why != Errno.EEXIST)
            {
                throw new SyscallException("mkdir", why, $"{containerDirectory}/{name}");
            }
        }
    }

    /// <param name="layers">Directories of the image's layers, lowest first.</param>
    /// <param name="isVolatile">fsync does nothing; a power cut may lose what was written.</param>
    public static RootPlan Plan(string containerDirectory, string stage, IReadOnlyList<string> layers, bool isVolatile)
        => new([Step(layers, $"{containerDirectory}/upper", $"{containerDirectory}/work", stage, isVolatile)], stage, []);

    internal static MountStep Step(IReadOnlyList<string> layers, string upper, string work, string target, bool isVolatile)
    {
        var options = new List<KeyValuePair<string, string?>>();
        for (int i = layers.Count - 1; i >= 0; i--)
        {
            options.Add(new("lowerdir+", layers[i]));
        }

        options.Add(new("upperdir", upper));
        options.Add(new("workdir", work));
        options.Add(new("index", "off"));
        if (isVolatile)
        {
            // The marker of an unclean end would refuse the next mount; the container was told what volatile means.
            Directories.RemoveTree($"{work}/work/incompat/volatile");
            options.Add(new("volatile", null));
        }

        return new MountStep("overlay", "overlay", target, MountAttributes.None, options);
    }
}
