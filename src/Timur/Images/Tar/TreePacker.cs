using Timur.Kernel;

namespace Timur.Images.Tar;

/// <summary>Puts the entries of a tree into an archive, as they are; a second name of a file becomes a hard link.</summary>
internal sealed class TreePacker(TarWriter writer)
{
    private readonly Dictionary<(uint, uint, ulong), byte[]> _seen = [];

    /// <summary>Somebody may change the files meanwhile: what has become shorter is filled up with zeroes, as GNU tar does.</summary>
    internal bool IsInUse { get; init; }

    /// <summary>Overlay's and this machine's own attributes, too.</summary>
    internal bool HasAllAttributes { get; init; }

    /// <summary>Stands before every name; empty or with a slash at its end.</summary>
    internal byte[] Prefix { get; init; } = [];

    /// <summary>The root's own name instead of <c>./</c>.</summary>
    internal byte[]? RootName { get; init; }

    /// <summary>Owner and group as the archive is to have them.</summary>
    internal Func<FileStatus, FileStatus> Owner { get; init; } = status => status;

    internal void Write(TreeEntry entry)
    {
        FileStatus status = Owner(entry.Status);
        List<(byte[] Name, byte[] Value)> extended = [.. entry.Extended.Where(one => HasAllAttributes || IsOfTheFile(one.Name))];
        byte[] path = entry.Path.Length == 0 ? RootName ?? [] : [.. Prefix, .. entry.Path];
        bool mayHaveMore = status.Kind is FileKind.Regular or FileKind.SymbolicLink or FileKind.CharacterDevice or FileKind.BlockDevice or FileKind.Fifo && status.Links > 1;
        if (mayHaveMore && !_seen.TryAdd((status.DeviceMajor, status.DeviceMinor, status.Inode), path))
        {
            writer.Write('1', path, _seen[(status.DeviceMajor, status.DeviceMinor, status.Inode)], status, []);
            return;
        }

        switch (status.Kind)
        {
            case FileKind.Directory:
                writer.Write('5', path.Length == 0 ? "./"u8.ToArray() : [.. path, (byte)'/'], [], status, extended);
                break;
            case FileKind.Regular:
                writer.WriteFile(path, status, extended, entry.Content!, IsInUse);
                break;
            case FileKind.SymbolicLink:
                writer.Write('2', path, entry.LinkTarget, status, extended);
                break;
            case FileKind.CharacterDevice:
                writer.Write('3', path, [], status, extended);
                break;
            case FileKind.BlockDevice:
                writer.Write('4', path, [], status, extended);
                break;
            case FileKind.Fifo:
                writer.Write('6', path, [], status, extended);
                break;
            default:
                // A socket means nothing without the process that listened on it.
                break;
        }
    }

    internal void Finish() => writer.Finish();

    /// <summary>Not those that belong to overlay, or to this machine's labels.</summary>
    private static bool IsOfTheFile(ReadOnlySpan<byte> name)
        => (name.StartsWith("user."u8) && !name.StartsWith("user.overlay."u8)) || name.SequenceEqual("security.capability"u8);
}
