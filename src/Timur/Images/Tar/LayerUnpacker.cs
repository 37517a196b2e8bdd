using System.Text;
using Timur.Kernel;

namespace Timur.Images.Tar;

/// <summary>
/// Unpacks a layer into a directory of its own: whiteouts become overlay's marks (OCI image-spec layer.md; overlayfs.rst), later entries replace earlier
/// ones, nothing is written outside. What it uses is bounded, whatever the archive says.
/// </summary>
internal sealed class LayerUnpacker : IDisposable
{
    /// <summary>Bytes; the kernel's limit of 4096 is one for each call.</summary>
    private const int LongestPath = 64 * 1024;

    /// <summary>Bytes of what has to be remembered until the end; no real image comes near.</summary>
    private const long MostMemory = 48 << 20;

    private const uint DefaultMode = 0x1ED;

    private readonly TarReader _reader;
    private readonly TreeWriter _tree;
    private readonly Dictionary<string, OwnerAndTimes> _directories = [];
    private readonly HashSet<string> _whiteouts = [];
    private readonly byte[] _buffer = new byte[128 * 1024];
    private long _remembered;

    internal LayerUnpacker(Stream stream, Fd root)
    {
        _reader = new TarReader(stream);
        _tree = new TreeWriter(root)
        {
            Implied = path =>
            {
                Needs.Directories.Add(Remember(path));
            },
        };
    }

    /// <summary>Beyond it the archive is refused.</summary>
    internal int MostEntries { get; init; } = 20_000_000;

    /// <summary>Whiteouts mean something; in any other archive they are files like others.</summary>
    internal bool IsLayer { get; init; } = true;

    /// <summary>Owner, mode and time as they are to be, from what the archive says.</summary>
    internal Func<OwnerAndTimes, OwnerAndTimes> Owner { get; init; } = attributes => attributes;

    /// <summary>Bytes of file content unpacked.</summary>
    internal long Bytes { get; private set; }

    /// <summary>What the layer expects of those below it.</summary>
    internal LayerNeeds Needs { get; } = new();

    /// <summary>Unpacks all entries; then directories get their times, deepest first.</summary>
    internal void Run()
    {
        int count = 0;
        while (_reader.Next() is { } entry)
        {
            if (++count > MostEntries || entry.Name.Length > LongestPath)
            {
                throw new Failure(count > MostEntries ? $"the archive has more than {MostEntries} entries" : $"the archive has a name of {entry.Name.Length} bytes");
            }

            byte[]? path = Normalise(entry.Name);
            if (path is null)
            {
                throw new Failure($"the archive has the entry '{TreeWriter.Show(entry.Name)}', which leads out of its directory", "such an archive isn't safe to unpack");
            }

            if (path.Length == 0 && entry.Kind != TarKind.Directory)
            {
                throw new Failure($"the archive has the entry '{TreeWriter.Show(entry.Name)}', which is its root and no directory", "it was damaged, or written by a faulty program");
            }

            Unpack(entry, path);
        }

        Needs.Directories.RemoveWhere(path => _tree.Kind(ToBytes(path)) is not FileKind.Directory);
        foreach (string path in Needs.Directories)
        {
            // The mode doesn't depend on the umask, nor the time on when it was unpacked.
            _tree.SetAttributes(ToBytes(path), Owner(new OwnerAndTimes(DefaultMode, 0, 0, 0, 0)), isLink: false, []);
            _directories[path] = default;
        }

        foreach ((string path, OwnerAndTimes attributes) in _directories.OrderByDescending(pair => pair.Key.Length))
        {
            _tree.SetDirectoryTime(ToBytes(path), attributes);
        }
    }

    public void Dispose() => _tree.Dispose();

    private void Unpack(TarEntry entry, byte[] path)
    {
        ReadOnlySpan<byte> name = LastComponent(path);
        if (IsLayer && name.StartsWith(".wh."u8))
        {
            Whiteout(path, name);
            return;
        }

        OpenWhiteouts(path, entry.Kind == TarKind.Directory);
        switch (entry.Kind)
        {
            case TarKind.Directory: MakeDirectory(entry, path); return;
            case TarKind.HardLink: MakeHardLink(entry, path); return;
            case TarKind.SymbolicLink: _tree.MakeSymbolicLink(path, entry.LinkName); break;
            case TarKind.CharacterDevice: _tree.MakeNode(path, FileKind.CharacterDevice, entry.Major, entry.Minor); break;
            case TarKind.BlockDevice: _tree.MakeNode(path, FileKind.BlockDevice, entry.Major, entry.Minor); break;
            case TarKind.Fifo: _tree.MakeNode(path, FileKind.Fifo, 0, 0); break;
            default: WriteFile(entry, path); return;
        }

        _tree.SetAttributes(path, Owner(entry.Attributes), entry.Kind == TarKind.SymbolicLink, entry.Extended);
    }

    private void MakeDirectory(TarEntry entry, byte[] path)
    {
        if (path.Length > 0)
        {
            _tree.MakeDirectory(path, 0x1C0);
        }

        OwnerAndTimes attributes = Owner(entry.Attributes);
        _tree.SetAttributes(path.Length == 0 ? "."u8 : path, attributes, isLink: false, entry.Extended);
        string key = Remember(path);
        _directories[key] = attributes;
        Needs.Directories.Remove(key);
    }

