using Timur.Kernel;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>What mounts take from the place that they cover.</summary>
internal static class MountPlaces
{
    /// <summary>
    /// The process file system and sysfs are where they are said to be: protection of paths in them counts on it (CVE-2023-27561). False for others, and for a
    /// directory that isn't there yet.
    /// </summary>
    internal static bool IsPlainDirectory(Fd root, string? type, string destination)
    {
        if (type is not ("proc" or "sysfs"))
        {
            return false;
        }

        using Fd? there = Files.TryOpenInRoot(root, destination.TrimEnd('/'), Open.Path | Open.NoFollow | Open.Directory, out Errno why);
        return why is not (Errno.ENOTDIR or Errno.ELOOP) || there is not null ? there is not null
            : throw new Failure($"filesystem \"{type}\" must be mounted on ordinary directory: {destination} in the bundle's root is none", exitCode: 1);
    }

    private const string Proc = "/proc";

    /// <summary>What may be covered in the process file system: files with facts about the machine, of which a container may be shown others (lxcfs).</summary>
    private static readonly string[] Shown =
    [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev",
        "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
    ];

    /// <summary>
    /// Nothing is mounted over the process file system, also through a link of the image: a volume there would stand in for what is masked, for parameters, or for
    /// a label's file (CVE-2019-16884).
    /// </summary>
    internal static void CheckProc(Fd root, MountSpec mount, string destination, int index)
    {
        string place = CriuMounts.WithoutLinks(root, destination);
        if (place == Proc ? mount.Type != "proc" && !ShowsProcesses(mount) : place.StartsWith(Proc + "/", StringComparison.Ordinal) && !Shown.Contains(place))
        {
            throw new Failure($"{Bundle.Document}: mounts[{index}].destination: {destination} cannot be mounted because it is {(place == Proc ? "not of type proc" : "inside /proc")}", exitCode: 1);
        }
    }

    private static bool ShowsProcesses(MountSpec mount)
    {
        const long processes = 0x9fa0; // PROC_SUPER_MAGIC (linux/magic.h)
        return mount.Source is { } source && MountOptions.IsBindMount(mount) && Mounts.FileSystemType(source) == processes;
    }

    /// <summary>A tmpfs without a mode of its own has that of the directory that it covers, if there is one.</summary>
    /// <param name="before">The mounts that come before it.</param>
    internal static IReadOnlyList<string> WithMode(Fd root, IReadOnlyList<MountSpec> before, string destination, IReadOnlyList<string> given, MountOptions options)
    {
        const uint usual = 0x3FF; // 1777
        foreach ((string name, _) in options.Data)
        {
            if (name == "mode")
            {
                return given;
            }
        }

        return ModeAt(root, before, destination) is { } mode && mode != usual ? [.. given, "mode=" + Convert.ToString(mode, 8)] : given;
    }

    private static uint? ModeAt(Fd root, IReadOnlyList<MountSpec> before, string destination)
    {
        if (MountOptions.CoverOf(before, before.Count, destination) is not { } i)
        {
            return Mode(root, destination);
        }

        // In a new file system the directory is going to be made.
        using Fd? below = MountOptions.IsBindMount(before[i]) ? Files.TryOpen(before[i].Source!, Open.Path | Open.Directory, out _) : null;
        return below is null ? null : Mode(below, destination[before[i].Destination.TrimEnd('/').Length..]);
    }

    private static uint? Mode(Fd root, string path)
    {
        using Fd? directory = Files.TryOpenInRoot(root, path.Length == 0 ? "." : path, Open.Path | Open.Directory, out _);
        return directory is null ? null : Files.Status(directory).Permissions;
    }
}
