using System.Diagnostics;
using Timur.Kernel;
using Timur.State;

namespace Timur.Storage;

/// <summary>A disk image on this machine.</summary>
/// <param name="Name">Its own name, or its container's id.</param>
/// <param name="Size">Bytes that fit in it.</param>
/// <param name="Used">Bytes it occupies on the host.</param>
public sealed record Disk(string Name, string Path, long Size, long Used, IReadOnlyList<string> Snapshots);

/// <summary>
/// Disk images: sparse files with an ext4 file system that holds a container's upper and work directories. A container's own is
/// <c>disk.img</c> in its directory; named ones are <c>disks/NAME.img</c>; snapshots stand beside as <c>FILE@SNAPSHOT</c>.
/// </summary>
public sealed class DiskStore(DataPaths paths)
{
    /// <summary>ext4 with a 32 MB journal and room for one file.</summary>
    public const long MinimumSize = 64L << 20;

    private string Templates => paths.Disks + "/.templates";

    /// <summary>The file of a named disk.</summary>
    public string PathOf(string name) => $"{paths.Disks}/{name}.img";

    /// <summary>
    /// A new disk at <paramref name="path"/>: a sparse copy of a template of that size, which mkfs made once. With <paramref name="preallocate"/> every
    /// block is reserved now.
    /// </summary>
    public void Create(string path, long size, bool preallocate)
    {
        if (size < MinimumSize)
        {
            throw new Failure($"--disk {new ByteSize(size)}: too small for a file system", $"{new ByteSize(MinimumSize)} is the least");
        }

        string unfinished = Unfinished(path);
        SparseFiles.Copy(Template(size), unfinished);
        try
        {
            if (preallocate)
            {
                Reserve(unfinished, size);
            }

            Files.Rename(unfinished, path);
        }
        catch
        {
            Files.TryUnlink(unfinished, out _);
            throw;
        }
    }

    private static void Reserve(string path, long size)
    {
        try
        {
            using Fd file = Files.Open(path, Open.ReadWrite);
            Files.TryLock(file, exclusive: true, wait: false);
            SparseFiles.Preallocate(file, size, path);
        }
        catch (SyscallException e)
        {
            throw new Failure($"--preallocate: this machine can't reserve {new ByteSize(size)}: {e.Errno.Describe()}", "choose a smaller disk, or leave --preallocate out", cause: e);
        }
    }

    /// <summary>The named disks, then those of containers.</summary>
    public IReadOnlyList<Disk> List()
    {
        var disks = new List<Disk>();
        foreach (DirectoryEntry entry in Directories.List(paths.Disks))
        {
            if (entry.Name.EndsWith(".img", StringComparison.Ordinal))
            {
                disks.Add(Describe(entry.Name[..^4], $"{paths.Disks}/{entry.Name}"));
            }
        }

        foreach (DirectoryEntry entry in Directories.List(paths.Containers))
        {
            string path = $"{paths.Containers}/{entry.Name}/disk.img";
            if (Files.Exists(path))
            {
                disks.Add(Describe(entry.Name, path));
            }
        }

        return disks;
    }

    /// <summary>A sparse copy under a new name.</summary>
    public void Clone(string path, string name)
    {
        CheckName(name);
        Directories.Create(paths.Disks);
        CopyWhole(path, PathOf(name), $"disk '{name}'");
    }

    /// <summary>Keeps the disk's present content beside it.</summary>
    public static void Snapshot(string path, string snapshot)
    {
        CheckName(snapshot);
        CopyWhole(path, $"{path}@{snapshot}", $"snapshot '{snapshot}'");
    }

    /// <summary>Puts a snapshot's content in the disk's place, in one rename; the snapshot stays.</summary>
    public static void Rollback(string path, string snapshot)
    {
        string source = $"{path}@{snapshot}";
        if (!Files.Exists(source))
        {
            throw new Failure($"there is no snapshot '{snapshot}' of this disk", $"timur disk ls shows them", 1);
        }

        string unfinished = Unfinished(path);
        SparseFiles.Copy(source, unfinished);
        Files.Rename(unfinished, path);
    }

