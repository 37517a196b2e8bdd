using System.IO.Compression;
using Timur.Digests;
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
        using Stream plain = Decompress(archive);
        using var hashed = new HashingStream(plain, cancel);
        using Fd root = Files.Open(directory, Open.Path | Open.Directory);
        using var unpacker = new LayerUnpacker(hashed, root);
        unpacker.Run();
        Bytes = unpacker.Bytes;

        // What stands behind the end of the archive belongs to the digest.
        return hashed.Finish();
    }

    private static Stream Decompress(Stream archive)
    {
        var peeked = new PeekedStream(archive, 4);
        return peeked.Head switch
        {
            [] => throw new Failure("the archive is empty", "give a .tar, .tar.gz or .tar.zst of a root file system"),
            [0x1f, 0x8b, ..] => new GZipStream(peeked, CompressionMode.Decompress),
            [0x28, 0xb5, 0x2f, 0xfd] => new ZstdSharp.DecompressionStream(peeked),
            [0x42, 0x5a, 0x68, ..] => throw new Failure("the archive is compressed with bzip2", "unpack it first: bunzip2 FILE, or use gzip or zstd"),
            [0xfd, 0x37, 0x7a, 0x58] => throw new Failure("the archive is compressed with xz", "unpack it first: unxz FILE, or use gzip or zstd"),
            _ => peeked,
        };
    }

    /// <summary>Hashes what is read.</summary>
    private sealed class HashingStream(Stream inner, CancellationToken cancel) : ForwardStream
    {
        private readonly StreamSha256 _digest = new();

        public override int Read(Span<byte> buffer)
        {
            cancel.ThrowIfCancellationRequested();
            int count = inner.Read(buffer);
            _digest.Append(buffer[..count]);
            return count;
        }

        /// <summary>Reads the rest; the digest in hexadecimal.</summary>
        internal string Finish()
        {
            byte[] rest = new byte[64 * 1024];
            while (Read(rest) > 0)
            {
            }

            return _digest.FinishHex();
        }

        protected override void Dispose(bool disposing)
        {
            _digest.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>A stream whose first bytes are known before they are read.</summary>
    private sealed class PeekedStream : ForwardStream
    {
        private readonly Stream _inner;
        private int _given;

        internal PeekedStream(Stream inner, int count)
        {
            _inner = inner;
            byte[] head = new byte[count];
            Head = head[..inner.ReadAtLeast(head, count, throwOnEndOfStream: false)];
        }

        internal byte[] Head { get; }

        public override int Read(Span<byte> buffer)
        {
            if (_given == Head.Length)
            {
                return _inner.Read(buffer);
            }

            int count = Math.Min(buffer.Length, Head.Length - _given);
            Head.AsSpan(_given, count).CopyTo(buffer);
            _given += count;
            return count;
        }
    }
}
