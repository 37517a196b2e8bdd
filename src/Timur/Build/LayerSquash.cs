using Timur.Images;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Build;

/// <summary>Several layers as one that does the same to what is below.</summary>
internal static class LayerSquash
{
    internal static KeptLayer Merge(LayerMaking making, IReadOnlyList<KeptLayer> layers, DateTimeOffset? epoch)
    {
        (string directory, FileLock held) = making.NewDirectory();
        try
        {
            foreach (KeptLayer layer in layers)
            {
                using Fd tree = Files.Open(layer.Directory, Open.Read | Open.Directory);
                HideCovered(tree, directory);
                LayerMaking.CopyInto(tree, directory);
            }
        }
        catch
        {
            Directories.RemoveTree(directory);
            held.Dispose();
            throw;
        }

        return making.Take(directory, epoch, held);
    }

    /// <summary>What whiteouts and opaque directories hide goes; a directory over a whiteout goes on hiding what the whiteout hid.</summary>
    private static void HideCovered(Fd tree, string directory)
    {
        using Fd root = Files.Open(directory, Open.Read | Open.Directory);
        using var writer = new TreeWriter(root);
        TreeReader.Walk(tree, entry =>
        {
            if (entry.Path.Length == 0 || writer.TryStatus(entry.Path) is not { } below)
            {
                return;
            }

            bool isDirectory = entry.Status.Kind == FileKind.Directory;
            if (LayerPacker.IsWhiteout(entry.Status))
            {
                writer.Remove(entry.Path);
            }
            else if (isDirectory && (LayerPacker.IsOpaque(entry) || LayerPacker.IsWhiteout(below)))
            {
                writer.Remove(entry.Path);
                writer.MakeDirectory(entry.Path, 0x1C0);
                writer.MarkDirectory(entry.Path, "trusted.overlay.opaque"u8, "y"u8);
            }
        });
    }
}
