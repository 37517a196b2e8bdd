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
        var packer = new TreePacker(writer) { Owner = adjust ?? (status => status) };
        TreeReader.Walk(root, entry => Write(writer, packer, entry));
        writer.Finish();
    }

    /// <summary>Overlay's mark that a name of a lower layer is hidden (overlayfs.rst, "whiteouts and opaque directories").</summary>
    internal static bool IsWhiteout(FileStatus status) => status.Kind == FileKind.CharacterDevice && (status.SpecialMajor, status.SpecialMinor) == (0, 0);

    /// <summary>Overlay's mark that everything in a directory of lower layers is hidden.</summary>
    internal static bool IsOpaque(TreeEntry entry)
        => entry.Extended.Any(one => one.Name.AsSpan().SequenceEqual("trusted.overlay.opaque"u8) && one.Value.AsSpan().SequenceEqual("y"u8));

    private static void Write(TarWriter writer, TreePacker packer, TreeEntry entry)
    {
        if (IsWhiteout(entry.Status))
        {
            // Overlay makes one of them a hard link to another.
            int slash = Array.LastIndexOf(entry.Path, (byte)'/') + 1;
            writer.Write('0', [.. entry.Path[..slash], .. ".wh."u8, .. entry.Path[slash..]], [], Mark, []);
            return;
        }

        packer.Write(entry);
        if (entry.Status.Kind == FileKind.Directory && IsOpaque(entry))
        {
            writer.Write('0', entry.Path.Length == 0 ? ".wh..wh..opq"u8.ToArray() : [.. entry.Path, .. "/.wh..wh..opq"u8], [], Mark, []);
        }
    }

    /// <summary>Whiteouts have no owner and no time: when a file was deleted is no part of the tree.</summary>
    private static FileStatus Mark { get; } = new(FileKind.Regular, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, IsMountRoot: false);
}
