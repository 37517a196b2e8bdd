using Timur.Kernel;

namespace Timur.Storage;

/// <summary>A root whose changes live on a disk image: ext4 on a loop device, and an overlay over the image's layers on it.</summary>
public static class DiskRoot
{
    /// <param name="label">Goes into the loop device's name, so that it can be told whose it is.</param>
    /// <param name="relaxed">No barriers: fsync returns before the data is safe from a power cut.</param>
    /// <param name="owner">With a user namespace: the whole root is mounted here.</param>
    public static RootPlan Plan(string containerDirectory, string stage, string disk, string label, IReadOnlyList<string> layers, bool relaxed, RootOwner? owner)
    {
        (Fd device, string devicePath) = LoopDevices.Attach(disk, label);
        string place = $"{containerDirectory}/disk";
        if (!Directories.TryCreate(place, out Errno why) && why != Errno.EEXIST)
        {
            device.Dispose();
            throw new SyscallException("mkdir", why, place);
        }

        try
        {
            Fd mount = Mounts.NewDetached("ext4", devicePath, relaxed ? [new("barrier", "0")] : [], MountAttributes.NoAccessTime);
            if (owner is not null)
            {
                using Fd file = mount;
                Fd overlay = OverlayRoot.Mount(layers, $"{file.ProcPath}/upper", $"{file.ProcPath}/work", stage, isVolatile: false, owner, file);
                return new RootPlan([new MountStep("detached", devicePath, stage, MountAttributes.None, [])], stage, [device]) { Detached = overlay };
            }

            return new RootPlan(
                [
                    new MountStep("detached", devicePath, place, MountAttributes.NoAccessTime, []),
                    OverlayRoot.Step(layers, $"{place}/upper", $"{place}/work", stage, isVolatile: false),
                ],
                stage,
                [device])
            {
                Detached = mount,
            };
        }
        catch (SyscallException e)
        {
            device.Dispose();
            throw new Failure($"the disk {disk} can't be mounted: {e.Errno.Describe()}", "e2fsck can tell what is wrong with its file system", cause: e);
        }
    }

    /// <summary>A disk that nobody uses, mounted nowhere: its upper directory is below the mount. Dispose the mount, then the device.</summary>
    public static (Fd Device, Fd Mount) Open(string disk, string label)
    {
        (Fd device, string devicePath) = LoopDevices.Attach(disk, label);
        try
        {
            return (device, Mounts.NewDetached("ext4", devicePath, [], MountAttributes.NoAccessTime));
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }
}
