using Timur.Digests;
using Timur.Images.Compression;
using Timur.Images.Registry;
using Timur.Images.Tar;
using Timur.Kernel;

namespace Timur.Images;

/// <summary>A layer's directory against its compressed form, and from it.</summary>
internal static class LayerMending
{
    /// <summary>Whether the directory is what the compressed layer unpacks to, entry by entry: both are packed in the same way, and the archives compared by their digests.</summary>
    internal static bool IsSame(ImageStore store, Descriptor blob, string diffId, string directory)
    {
        using var fresh = new UnfinishedLayer(store, "check." + blob.Digest.Hex[..16]);
        UnpackInto(store, blob, Digest.Parse(diffId, "the image"), fresh.Path);
        return DigestOf(fresh.Path) == DigestOf(directory);
    }

    /// <summary>Makes the directory anew; the one that is there goes away.</summary>
    internal static void Unpack(ImageStore store, Descriptor blob, string diffId)
    {
        Digest digest = Digest.Parse(diffId, "the image");
        using var fresh = new UnfinishedLayer(store, "mend." + digest.Hex[..16]);
        if (UnpackInto(store, blob, digest, fresh.Path) != digest)
        {
            throw new Failure($"blob {blob.Digest.Short} unpacks to another layer than {digest.Short}", "get the image again: timur pull");
        }

        string layer = $"{store.Layers}/{digest.Hex}";
        if (Files.Exists(layer))
        {
            store.Discard(layer);
        }

        fresh.Place(digest.Hex).Dispose();
    }

    private static Digest UnpackInto(ImageStore store, Descriptor blob, Digest diffId, string directory)
    {
        using Fd root = Files.Open(directory, Open.Path | Open.Directory);
        using var file = new FileStream(store.Blobs.PathOf(blob.Digest), FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        using var hashed = new DigestedStream(Decompression.Open(file), diffId);
        using var unpacker = new LayerUnpacker(hashed, root);
        unpacker.Run();
        Digest found = hashed.Finish();
        store.Stacking.Record(found.Hex, unpacker.Needs);
        return found;
    }

    /// <summary>Whiteouts, and directories that the archive doesn't mention, have the time at which they were unpacked.</summary>
    private static FileStatus WithoutPassingTimes(FileStatus status)
        => status.Kind is FileKind.Directory || (status.Kind == FileKind.CharacterDevice && (status.SpecialMajor, status.SpecialMinor) == (0, 0))
            ? status with { ModifiedSeconds = 0, ModifiedNanoseconds = 0 } : status;

    private static Digest DigestOf(string directory)
    {
        using Fd root = Files.Open(directory, Open.Read | Open.Directory);
        var digested = new DigestingStream(Stream.Null, CancellationToken.None);
        using (var buffered = new BufferedStream(digested, 128 * 1024))
        {
            var packer = new TreePacker(new TarWriter(buffered)) { HasAllAttributes = true, Owner = WithoutPassingTimes };
            TreeReader.Walk(root, packer.Write);
            packer.Finish();
        }

        return digested.Digest;
    }
}
