using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Storage;

/// <summary>Layers as the tree that a container would see, mounted nowhere: it ends with its descriptor.</summary>
public static class LayerTree
{
    /// <summary>For reading.</summary>
    /// <param name="layers">Lowest first; at least one.</param>
    /// <param name="empty">An empty directory of the host.</param>
    public static Fd Open(IReadOnlyList<string> layers, string empty)
    {
        List<KeyValuePair<string, string?>> options = [.. OverlayRoot.Lowers(layers)];

        // An overlay that only shows needs two layers.
        return options.Count == 1 ? Files.Open(layers[0], Kernel.Open.Read | Kernel.Open.Directory) : Entered(OverlayOps.NewDetached(options, [], empty));
    }

    /// <summary>For reading, as a mount that is attached nowhere yet (<see cref="Mounts.Attach"/>); nothing in it can be executed with other rights, no device opened.</summary>
    /// <param name="layers">Lowest first; at least one.</param>
    public static Fd Mountable(IReadOnlyList<string> layers, string empty)
    {
        List<KeyValuePair<string, string?>> options = [.. OverlayRoot.Lowers(layers)];
        Fd mount = options.Count == 1 ? Mounts.Clone(layers[0]) : OverlayOps.NewDetached(options, [], empty);
        try
        {
            Mounts.SetAttributes(mount, MountAttributes.ReadOnly | MountAttributes.NoSetuid | MountAttributes.NoDevices);
            return mount;
        }
        catch
        {
            mount.Dispose();
            throw;
        }
    }

    /// <summary>For changing: what is written goes to <paramref name="upper"/>.</summary>
    /// <param name="layers">Lowest first; none means that <paramref name="empty"/> is below.</param>
    public static Fd OpenWritable(IReadOnlyList<string> layers, string upper, string work, string empty)
        => Entered(OverlayOps.NewDetached(OverlayRoot.Step(layers.Count == 0 ? [empty] : layers, upper, work, empty, isVolatile: false).Options, [], empty));

    /// <summary>The mount's descriptor names it only; reading directories needs one that is open.</summary>
    private static Fd Entered(Fd mount)
    {
        using (mount)
        {
            return Files.TryOpenAt(mount, ".", Kernel.Open.Read | Kernel.Open.Directory, out Errno why) ?? throw new SyscallException("open", why, "overlay");
        }
    }
}
