using Timur.Kernel;

namespace Timur.Images.Tar;

/// <summary>
/// Unpacks a layer into a directory of its own: whiteouts become overlay's marks (OCI image-spec layer.md; overlayfs.rst), later entries replace earlier
/// ones, nothing is written outside.
/// </summary>
internal sealed class LayerUnpacker : IDisposable
{
    private const int MaximumEntries = 20_000_000;
    private readonly TarReader _reader;
    private readonly TreeWriter _tree;
    private readonly List<(byte[] Path, OwnerAndTimes Attributes)> _directories = [];
    private readonly byte[] _buffer = new byte[128 * 1024];

    internal LayerUnpacker(Stream stream, Fd root)
    {
        _reader = new TarReader(stream);
        _tree = new TreeWriter(root);
    }

    /// <summary>Bytes of file content unpacked.</summary>
    internal long Bytes { get; private set; }

    /// <summary>Unpacks all entries; then directories get their times, deepest first.</summary>
    internal void Run()
    {
        int count = 0;
        while (_reader.Next() is { } entry)
        {
            if (++count > MaximumEntries)
            {
                throw new Failure($"the archive has more than {MaximumEntries} entries");
            }

            byte[]? path = Normalise(entry.Name);
            if (path is null)
            {
                throw new Failure($"the archive has the entry '{TreeWriter.Show(entry.Name)}', which leads out of its directory", "such an archive isn't safe to unpack");
            }

            Unpack(entry, path);
        }

        _directories.Sort((a, b) => b.Path.Length.CompareTo(a.Path.Length));
        foreach ((byte[] path, OwnerAndTimes attributes) in _directories)
        {
            _tree.SetTime(path.Length == 0 ? "."u8 : path, attributes);
        }
    }

    public void Dispose() => _tree.Dispose();

    private void Unpack(TarEntry entry, byte[] path)
    {
        ReadOnlySpan<byte> name = LastComponent(path);
        if (name.StartsWith(".wh."u8))
        {
            Whiteout(path, name);
            return;
        }

        switch (entry.Kind)
        {
            case TarKind.Directory: MakeDirectory(entry, path); return;
            case TarKind.HardLink: MakeHardLink(entry, path); return;
            case TarKind.SymbolicLink: _tree.MakeSymbolicLink(path, entry.LinkName); break;
            case TarKind.CharacterDevice: _tree.MakeNode(path, FileKind.CharacterDevice, entry.Major, entry.Minor); break;
            case TarKind.BlockDevice: _tree.MakeNode(path, FileKind.BlockDevice, entry.Major, entry.Minor); break;
            case TarKind.Fifo: _tree.MakeNode(path, FileKind.Fifo, 0, 0); break;
            default: WriteFile(entry, path); break;
        }

        _tree.SetAttributes(path, entry.Attributes, entry.Kind == TarKind.SymbolicLink, entry.Extended);
    }

    private void MakeDirectory(TarEntry entry, byte[] path)
    {
        ReadOnlySpan<byte> place = path.Length == 0 ? "."u8 : path;
        if (path.Length > 0)
        {
            _tree.MakeDirectory(path, 0x1C0);
        }

        _tree.SetAttributes(place, entry.Attributes, isLink: false, entry.Extended);
        _directories.Add((path, entry.Attributes));
    }

    private void MakeHardLink(TarEntry entry, byte[] path)
    {
        byte[] target = Normalise(entry.LinkName) ?? throw new Failure($"the archive links '{TreeWriter.Show(path)}' to something outside", "such an archive isn't safe to unpack");
        if (!_tree.TryMakeHardLink(path, target))
        {
            throw new Failure($"the archive links '{TreeWriter.Show(path)}' to '{TreeWriter.Show(target)}', which it doesn't hold");
        }
    }

    private void WriteFile(TarEntry entry, byte[] path)
    {
        using Fd file = _tree.MakeFile(path);
        IReadOnlyList<(long Offset, long Length)> parts = entry.Parts ?? [(0, entry.Size)];
        foreach ((long offset, long length) in parts)
        {
            long at = offset;
            while (at < offset + length)
            {
                int count = _reader.Read(_buffer.AsSpan(0, (int)Math.Min(_buffer.Length, offset + length - at)));
                Files.WriteAt(file, _buffer.AsSpan(0, count), at, TreeWriter.Show(path));
                at += count;
            }

            Bytes += length;
        }

        if (entry.Parts is not null)
        {
            Files.Truncate(file, entry.Size, TreeWriter.Show(path));
        }
    }

    /// <summary><c>.wh.NAME</c> hides NAME of lower layers, <c>.wh..wh..opq</c> everything in its directory.</summary>
    private void Whiteout(byte[] path, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> directory = path.AsSpan(0, Math.Max(0, path.Length - name.Length - 1));
        if (name.SequenceEqual(".wh..wh..opq"u8))
        {
            _tree.SetExtended(directory.Length == 0 ? "."u8 : directory, "trusted.overlay.opaque"u8, "y"u8);
            return;
        }

        ReadOnlySpan<byte> hidden = name[4..];
        if (hidden.Length == 0 || hidden.SequenceEqual("."u8) || hidden.SequenceEqual(".."u8))
        {
            throw new Failure($"the archive has the whiteout '{TreeWriter.Show(path)}', which hides no name");
        }

        byte[] place = directory.Length == 0 ? hidden.ToArray() : [.. directory, (byte)'/', .. hidden];
        _tree.MakeNode(place, FileKind.CharacterDevice, 0, 0);
    }

    private static ReadOnlySpan<byte> LastComponent(ReadOnlySpan<byte> path) => path[(path.LastIndexOf((byte)'/') + 1)..];

    /// <summary>Without leading and doubled slashes and "."; null when ".." occurs.</summary>
    private static byte[]? Normalise(byte[] name)
    {
        var parts = new List<byte>(name.Length);
        int at = 0;
        while (at <= name.Length)
        {
            int slash = Array.IndexOf(name, (byte)'/', at);
            int end = slash < 0 ? name.Length : slash;
            ReadOnlySpan<byte> part = name.AsSpan(at, end - at);
            if (part.SequenceEqual(".."u8))
            {
                return null;
            }

            if (part.Length > 0 && !part.SequenceEqual("."u8))
            {
                if (parts.Count > 0)
                {
                    parts.Add((byte)'/');
                }

                parts.AddRange(part);
            }

            at = end + 1;
        }

        return [.. parts];
    }
}
