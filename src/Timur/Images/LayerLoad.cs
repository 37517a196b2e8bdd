using System.IO.Compression;
using Timur.Digests;
using Timur.Images.Compression;
using Timur.Images.Registry;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>Brings a layer from a saved image here: one pass over its bytes digests, unpacks and keeps them.</summary>
internal sealed class LayerLoad(ImageStore store, ArchiveFiles files, ITransferProgress progress, CancellationToken cancel)
{
    private int _count;

    /// <summary>A layer whose blob is named by its digest (OCI image-layout.md).</summary>
    internal HeldLayer Load(Descriptor blob, Digest diffId, string what)
    {
        string name = $"blobs/{blob.Digest.Algorithm}/{blob.Digest.Hex}";
        string kept = store.Blobs.PathOf(blob.Digest);
        FileLock? layer = UnfinishedLayer.TryHold($"{store.Layers}/{diffId.Hex}");
        FileLock? there = UnfinishedLayer.TryHold(kept);
        progress.Begin(blob.Digest.Short, blob.Size);
        if (layer is not null && there is not null)
        {
            progress.End(blob.Digest.Short, "already here");
            return new HeldLayer(layer, there);
        }

        // Two programs that load the same image write files of their own, and the later one's takes the other's place.
        there?.Dispose();
        string? movable = files.Movable(name);
        string unfinished = NewBlob();
        try
        {
            using (Stream source = Counted(files.Content(name, what), blob.Digest.Short))
            using (Stream copy = movable is null ? NewFile(unfinished) : Stream.Null)
            using (var tee = new TeeStream(source, copy))
            using (var digested = new DigestedStream(tee, blob.Digest))
            {
                layer = layer is null ? Unpack(digested, diffId, what) : Checked(layer, digested, diffId, what);
                if (digested.Finish() != blob.Digest || digested.Count != blob.Size)
                {
                    layer.Dispose();
                    throw new Failure($"{what}: the archive holds something else than {blob.Digest}", "it was damaged on its way: get it again");
                }
            }

            FileLock placed = Keep(movable ?? unfinished, blob.Digest);
            progress.End(blob.Digest.Short, "done");
            return new HeldLayer(layer, placed);
        }
        finally
        {
            Files.TryUnlink(unfinished, out _);
        }
    }

    /// <summary>A layer of Docker's archive: it says nothing of a blob, so a plain one is compressed for the next push.</summary>
    internal HeldLayer Load(string name, Digest diffId, string what, out Descriptor blob)
    {
        string unfinished = NewBlob();
        FileLock? layer = UnfinishedLayer.TryHold($"{store.Layers}/{diffId.Hex}");
        try
        {
            using Stream source = files.Content(name, what);
            byte[] head = new byte[4];
            bool isPlain = source.ReadAtLeast(head, 4, throwOnEndOfStream: false) < 4 || !Decompression.IsCompressed(head);
            source.Position = 0;
            progress.Begin(diffId.Short, source.Length);
            var compressed = new DigestingStream(NewFile(unfinished), cancel);
            using (compressed)
            using (Stream copy = isPlain ? new BufferedStream(new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true), 128 * 1024) : compressed)
            using (Stream counted = Counted(source, diffId.Short))
            using (var tee = new TeeStream(counted, copy))
            {
                // What is here already is read all the same: its digest has to be right, and its blob may be missing.
                layer = layer is null ? Unpack(tee, diffId, what) : Checked(layer, tee, diffId, what);
            }

            string kind = !isPlain && head[0] != 0x1f ? "zstd" : "gzip";
            blob = new Descriptor("application/vnd.oci.image.layer.v1.tar+" + kind, compressed.Digest, compressed.Count);
            FileLock placed = Keep(unfinished, blob.Digest);
            progress.End(diffId.Short, "done");
            return new HeldLayer(layer, placed);
        }
        finally
        {
            Files.TryUnlink(unfinished, out _);
        }
    }

    private CountedStream Counted(Stream content, string name) => new(content, long.MaxValue, bytes => progress.Advance(name, bytes));

    private FileLock Unpack(Stream source, Digest diffId, string what)
    {
        using var unfinished = new UnfinishedLayer(store, diffId.Hex[..16]);
        try
        {
            using Fd root = Files.Open(unfinished.Path, Open.Path | Open.Directory);
            using var archive = new LayerArchive(source, diffId, cancel);
            using var unpacker = new LayerUnpacker(archive, root);
            unpacker.Run();
            Compare(archive.Finish(), diffId, what);
            store.Stacking.Record(diffId.Hex, unpacker.Needs);
        }
        catch (Exception e) when (Decompression.IsDamage(e) || e is Failure { Advice: null })
        {
            throw new Failure($"{what}: layer {diffId.Short} can't be unpacked: {e.Message}", "it may have been damaged on its way: get it again", cause: e);
        }

        return unfinished.Place(diffId.Hex);
    }

    private FileLock Checked(FileLock layer, Stream source, Digest diffId, string what)
    {
        try
        {
            using var hashed = new DigestedStream(Decompression.Open(source), diffId, cancel);
            Compare(hashed.Finish(), diffId, what);
            return layer;
        }
        catch
        {
            layer.Dispose();
            throw;
        }
    }

    private static void Compare(Digest found, Digest diffId, string what)
    {
        if (found != diffId)
        {
            throw new Failure($"{what}: a layer unpacks to {found}, but the image names {diffId}", "the archive was damaged or made wrong: save the image again");
        }
    }

    /// <summary>Gives the file its name as a blob; locked before, so that nobody takes it for a leftover before an image names it.</summary>
    private FileLock Keep(string path, Digest digest)
    {
        FileLock held = InProgress.Hold(path);
        store.Settling.Mark(digest.FileName);
        Files.Rename(path, store.Blobs.PathOf(digest));
        held.Share();
        return held;
    }

    /// <summary>Locked as long as it is open (flock(2), as FileShare.None has it).</summary>
    private static FileStream NewFile(string path) => new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 128 * 1024);

    private string NewBlob()
    {
        Directories.Create(store.Blobs.Blobs);
        return $"{store.Blobs.Blobs}/.load.{Processes.Self}.{_count++}";
    }
}