    /// <summary>Grows or shrinks the file system and its file; nobody may use it meanwhile.</summary>
    public static void Resize(string path, long size)
    {
        RequireUnused(path);
        long old = (long)(Files.TryStatus(path, out _)?.Size ?? 0);
        if (size < MinimumSize)
        {
            throw new Failure($"a disk of {new ByteSize(size)} is too small for a file system", $"{new ByteSize(MinimumSize)} is the least");
        }

        RunTool("e2fsck", ["-fp", path], "checking the disk", allowed: 1);
        if (size > old)
        {
            using Fd file = Files.Open(path, Open.ReadWrite);
            Files.Truncate(file, size, path);
        }

        try
        {
            RunTool("resize2fs", [path, $"{size / 1024}K"], "resizing the file system", allowed: 0);
        }
        catch (Failure e) when (size < old)
        {
            throw new Failure($"the disk can't shrink to {new ByteSize(size)}: more than that is in use", "remove files inside first, or choose a larger size", cause: e);
        }

        if (size < old)
        {
            using Fd file = Files.Open(path, Open.ReadWrite);
            Files.Truncate(file, size, path);
        }
    }

    /// <summary>Removes a disk with its snapshots, or one snapshot.</summary>
    public static void Remove(string path, string? snapshot)
    {
        if (snapshot is not null)
        {
            if (!Files.TryUnlink($"{path}@{snapshot}", out Errno why))
            {
                throw new Failure($"snapshot '{snapshot}': {why.Describe()}", exitCode: 1);
            }

            return;
        }

        RequireUnused(path);
        foreach (string name in SnapshotsOf(path))
        {
            Files.TryUnlink($"{path}@{name}", out _);
        }

        Files.TryUnlink(path, out _);
    }

    /// <summary>Refuses while a loop device holds the file.</summary>
    public static void RequireUnused(string path)
    {
        foreach ((string device, string file) in LoopDevices.List())
        {
            if (file == path)
            {
                throw new Failure($"the disk {path} is in use ({device})", "stop its container first", 2);
            }
        }
    }

    /// <summary>The name of a file that isn't complete yet: system check knows it by its end.</summary>
    private static string Unfinished(string path) => $"{path}.{Processes.Self}.tmp";

    private static void CopyWhole(string source, string target, string what)
    {
        RequireUnused(source);
        if (Files.Exists(target))
        {
            throw new Failure($"{what} exists already", "choose another name");
        }

        string unfinished = Unfinished(target);
        SparseFiles.Copy(source, unfinished);
        Files.Rename(unfinished, target);
    }

    private static Disk Describe(string name, string path)
    {
        FileStatus? status = Files.TryStatus(path, out _);
        return new Disk(name, path, (long)(status?.Size ?? 0), (long)(status?.Blocks512 ?? 0) * 512, SnapshotsOf(path));
    }

    private static List<string> SnapshotsOf(string path)
    {
        var snapshots = new List<string>();
        string prefix = System.IO.Path.GetFileName(path) + "@";
        foreach (DirectoryEntry entry in Directories.List(System.IO.Path.GetDirectoryName(path)!))
        {
            if (entry.Name.StartsWith(prefix, StringComparison.Ordinal) && !entry.Name.EndsWith(".tmp", StringComparison.Ordinal))
            {
                snapshots.Add(entry.Name[prefix.Length..]);
            }
        }

        return snapshots;
    }

    private static void CheckName(string name)
    {
        if (name.Length == 0 || name[0] == '.' || name.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") >= 0)
        {
            throw new Failure($"'{name}' can't be the name of a disk or snapshot", "use letters, digits, '_', '.' and '-'");
        }
    }

    /// <summary>An empty file system of this size, made once. Options: docs/decisions/004-disk-images.md.</summary>
    private string Template(long size)
    {
        string template = $"{Templates}/{size}.img";
        if (Files.Exists(template))
        {
            return template;
        }

        string tree = $"{Templates}/tree";
        Directories.Create($"{tree}/upper");
        Directories.Create($"{tree}/work");
        string unfinished = Unfinished(template);
        try
        {
            using Fd file = Files.Open(unfinished, Open.ReadWrite | Open.Create | Open.Truncate, 0x180);
            Files.TryLock(file, exclusive: true, wait: false);
            Files.Truncate(file, size, unfinished);
            string journal = size >= 256L << 20 ? "size=32" : "size=4";
            RunTool("mkfs.ext4", ["-q", "-F", "-m", "0", "-J", journal, "-E", "nodiscard,assume_storage_prezeroed=1", "-d", tree, unfinished], "making a file system", allowed: 0);
            Files.Rename(unfinished, template);
            return template;
        }
        finally
        {
            Files.TryUnlink(unfinished, out _);
        }
    }

    private static void RunTool(string tool, string[] arguments, string what, int allowed)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new Failure($"{what} needs {tool}, and this machine has none", "install it: apt-get install e2fsprogs", cause: e);
        }

        using (process)
        {
            string output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode > allowed)
            {
                throw new Failure($"{what}: {tool}: {output.Trim()}");
            }
        }
    }
}
