using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>
/// What the options of a bind mount do to the attributes that it takes over from its source, in runc's way: without an option about attributes all stay; with one,
/// none stays that isn't named, except how accesses change times, which only an option that sets it changes. In a user namespace attributes that protect the source
/// are locked (mount_namespaces(7)): those that aren't named stay there, and a wish to take one away is refused.
/// </summary>
internal static class BindAttributes
{
    private const MountAttributes Locked = MountAttributes.ReadOnly | MountAttributes.NoSetuid | MountAttributes.NoDevices | MountAttributes.NoExecute;
    private const MountAttributes AccessTime = MountAttributes.NoAccessTime | MountAttributes.StrictAccessTime | MountAttributes.NoDirectoryAccessTime;

    /// <param name="mount">The mount.</param>
    /// <param name="options">Its options.</param>
    /// <param name="isMapped">The container has a user namespace of its own.</param>
    internal static MountChange Of(MountSpec mount, MountOptions options, bool isMapped)
    {
        if (!options.NamesAttribute)
        {
            return new MountChange(MountAttributes.None);
        }

        MountAttributes dropped = MountAttributes.NoSymbolicFollow | (options.NamesAccessTime ? AccessTime : MountAttributes.None);
        if (isMapped)
        {
            Check(mount, options);
        }
        else
        {
            dropped |= Locked;
        }

        return new MountChange(options.Set, ((options.Clear & ~AccessTime) | dropped) & ~options.Set);
    }

    private static void Check(MountSpec mount, MountOptions options)
    {
        MountAttributes there = Mounts.AttributesAt(mount.Source ?? "");
        bool changesTimes = options.NamesAccessTime && (options.Set & AccessTime) != (there & AccessTime);
        if (changesTimes || (options.Clear & there & Locked) != 0)
        {
            throw new Failure(
                $"unable to start container process: error during container init: error mounting \"{mount.Source}\" to rootfs at \"{mount.Destination}\": operation not permitted",
                $"in a user namespace a mount keeps what its source has: {there}; leave those options out, or mount the source with other ones", 1);
        }
    }
}