    private void MakeHardLink(TarEntry entry, byte[] path)
    {
        byte[] target = Normalise(entry.LinkName) ?? throw new Failure($"the archive links '{TreeWriter.Show(path)}' to something outside", "such an archive isn't safe to unpack");
        if (target.Length == 0)
        {
            throw new Failure($"the archive links '{TreeWriter.Show(path)}' to a directory");
        }

        if (!path.AsSpan().SequenceEqual(target) && !_tree.TryMakeHardLink(path, target))
        {
            _tree.Remove(path);
            Needs.Links.Add((Remember(path), Remember(target)));
        }
    }

    private void WriteFile(TarEntry entry, byte[] path)
    {
        OwnerAndTimes attributes = Owner(entry.Attributes);
        using Fd file = _tree.MakeFile(path, attributes.Permissions);
        IReadOnlyList<(long Offset, long Length)> parts = entry.Parts ?? [(0, entry.Size)];
        foreach ((long offset, long length) in parts)
        {
            long at = offset;
            while (at < offset + length)
            {
                int count = _reader.Read(_buffer.AsSpan(0, (int)Math.Min(_buffer.Length, offset + length - at)));
                if (count == 0)
                {
                    throw new Failure($"the archive has a sparse file '{TreeWriter.Show(path)}' with less data than its map says");
                }

                Files.WriteAt(file, _buffer.AsSpan(0, count), at, TreeWriter.Show(path));
                at += count;
            }

            Bytes += length;
        }

        if (entry.Parts is not null)
        {
            Files.Truncate(file, entry.Size, TreeWriter.Show(path));
        }

        TreeWriter.SetAttributes(file, attributes, entry.Extended, path);
    }

    /// <summary><c>.wh.NAME</c> hides NAME of lower layers, <c>.wh..wh..opq</c> everything in its directory; what this layer itself has stays, wherever the mark stands.</summary>
    private void Whiteout(byte[] path, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> directory = path.AsSpan(0, Math.Max(0, path.Length - name.Length - 1));
        if (name.SequenceEqual(".wh..wh..opq"u8))
        {
            OpenWhiteouts(directory, isDirectory: true);
            MakeOpaque(directory);
            return;
        }

        ReadOnlySpan<byte> hidden = name[4..];
        if (hidden.Length == 0 || hidden.SequenceEqual("."u8) || hidden.SequenceEqual(".."u8))
        {
            throw new Failure($"the archive has the whiteout '{TreeWriter.Show(path)}', which hides no name");
        }

        byte[] place = directory.Length == 0 ? hidden.ToArray() : [.. directory, (byte)'/', .. hidden];
        OpenWhiteouts(directory, isDirectory: true);
        switch (_tree.Kind(place))
        {
            case FileKind.Directory: MakeOpaque(place); break;
            case null:
                _tree.MakeNode(place, FileKind.CharacterDevice, 0, 0);
                _whiteouts.Add(Remember(place));
                break;
        }
    }

    /// <summary>Something comes below a name, or a directory in its place, that was hidden in lower layers: nothing of theirs may show through.</summary>
    private void OpenWhiteouts(ReadOnlySpan<byte> path, bool isDirectory)
    {
        for (int i = 0; _whiteouts.Count > 0 && i <= path.Length; i++)
        {
            bool isWhole = i == path.Length;
            if ((isWhole || path[i] == '/') && _whiteouts.Remove(Key(path[..i])) && (!isWhole || isDirectory))
            {
                _tree.MakeDirectory(path[..i], DefaultMode);
                _tree.SetAttributes(path[..i], Owner(new OwnerAndTimes(DefaultMode, 0, 0, 0, 0)), isLink: false, []);
                _directories[Key(path[..i])] = default;
                MakeOpaque(path[..i]);
            }
        }
    }

    private void MakeOpaque(ReadOnlySpan<byte> directory) => _tree.MarkDirectory(directory, "trusted.overlay.opaque"u8, "y"u8);

    private string Remember(byte[] path)
    {
        _remembered += (path.Length * 2) + 120;
        return _remembered <= MostMemory ? Key(path)
            : throw new Failure("the archive has more directories, hidden names and links than any image", "nothing of it was kept; it was made to fill memory");
    }

    private static string Key(ReadOnlySpan<byte> path) => Encoding.Latin1.GetString(path);

    private static byte[] ToBytes(string path) => Encoding.Latin1.GetBytes(path);

    private static ReadOnlySpan<byte> LastComponent(ReadOnlySpan<byte> path) => path[(path.LastIndexOf((byte)'/') + 1)..];

    /// <summary>Without leading and doubled slashes and "."; null when ".." occurs.</summary>
    private static byte[]? Normalise(byte[] name)
    {
        if (IsNormal(name))
        {
            return name;
        }

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

    private static bool IsNormal(ReadOnlySpan<byte> name)
        => name.Length > 0 && name[0] is not ((byte)'/' or (byte)'.') && name[^1] != '/' && name.IndexOf("//"u8) < 0 && name.IndexOf("/."u8) < 0;
}
