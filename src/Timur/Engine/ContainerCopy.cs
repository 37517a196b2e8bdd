using System.Text;
using Timur.Images;
using Timur.Images.Tar;
using Timur.Kernel;

namespace Timur.Engine;

/// <summary>How <c>cp</c> copies.</summary>
/// <param name="KeepsOwners">Owner and group stay, instead of those of whoever the copy is for.</param>
/// <param name="FollowsLink">The source itself, if it is a symbolic link, stands for what it leads to.</param>
public sealed record CopyOptions(bool KeepsOwners, bool FollowsLink);

/// <summary>Copies between this machine and a container, by the rules of <c>docker cp</c>. The container may run, and may be hostile: see <see cref="CopyPlace"/>.</summary>
public sealed class ContainerCopy(ContainerTree tree, string containerName, CopyOptions options) : IDisposable
{
    private const uint SetIds = 0xC00;
    private static readonly long[] KernelsOwn = [0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202];
    private ContainerTree Tree => tree;

    private readonly Fd _host = Files.Open("/", Open.Path | Open.Directory);

    /// <summary>From the container to a path of this machine.</summary>
    public void CopyOut(string source, string target)
        => Copy(InContainer(source), null, new CopyPlace(_host, Path.GetFullPath(target) + Ending(target), target, IsHost: true));

    /// <summary>From a path of this machine into the container.</summary>
    public void CopyIn(string source, string target)
        => Copy(new CopyPlace(_host, Path.GetFullPath(source) + Ending(source), source, IsHost: true), this, InContainer(target));

    /// <summary>From this container into another one, or elsewhere in the same.</summary>
    public void CopyTo(string source, ContainerCopy other, string target) => Copy(InContainer(source), other, other.InContainer(target));

    /// <summary>From the container as an archive.</summary>
    public void CopyOut(string source, Stream target)
    {
        CopyPlace from = InContainer(source);
        using Fd handle = from.OpenSource(options.FollowsLink);
        byte[] name = Encoding.UTF8.GetBytes(from.Name);
        bool contentOnly = from.MeansContent;
        var packer = new TreePacker(new TarWriter(target))
        {
            IsInUse = tree.IsRunning, Owner = tree.Inside, RootName = contentOnly ? null : name, Prefix = contentOnly ? [] : [.. name, (byte)'/'],
        };
        TreeReader.Walk(handle, packer.Write, IsTheKernels);
        packer.Finish();
    }

    /// <summary>An archive into a directory of the container; owners are the archive's.</summary>
    public void CopyIn(Stream archive, string target)
    {
        (Fd found, byte[] name, _) = InContainer(target).OpenTarget();
        (Fd directory, bool hasIdsInside) = tree.Writable(found);
        using (directory)
        {
            if (name.Length > 0)
            {
                throw new Failure($"cp: {containerName}:{target} isn't a directory", "an archive is unpacked into a directory that is there");
            }

            TreeImport.Unpack(archive, directory, attributes => hasIdsInside ? attributes : attributes with { UserId = Outside(tree.Maps!.Users, attributes.UserId), GroupId = Outside(tree.Maps.Groups, attributes.GroupId) });
        }
    }

    public void Dispose() => _host.Dispose();

    /// <param name="receiver">Whose container gets it; null for this machine.</param>
    private void Copy(CopyPlace source, ContainerCopy? receiver, CopyPlace target)
    {
        using Fd handle = source.OpenSource(options.FollowsLink);
        bool isDirectory = Files.Status(handle).Kind == FileKind.Directory;
        (Fd found, byte[] name, FileKind? there) = target.OpenTarget();
        (Fd directory, bool hasIdsInside) = receiver?.Tree.Writable(found) ?? (found, false);
        using (directory)
        {
            RefuseItself(handle, isDirectory, directory, name, target.What);
            bool into = name.Length == 0;
            if (!into && there is null && !isDirectory && target.MeansDirectory)
            {
                throw new Failure($"cp: {target.What} isn't there, and a file can't be copied to a directory that isn't", "make it first, or leave out the slash at its end");
            }

            if (!into && there is not null && (isDirectory || target.MeansDirectory))
            {
                throw new Failure($"cp: {target.What} is no directory", isDirectory ? "a directory can't be copied over a file: choose another place" : "leave out what makes it one: a slash or /. at its end");
            }

            bool contentOnly = isDirectory && source.MeansContent;
            using var merge = new TreeMerge(directory)
            {
                Place = !into ? name : contentOnly ? [] : Encoding.UTF8.GetBytes(source.Name),
                TakesRoot = !(into && contentOnly),
                Owner = status => receiver is null ? LeaveContainer(status) : receiver.EnterContainer(source.IsHost ? status : LeaveContainer(status), hasIdsInside),
            };
            try
            {
                TreeReader.Walk(handle, merge.Add, IsTheKernels);
                merge.Finish();
            }
            catch (SyscallException e) when (e.Errno is Errno.EROFS or Errno.EISDIR or Errno.ENOTDIR or Errno.ENOSPC)
            {
                throw new Failure($"cp: {target.What}: {e.Message}", e.Errno switch
                {
                    Errno.EROFS => "it is mounted read-only",
                    Errno.ENOSPC => "free some space there",
                    _ => "a directory never takes the place of a file, nor the other way: remove it first",
                }, cause: e);
            }
        }
    }

