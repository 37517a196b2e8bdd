using System.Text;
using Timur.Kernel;
using Timur.State;

namespace Timur.SystemTests;

/// <summary>What a store's containers hold of the machine, as text that can be compared; other stores on the same machine don't show in it.</summary>
internal static class Residue
{
    private static readonly string[] Directories =
    [
        "data/containers", "data/names", "data/trash", "data/disks", "data/volumes", "data/networks", "data/networks/leases", "data/networks/leases/bridge",
        "data/networks/attachments", "run/containers",
    ];

    /// <summary>
    /// Mounts, loop devices, cgroups, links and rules of this store's name, sockets, and every file of the store but what it keeps for
    /// good: images, compiled filters, templates, the network's own record.
    /// </summary>
    internal static string Of(TimurCommand timur)
    {
        var paths = new DataPaths(timur.Root + "/data", timur.Root + "/run");

        // A container with --rm is gone before the last of its files is deleted.
        SpinWait.SpinUntil(() => !Directory.Exists(paths.Trash) || !Directory.EnumerateFileSystemEntries(paths.Trash).Any(), 60_000);
        var text = new StringBuilder();
        Section(text, "mounts", File.ReadAllLines("/proc/self/mountinfo").Where(line => line.Contains(timur.Root, StringComparison.Ordinal)));
        Section(text, "loop devices", LoopDevices.List().Where(device => device.File.StartsWith(timur.Root, StringComparison.Ordinal)).Select(device => device.File));
        Section(text, "cgroups", Cgroups(paths));
        Section(text, "links", Lines("ip", $"-o link show master timur{paths.Suffix}").Select(line => line.Split(':')[1]));
        Section(text, "published ports", Lines("nft", $"list table inet timur{paths.Suffix}").Where(line => line.Contains("comment", StringComparison.Ordinal)));
        Section(text, "files", Files(timur.Root + "/data").Concat(Files(timur.Root + "/run")).Where(path => !Directories.Contains(path[(timur.Root.Length + 1)..])));
        return text.ToString();
    }

    private static void Section(StringBuilder text, string name, IEnumerable<string> lines)
        => text.Append(name).Append('\n').AppendJoin("", lines.Order(StringComparer.Ordinal).Select(line => $"  {line.Trim()}\n"));

    private static IEnumerable<string> Cgroups(DataPaths paths)
        => Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup")
            .SelectMany(hierarchy => Directory.GetDirectories(hierarchy, paths.CgroupPrefix + "*"));

    private static IEnumerable<string> Lines(string program, string arguments) => TimurCommand.Execute(program, arguments.Split(' ')).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static IEnumerable<string> Files(string directory)
    {
        var options = new EnumerationOptions { AttributesToSkip = 0 };
        foreach (string path in Directory.Exists(directory) ? Directory.GetFileSystemEntries(directory, "*", options) : [])
        {
            string name = Path.GetFileName(path);
            if (name is "images" or "filters" or ".templates" or "bridge.json" or "former-sysctls" || (name == ".lock" && path.Contains("/networks/", StringComparison.Ordinal)))
            {
                continue;
            }

            FileAttributes attributes = File.GetAttributes(path);
            yield return path;
            foreach (string inner in attributes.HasFlag(FileAttributes.Directory) && !attributes.HasFlag(FileAttributes.ReparsePoint) ? Files(path) : [])
            {
                yield return inner;
            }
        }
    }
}
