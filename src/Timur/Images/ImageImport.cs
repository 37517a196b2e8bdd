using Timur.Images.Compression;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Images;

/// <summary>Makes an image from an archive of a root file system: tar, plain or compressed, told apart by their first bytes.</summary>
public sealed class ImageImport(ImageStore store)
{
    /// <summary>Bytes of content unpacked by the last import.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Reads the stream to its end; the layer appears whole under its diffID or not at all. That is the digest of the tree as this engine packs it, and not of the archive:
    /// whatever made the archive, a saved image is loaded again under the same id. The configuration's layers and history are filled in.
    /// </summary>
    public Image Import(Stream archive, ImageConfig config, ImageName? name, string history)
    {
        using var unfinished = new UnfinishedLayer(store, "import");
        Unpack(archive, unfinished.Path);
        string diffId = LayerMaking.DigestOf(unfinished.Path);

        // Held until the configuration is there: a layer that nobody names and nobody holds is a leftover.
        using FileLock held = unfinished.Place(diffId);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        Image image = store.Add(config with { Created = now, DiffIds = ["sha256:" + diffId], History = [new ImageHistory(now, history, "", false)] }, name);
        store.Settling.FinishInBackground();
        return image;
    }

    private void Unpack(Stream archive, string directory)
    {
        using Stream plain = Decompression.OpenGiven(archive);
        using Fd root = Files.Open(directory, Open.Path | Open.Directory);
        using var unpacker = new LayerUnpacker(plain, root);
        unpacker.Run();
        if (unpacker.Needs.Links is [(string path, string target), ..])
        {
            throw new Failure($"the archive links '{path}' to '{target}', which it doesn't hold");
        }

        Bytes = unpacker.Bytes;

        // Whoever writes the archive mustn't find that nobody reads what stands behind its end.
        plain.CopyTo(Stream.Null);
    }
}