    /// <summary>A directory that is copied into itself would never end, and a file would be emptied before it is read. Two containers, or one and this machine, may have the same directory.</summary>
    private static void RefuseItself(Fd source, bool isDirectory, Fd directory, byte[] name, string what)
    {
        FileStatus own = Files.Status(source);
        if (!isDirectory)
        {
            using Fd? there = name.Length == 0 ? null : Files.TryOpenAt(directory, Encoding.UTF8.GetString(name), Open.Path | Open.NoFollow, out _);
            if (there is not null && IsSame(Files.Status(there), own))
            {
                throw new Failure($"cp: {what} is the file itself", "choose another place");
            }

            return;
        }

        Fd? at = Files.TryOpenAt(directory, ".", Open.Path | Open.Directory, out _);
        while (at is not null)
        {
            using Fd below = at;
            FileStatus status = Files.Status(below);
            if (IsSame(status, own))
            {
                throw new Failure($"cp: {what} is in the directory that would be copied", "choose a place outside of it");
            }

            at = Files.TryOpenAt(below, "..", Open.Path | Open.Directory, out _);
            if (at is not null && IsSame(Files.Status(at), status))
            {
                at.Dispose();
                return;
            }
        }
    }

    private static bool IsSame(FileStatus one, FileStatus other) => (one.DeviceMajor, one.DeviceMinor, one.Inode) == (other.DeviceMajor, other.DeviceMinor, other.Inode);

    private CopyPlace InContainer(string path) => new(tree.Root, "/" + path.TrimStart('/'), $"{containerName}:{path}", IsHost: false);

    /// <summary>What <see cref="Path.GetFullPath(string)"/> takes away of a path's end, though it means something.</summary>
    private static string Ending(string path) => path is "." || path.EndsWith("/.", StringComparison.Ordinal) ? "/." : "";

    private FileStatus LeaveContainer(FileStatus status) => options.KeepsOwners ? tree.Inside(status) : Owned(status, Processes.EffectiveUser, Processes.EffectiveGroup);

    private FileStatus EnterContainer(FileStatus status, bool hasIdsInside)
    {
        (uint user, uint group) = options.KeepsOwners ? (status.UserId, status.GroupId) : (0u, 0u);
        (user, group) = !hasIdsInside && tree.Maps is { } maps ? (Outside(maps.Users, user), Outside(maps.Groups, group)) : (user, group);
        return options.KeepsOwners ? status with { UserId = user, GroupId = group } : Owned(status, user, group);
    }

    /// <summary>A file that changes hands loses the bits that would give the new owner's power to whoever runs it, as with chown(2).</summary>
    private static FileStatus Owned(FileStatus status, uint user, uint group)
        => status with { UserId = user, GroupId = group, Permissions = status.Kind == FileKind.Directory ? status.Permissions : status.Permissions & ~SetIds };

    private static uint Outside(IReadOnlyList<Kernel.Launcher.IdRange> ranges, uint inside)
        => IdMaps.ToOutside(ranges, inside) ?? throw new Failure($"cp: the container's user namespace has no id {inside}", "copy without -a, or change the owner first");

    /// <summary>File systems that show the kernel's state: proc, sysfs, cgroup v1, cgroup v2, devpts, mqueue (statfs(2), f_type).</summary>
    private static bool IsTheKernels(FileStatus status, Fd handle) => status.IsMountRoot && Array.IndexOf(KernelsOwn, Mounts.FileSystemType(handle.ProcPath)) >= 0;
}
