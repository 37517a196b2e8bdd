using Timur.Digests;
using Timur.Images.Compression;
using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Images;

/// <summary>
/// A blob that is being fetched, locked against every other process: whoever wants the same one waits. What is there from an interrupted fetch is read first, so that
/// the reader sees the whole blob from its start while it is digested and kept.
/// </summary>
internal sealed class PartialBlob : ForwardStream
{
    private readonly Fd _file;
    private readonly string _path;
    private readonly Descriptor _descriptor;
    private readonly Action<int> _advanced;
    private readonly DigestStream _digest;
    private BlobDownload? _download;
    private long _kept;
    private long _at;

    private PartialBlob(Fd file, string path, Descriptor descriptor, Action<int> advanced)
    {
        (_file, _path, _descriptor, _advanced) = (file, path, descriptor, advanced);
        _digest = new DigestStream(descriptor.Digest);
        _kept = (long)Files.Status(file).Size;
        if (_kept > descriptor.Size)
        {
            Forget();
        }
    }

    /// <summary>Its source gave up; what was fetched is kept.</summary>
    internal bool HasFailed { get; private set; }

    /// <summary>Part of it was there before.</summary>
    internal bool IsResumed => _kept > 0;

    /// <summary>
    /// Waits until nobody else fetches the same blob. It waits for a lock that may be shared: whoever has fetched the blob meanwhile, and given the file its name, shares it
    /// until its image is there, for which it may be waiting for a blob of ours. A lock alone is only tried (flock(2): one that is shared is lost by that).
    /// </summary>
    internal static PartialBlob Take(BlobStore blobs, Descriptor descriptor, Action<int> advanced)
    {
        string path = blobs.PartOf(descriptor.Digest);
        while (true)
        {
            Fd file = Files.Open(path, Open.ReadWrite | Open.Create, 0x1A4);
            Files.TryLock(file, exclusive: false, wait: true);
            if (IsAt(path, file) && Files.TryLock(file, exclusive: true, wait: false) && IsAt(path, file))
            {
                return new PartialBlob(file, path, descriptor, advanced);
            }

            file.Dispose();
        }
    }

    /// <summary>Whether nobody has given the file its name, or thrown it away.</summary>
    private static bool IsAt(string path, Fd file) => Files.TryStatus(path, out _) is { } there && there.Inode == Files.Status(file).Inode;

    /// <summary>Where what isn't here comes from.</summary>
    internal void From(Repository repository, CancellationToken cancel) => _download = new BlobDownload(repository, _descriptor, _kept, cancel);

    public override int Read(Span<byte> buffer)
    {
        int count;
        if (_at < _kept)
        {
            count = Files.Read(_file, buffer[..(int)Math.Min(buffer.Length, _kept - _at)]);
        }
        else
        {
            count = Fetch(buffer);
        }

        _at += count;
        _digest.Append(buffer[..count]);
        _advanced(count);
        return count;
    }

    private int Fetch(Span<byte> buffer)
    {
        try
        {
            int count = _download!.Read(buffer);
            Files.WriteAt(_file, buffer[..count], _at, _path);
            return count;
        }
        catch
        {
            HasFailed = true;
            throw;
        }
    }

    /// <summary>Reads to the end; whether it has the digest it should.</summary>
    internal bool Finish()
    {
        Drain();

        return _digest.Finish() == _descriptor.Digest;
    }

    /// <summary>Throws away what is there.</summary>
    internal void Forget()
    {
        Files.Truncate(_file, 0, _path);
        _kept = 0;
    }

    /// <summary>The blob is whole.</summary>
    internal void Keep(ImageStore store)
    {
        store.Settling.Mark(_descriptor.Digest.FileName);
        Files.Rename(_path, store.Blobs.PathOf(_descriptor.Digest));
    }

    protected override void Dispose(bool disposing)
    {
        // An empty one is of no use to anybody.
        if (Files.Status(_file).Size == 0 && IsAt(_path, _file))
        {
            Files.TryUnlink(_path, out _);
        }

        _download?.Dispose();
        _digest.Dispose();
        _file.Dispose();
        base.Dispose(disposing);
    }
}
