using Timur.Images;
using Timur.Kernel;
using Timur.Networks;
using Timur.State;

namespace Timur.Engine;

/// <summary>Prepares this machine, and takes everything of ours back.</summary>
public sealed class HostCare(DataPaths paths)
{
    /// <summary>Directories, the default image, and the network; what is there already stays.</summary>
    public IEnumerable<string> Initialise()
    {
        new ContainerStore(paths).MakeParents();
        foreach (string directory in (ReadOnlySpan<string>)[paths.Images, paths.Volumes, paths.Disks, paths.Networks])
        {
            Directories.Create(directory, 0x1C9);
        }

        Image image = ImageStore.Open(paths).Resolve("busybox");
        NetworkRecord network = new HostNetwork(paths).Prepare();
        return
        [
            $"data in {paths.Root}, sockets in {paths.Run}",
            $"image busybox {image.Id[..12]}",
            $"network {network.Bridge} {network.Subnet}",
        ];
    }

    /// <summary>
    /// Every container, running or not, then links, rules, cgroups; with <paramref name="images"/> all that the store has, such as images, volumes and disks. Returns sentences on
    /// what was removed.
    /// </summary>
    public IEnumerable<string> Clear(bool images)
    {
        var store = new ContainerStore(paths);
        var removal = new ContainerRemoval(store);
        var report = new List<string>();
        foreach (Container container in Readable(store))
        {
            removal.Remove(container, force: true);
            report.Add($"container {container.Name}");
        }

        new HostNetwork(paths).Clear();
        report.Add("bridge, addresses and rules");
        foreach (Finding finding in new SystemCheck(paths).Run())
        {
            finding.Repair?.Invoke();
        }

        if (images)
        {
            new VolumeMounts(paths).ForgetAll();
        }

        var mounts = new ImageMounts(paths);
        foreach ((string id, string directory) in mounts.List())
        {
            mounts.Unmount(id, force: true);
            report.Add(directory);
        }

        foreach (string directory in images ? (string[])[paths.Images, paths.Volumes, paths.Disks, paths.Containers, paths.Names, paths.Filters, paths.Trash] : [])
        {
            Directories.RemoveTree(directory);
            report.Add(directory);
        }

        if (images)
        {
            // Nothing is ever in it on the host.
            Directories.TryRemove(paths.Stage, out _);
        }

        Directories.RemoveTree(paths.Run + "/containers");
        Directories.TryRemove(paths.Run, out _);
        return report;
    }

    /// <summary>Every container; damaged records, which would hide the others, are mended first.</summary>
    private List<Container> Readable(ContainerStore store)
    {
        try
        {
            return store.List();
        }
        catch (Failure)
        {
            foreach (Finding finding in new SystemCheck(paths).Run())
            {
                finding.Repair?.Invoke();
            }

            return store.List();
        }
    }
}
