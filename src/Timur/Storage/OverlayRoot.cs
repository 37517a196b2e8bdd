using Timur.Kernel;
using Timur.Kernel.Launcher;

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

    /// <summary>
    /// The same mounted here already, for a user namespace: layers are shown with its ids, and the upper directory is its root's. The launch program
    /// couldn't do it, as the layers' file systems are not its own.
    /// </summary>
    public static RootPlan PlanMapped(string containerDirectory, string stage, IReadOnlyList<string> layers, bool isVolatile, RootOwner owner)
        => new([new MountStep("detached", "overlay", stage, MountAttributes.None, [])], stage, [])
        {
            Detached = Mount(layers, $"{containerDirectory}/upper", $"{containerDirectory}/work", stage, isVolatile, owner),
        };

    /// <summary>The overlay as a detached mount; it holds the layers' mapped mounts from then on.</summary>
    /// <param name="disk">The detached mount that <paramref name="upper"/> and <paramref name="work"/> are on, if they are.</param>
    internal static Fd Mount(IReadOnlyList<string> layers, string upper, string work, string stage, bool isVolatile, RootOwner owner, Fd? disk = null)
    {
        Files.Chown(upper, owner.User, owner.Group);
        var mapped = new List<Fd>();
        try
        {
            foreach (string layer in layers.Reverse().Distinct().Reverse())
            {
                mapped.Add(Mounts.CloneIdMapped(layer, owner.UserNamespace));
            }

            MountStep step = Step([.. mapped.Select(mount => mount.ProcPath)], upper, work, stage, isVolatile);
            return OverlayOps.NewDetached(step.Options, disk is null ? mapped : [.. mapped, disk], stage);
        }
        catch (SyscallException e) when (e.Errno is Errno.EINVAL or Errno.EPERM)
        {
            throw new Failure(
                $"the image's files can't be shown with the ids of a user namespace: {e.Message}",
                "the file system that holds Timur's data must support id-mapped mounts (ext4, XFS, btrfs and others since Linux 5.12 to 6.x)", cause: e);
        }
        finally
        {
            mapped.ForEach(mount => mount.Dispose());
        }
    }

    internal static MountStep Step(IReadOnlyList<string> layers, string upper, string work, string target, bool isVolatile)
    {
        var options = new List<KeyValuePair<string, string?>>();
        options.AddRange(Lowers(layers));
        options.Add(new("upperdir", upper));
        options.Add(new("workdir", work));
        options.Add(new("index", "off"));

        // What these would leave in the upper directory means nothing in a layer made of it; some kernels have them on by default.
        options.Add(new("redirect_dir", "off"));
        options.Add(new("metacopy", "off"));
        if (isVolatile)
        {
            // The marker of an unclean end would refuse the next mount; the container was told what volatile means.
            Directories.RemoveTree($"{work}/work/incompat/volatile");
            options.Add(new("volatile", null));
        }

        return new MountStep("overlay", "overlay", target, MountAttributes.None, options);
    }

    /// <summary>
    /// Layers as the kernel takes them, topmost first. It refuses one that occurs twice, as empty layers of images do; the lower one shows nothing that the upper
    /// one doesn't.
    /// </summary>
    internal static IEnumerable<KeyValuePair<string, string?>> Lowers(IReadOnlyList<string> layers) => layers.Reverse().Distinct().Select(layer => KeyValuePair.Create<string, string?>("lowerdir+", layer));
}
