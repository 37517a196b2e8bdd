using Timur.Digests;
using Timur.Images.Compression;
using Timur.Images.Registry;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>Brings one layer here: fetch, digest, decompress, digest, unpack, in one pass over the bytes.</summary>
internal sealed class LayerFetch(ImageStore store, Repository repository, ITransferProgress progress, CancellationToken cancel)
{
    /// <summary>
    /// The blob and the unpacked layer are there when it returns, and nobody removes them before an image names them and the result is disposed.
    /// </summary>
    /// <param name="diffId">The digest of the layer's plain archive, which its directory is named by.</param>
    internal HeldLayer Fetch(Descriptor blob, Digest diffId)
    {
        string name = blob.Digest.Short;
        Directories.Create(store.Blobs.Blobs);
        Directories.Create(store.Layers);
        progress.Begin(name, blob.Size);
        for (bool again = false; ; again = true)
        {
            if (TryFetch(blob, diffId, again, out string how) is not { } layer)
            {
                continue;
            }

            // Somebody may have taken the blob for a leftover as long as nobody held it.
            if (UnfinishedLayer.TryHold(store.Blobs.PathOf(blob.Digest)) is { } kept)
            {
                progress.End(name, how);
                return new HeldLayer(layer, kept);
            }

            layer.Dispose();
        }
    }

    /// <summary>Null when an earlier fetch had left something wrong: it is thrown away then.</summary>
    private FileLock? TryFetch(Descriptor blob, Digest diffId, bool again, out string how)
    {
        using PartialBlob part = PartialBlob.Take(store.Blobs, blob, count => progress.Advance(blob.Digest.Short, count));
        try
        {
            return FetchLocked(part, blob, diffId, out how);
        }
        catch (WrongBytesException e)
        {
            bool wasResumed = part.IsResumed;
            part.Forget();
            how = "";
            return wasResumed && !again ? null
                : throw new Failure($"{repository.Name}: the registry sent other bytes than those of {blob.Digest}", "the registry or a proxy before it is broken: nothing was stored", cause: e);
        }
    }

    private FileLock FetchLocked(PartialBlob part, Descriptor blob, Digest diffId, out string how)
    {
        FileLock? held = UnfinishedLayer.TryHold($"{store.Layers}/{diffId.Hex}");
        string path = store.Blobs.PathOf(blob.Digest);
        if (Files.Exists(path))
        {
            how = held is null ? "unpacked again" : "already here";
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            return held ?? Unpack(file, null, diffId);
        }

        how = "done";
        part.From(repository, cancel);
        if (held is null)
        {
            return Unpack(part, part, diffId);
        }

        if (!part.Finish())
        {
            held.Dispose();
            throw new WrongBytesException();
        }

        part.Keep(store);
        return held;
    }

    /// <param name="part">The source, when it is on its way and becomes a blob with this; null for a blob that is here.</param>
    private FileLock Unpack(Stream source, PartialBlob? part, Digest diffId)
    {
        using var unfinished = new UnfinishedLayer(store, diffId.Hex[..16]);
        UnpackChecked(source, part, unfinished, diffId);
        FileLock held = unfinished.Place(diffId.Hex);
        part?.Keep(store);
        return held;
    }

    private void UnpackChecked(Stream source, PartialBlob? part, UnfinishedLayer unfinished, Digest diffId)
    {
        Digest found;
        LayerNeeds needs;
        try
        {
            using Fd root = Files.Open(unfinished.Path, Open.Path | Open.Directory);
            using var archive = new LayerArchive(source, diffId, cancel);
            using var unpacker = new LayerUnpacker(archive, root);
            unpacker.Run();
            found = archive.Finish();
            needs = unpacker.Needs;
        }
        catch (Exception e) when ((Decompression.IsDamage(e) || e is Failure) && part is not { HasFailed: true })
        {
            // Damaged on the way is one thing, made so another.
            cancel.ThrowIfCancellationRequested();
            throw part?.Finish() == false ? new WrongBytesException()
                : new Failure($"layer {diffId.Short} of {repository.Name} can't be unpacked: {e.Message}", (e as Failure)?.Advice ?? "it was made so: ask whoever made the image", cause: e);
        }

        if (part?.Finish() == false)
        {
            throw new WrongBytesException();
        }

        if (found != diffId)
        {
            part?.Forget();
            throw new Failure($"a layer of {repository.Name} unpacks to {found}, but the image names {diffId}", "the image is wrong: ask whoever made it");
        }

        store.Stacking.Record(diffId.Hex, needs);
    }

    /// <summary>What came isn't what its digest says.</summary>
    private sealed class WrongBytesException : Exception;
}

/// <summary>A layer that is here, as long as it is held.</summary>
internal sealed class HeldLayer(FileLock layer, FileLock blob) : IDisposable
{
    public void Dispose()
    {
        layer.Dispose();
        blob.Dispose();
    }
}
