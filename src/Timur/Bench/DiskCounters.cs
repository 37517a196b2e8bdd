using Timur.Kernel;

namespace Timur.Bench;

/// <summary>
/// What the disk below a directory has been asked for, from <c>/sys/dev/block/MAJOR:MINOR/stat</c> (the kernel's Documentation/block/stat.rst): counts stay
/// the same on a busy machine, when times don't.
/// </summary>
/// <param name="WrittenKibibytes">Sectors of 512 bytes, halved.</param>
internal readonly record struct DiskCounters(long Reads, long Writes, long WrittenKibibytes, long Flushes)
{
    /// <summary>The file that counts for the disk that holds the directory; null where there is none, as on btrfs and tmpfs.</summary>
    internal static string? FileFor(string directory)
    {
        if (Files.TryStatus(directory, out _) is not { } status)
        {
            return null;
        }

        // Flushes are counted for the whole disk only.
        string device = $"/sys/dev/block/{status.DeviceMajor}:{status.DeviceMinor}";
        string disk = Files.Exists(device + "/partition") ? device + "/.." : device;
        return Files.TryReadText(disk + "/stat", out _) is null ? null : disk + "/stat";
    }

    internal static DiskCounters? Read(string? file)
    {
        if (file is null || Files.TryReadText(file, out _) is not { } text)
        {
            return null;
        }

        long[] fields = [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse)];
        return new DiskCounters(fields[0], fields[4], fields[6] / 2, fields.Length > 15 ? fields[15] : 0);
    }

    internal DiskCounters Since(DiskCounters before)
        => new(Reads - before.Reads, Writes - before.Writes, WrittenKibibytes - before.WrittenKibibytes, Flushes - before.Flushes);
}
