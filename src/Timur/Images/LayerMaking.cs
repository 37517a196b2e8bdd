using Microsoft.Win32.SafeHandles;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>A layer of this store that nobody removes before it is disposed.</summary>
/// <param name="DiffId">Digest of its plain archive, such as <c>sha256:...</c>.</param>
public sealed record KeptLayer(string DiffId, string Directory, FileLock Held) : IDisposable
{
    public void Dispose() => Held.Dispose();
}

/// <summary>Makes layers of directories. The same tree gives the same layer.</summary>
public sealed class LayerMaking(ImageStore store)
{
    private static int _count;

    /// <summary>The layer with this diffID when it is here, and held from then on; else null.</summary>
    public KeptLayer? TryKeep(string diffId) => TryKeep(diffId, store.DirectoryOf(diffId));

    /// <summary>As the other, for a layer that stands in a directory of its own in some stack.</summary>
    internal KeptLayer? TryKeep(string diffId, string directory)
        => UnfinishedLayer.TryHold(directory) is { } held ? new KeptLayer(diffId, directory, held) : null;

    /// <summary>A new directory below the store's layers that <c>system check</c> finds when this process dies.</summary>
    public (string Directory, FileLock Held) NewDirectory()
    {
        string directory = $"{store.Layers}/.making.{Processes.Self}.{Interlocked.Increment(ref _count)}";
        Directories.RemoveTree(directory);
        Directories.Create(directory);
        return (directory, InProgress.Hold(directory));
    }

    /// <summary>
    /// Makes a layer of an overlay's upper directory that is no longer mounted: the directory itself becomes the layer. Times after
    /// <paramref name="latest"/> become that time (reproducible-builds.org, SOURCE_DATE_EPOCH).
    /// </summary>
    /// <param name="held">The lock on the directory, if the caller has it: the layer's from then on.</param>
    public KeptLayer Take(string directory, DateTimeOffset? latest = null, FileLock? held = null)
    {
        held ??= InProgress.Hold(directory);
        bool moved = false;
        try
        {
            string hex;
            using (Fd root = Files.Open(directory, Open.Read | Open.Directory))
            {
                if (latest is { } limit)
                {
                    Clamp(root, limit);
                }

                hex = DigestOf(root);
            }

            string layer = $"{store.Layers}/{hex}";
            Directories.Create(store.Layers);
            (FileLock kept, moved) = UnfinishedLayer.Place(store, directory, held, hex);
            return new KeptLayer("sha256:" + hex, layer, kept);
        }
        finally
        {
            if (!moved)
            {
                held.Dispose();
                Directories.RemoveTree(directory);
            }
        }
    }

    /// <summary>Makes a layer of a tree that stays where it is.</summary>
    /// <param name="adjust">Changes what the layer says of a file, such as its owner.</param>
    public KeptLayer Copy(Fd tree, Func<FileStatus, FileStatus>? adjust = null, DateTimeOffset? latest = null)
    {
        (string directory, FileLock held) = NewDirectory();
        try
        {
            using Fd target = Files.Open(directory, Open.Read | Open.Directory);
            using var merge = new TreeMerge(target) { Owner = adjust ?? (status => status), Keeps = IsOfALayer };
            TreeReader.Walk(tree, merge.Add);
            merge.Finish();
        }
        catch
        {
            Directories.RemoveTree(directory);
            held.Dispose();
            throw;
        }

        return Take(directory, latest, held);
    }

    /// <summary>Copies a layer's tree over what a directory has, marks of overlay included.</summary>
    public static void CopyInto(Fd tree, string directory)
    {
        (Fd read, Fd write) = Sockets.Pipe();
        using Fd reading = read;
        using var sink = new FileStream(new SafeFileHandle(read.Raw, ownsHandle: false), FileAccess.Read, 1);
        Task packing = Task.Run(() =>
        {
            using Fd writing = write;
            using var source = new FileStream(new SafeFileHandle(write.Raw, ownsHandle: false), FileAccess.Write, 1);
            using var buffered = new BufferedStream(source, 64 * 1024);
            LayerPacker.Pack(tree, buffered);
        });
        try
        {
            using Fd root = Files.Open(directory, Open.Path | Open.Directory);
            using var unpacker = new LayerUnpacker(new BufferedStream(sink, 64 * 1024), root);
            unpacker.Run();
        }
        finally
        {
            // Whoever packs mustn't wait for a reader that is gone.
            read.Dispose();
            try
            {
                packing.Wait();
            }
            catch (AggregateException e) when (e.InnerException is IOException)
            {
            }
        }
    }

    /// <summary>Writes a tree as a plain archive, whiteouts as marks of a layer.</summary>
    public static void Write(Fd tree, Stream archive, DateTimeOffset? latest = null) => LayerPacker.Pack(tree, archive, latest is { } limit ? status => Clamped(status, limit) : null);

    /// <summary>What an archive of a layer says of files, and overlay's mark that hides a directory below.</summary>
    private static bool IsOfALayer(byte[] name)
        => (name.AsSpan().StartsWith("user."u8) && !name.AsSpan().StartsWith("user.overlay."u8)) || name.AsSpan().SequenceEqual("security.capability"u8)
            || name.AsSpan().SequenceEqual("trusted.overlay.opaque"u8);

    /// <summary>The digest of a tree's plain archive, in hexadecimal.</summary>
    internal static string DigestOf(string directory)
    {
        using Fd root = Files.Open(directory, Open.Read | Open.Directory);
        return DigestOf(root);
    }

    private static string DigestOf(Fd root)
    {
        using var digest = new DigestingStream(Stream.Null, default);
        using (var buffered = new BufferedStream(digest, 128 * 1024))
        {
            LayerPacker.Pack(root, buffered);
        }

        return digest.Digest.Hex;
    }

    private static FileStatus Clamped(FileStatus status, DateTimeOffset latest)
        => IsLater(status, latest) ? status with { ModifiedSeconds = latest.ToUnixTimeSeconds(), ModifiedNanoseconds = 0 } : status;

    private static bool IsLater(FileStatus status, DateTimeOffset latest)
        => status.ModifiedSeconds > latest.ToUnixTimeSeconds() || (status.ModifiedSeconds == latest.ToUnixTimeSeconds() && status.ModifiedNanoseconds > 0);

    private static void Clamp(Fd root, DateTimeOffset latest)
    {
        using var writer = new TreeWriter(root);
        TreeReader.Walk(root, entry =>
        {
            if (IsLater(entry.Status, latest))
            {
                writer.SetTime(entry.Path.Length == 0 ? "."u8 : entry.Path, new OwnerAndTimes(0, 0, 0, latest.ToUnixTimeSeconds(), 0));
            }
        });
    }
}
