using Timur.Kernel;

namespace Timur.Images.Tar;

/// <summary>
/// Makes an archive of a layer's directory (OCI image-spec layer.md): overlay's marks become whiteouts, names are in the order of their bytes, a second name of
/// a file becomes a hard link. The same tree gives the same bytes.
/// </summary>
internal static class LayerPacker
{
    /// <param name="adjust">Changes what is written of a file, such as its owner or time; null takes it as it is.</param>
    internal static void Pack(Fd root, Stream target, Func<FileStatus, FileStatus>? adjust = null)
    {
        var writer = new TarWriter(target);
        var seen = new Dictionary<(uint, uint, ulong), byte[]>();
        TreeReader.Walk(root, entry => Write(writer, seen, adjust is null ? entry : entry with { Status = adjust(entry.Status) }));
        writer.Finish();
    }

    /// <summary>Overlay's mark that a name of a lower layer is hidden (overlayfs.rst, "whiteouts and opaque directories").</summary>
    internal static bool IsWhiteout(FileStatus status) => status.Kind == FileKind.CharacterDevice && (status.SpecialMajor, status.SpecialMinor) == (0, 0);

    /// <summary>Overlay's mark that everything in a directory of lower layers is hidden.</summary>
    internal static bool IsOpaque(TreeEntry entry)
        => entry.Extended.Any(one => one.Name.AsSpan().SequenceEqual("trusted.overlay.opaque"u8) && one.Value.AsSpan().SequenceEqual("y"u8));

    private static void Write(TarWriter writer, Dictionary<(uint, uint, ulong), byte[]> seen, TreeEntry entry)
    {
        FileStatus status = entry.Status;
        if (IsWhiteout(status))
        {
            // Overlay makes one of them a hard link to another.
            int slash = Array.LastIndexOf(entry.Path, (byte)'/') + 1;
            writer.Write('0', [.. entry.Path[..slash], .. ".wh."u8, .. entry.Path[slash..]], [], Mark, []);
            return;
        }

        List<(byte[] Name, byte[] Value)> extended = [.. entry.Extended.Where(one => IsOfTheFile(one.Name))];
        if (status.Kind is FileKind.Regular or FileKind.SymbolicLink or FileKind.CharacterDevice or FileKind.BlockDevice or FileKind.Fifo && status.Links > 1)
        {
            if (!seen.TryAdd((status.DeviceMajor, status.DeviceMinor, status.Inode), entry.Path))
            {
                writer.Write('1', entry.Path, seen[(status.DeviceMajor, status.DeviceMinor, status.Inode)], status, []);
                return;
            }
        }

        switch (status.Kind)
        {
            case FileKind.Directory:
                WriteDirectory(writer, entry, extended);
                break;
            case FileKind.Regular:
                writer.WriteFile(entry.Path, status, extended, entry.Content!);
                break;
            case FileKind.SymbolicLink:
                writer.Write('2', entry.Path, entry.LinkTarget, status, extended);
                break;
            case FileKind.CharacterDevice:
                writer.Write('3', entry.Path, [], status, extended);
                break;
            case FileKind.BlockDevice:
                writer.Write('4', entry.Path, [], status, extended);
                break;
            case FileKind.Fifo:
                writer.Write('6', entry.Path, [], status, extended);
                break;
            default:
                // A socket means nothing without the process that listened on it.
                break;
        }
    }

    private static void WriteDirectory(TarWriter writer, TreeEntry entry, List<(byte[] Name, byte[] Value)> extended)
    {
        byte[] name = entry.Path.Length == 0 ? "./"u8.ToArray() : [.. entry.Path, (byte)'/'];
        writer.Write('5', name, [], entry.Status, extended);
        if (IsOpaque(entry))
        {
            byte[] mark = entry.Path.Length == 0 ? ".wh..wh..opq"u8.ToArray() : [.. name, .. ".wh..wh..opq"u8];
            writer.Write('0', mark, [], Mark, []);
        }
    }

    /// <summary>Not those that belong to overlay, or to this machine's labels.</summary>
    private static bool IsOfTheFile(ReadOnlySpan<byte> name)
        => (name.StartsWith("user."u8) && !name.StartsWith("user.overlay."u8)) || name.SequenceEqual("security.capability"u8);

    /// <summary>Whiteouts have no owner and no time: when a file was deleted is no part of the tree.</summary>
    private static FileStatus Mark { get; } = new(FileKind.Regular, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, IsMountRoot: false);
}
