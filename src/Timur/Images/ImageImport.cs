using Timur.Images.Compression;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Images;

/// <summary>Makes an image from an archive of a root file system: tar, tar.gz or tar.zst, told apart by their first bytes.</summary>
public sealed class ImageImport(ImageStore store)
{
    /// <summary>Bytes of content unpacked by the last import.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Reads the stream to its end in one pass (decompress, hash, unpack); the layer appears whole under its diffID or not at all. The configuration's
    /// layers and history are filled in.
    /// </summary>
    public Image Import(Stream archive, ImageConfig config, ImageName? name, string history, CancellationToken cancel = default)
    {
        string unfinished = $"{store.Layers}/.unpack.{Processes.Self}";
        Directories.Create(unfinished);

        // Held until the configuration is there: a layer that nobody names and nobody holds is a leftover.
        using FileLock held = InProgress.Hold(unfinished);
        try
        {
            string diffId = Unpack(archive, unfinished, cancel);
            string layer = $"{store.Layers}/{diffId}";
            using (Fd directory = Files.Open(unfinished, Open.Read | Open.Directory))
            {
                Files.SyncFileSystem(directory, unfinished);
            }

            if (!Files.TryRename(unfinished, layer, out Errno why, noReplace: true) && why != Errno.EEXIST)
            {
                throw new SyscallException("rename", why, layer);
            }

            DateTimeOffset now = DateTimeOffset.UtcNow;
            return store.Add(config with { Created = now, DiffIds = ["sha256:" + diffId], History = [new ImageHistory(now, history, "", false)] }, name);
        }
        finally
        {
            Directories.RemoveTree(unfinished);
        }
    }

    private string Unpack(Stream archive, string directory, CancellationToken cancel)
    {
        using Stream plain = Decompression.Open(archive);
        using var hashed = new HashingStream(plain, cancel);
        using Fd root = Files.Open(directory, Open.Path | Open.Directory);
        using var unpacker = new LayerUnpacker(hashed, root);
        unpacker.Run();
        if (unpacker.Needs.Links is [(string path, string target), ..])
        {
            throw new Failure($"the archive links '{path}' to '{target}', which it doesn't hold");
        }

        Bytes = unpacker.Bytes;

        // What stands behind the end of the archive belongs to the digest.
        return hashed.Finish();
    }
}
