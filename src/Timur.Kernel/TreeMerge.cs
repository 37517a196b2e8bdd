namespace Timur.Kernel;

/// <summary>
/// Puts the entries of one tree into another, as <see cref="TreeReader"/> finds them: owners, modes, times, extended attributes, links, devices; a second name of a
/// file becomes a hard link, a socket is left out. What is there already is merged or replaced; a directory never takes the place of anything else, nor the other way.
/// </summary>
public sealed class TreeMerge(Fd target) : IDisposable
{
    private readonly TreeWriter _writer = new(target);
    private readonly Dictionary<(uint, uint, ulong), byte[]> _seen = [];
    private readonly List<(byte[] Path, OwnerAndTimes Attributes)> _directories = [];
    private readonly byte[] _buffer = new byte[128 * 1024];

    /// <summary>Owner and group as they are to be.</summary>
    public Func<FileStatus, FileStatus> Owner { get; init; } = status => status;

    /// <summary>Where the root of the entries goes, below the target; empty for the target itself.</summary>
    public byte[] Place { get; init; } = [];

    /// <summary>The root of the entries gives the place its owner, mode and time; else a directory that is there keeps its own.</summary>
    public bool TakesRoot { get; init; } = true;

    /// <summary>Extended attributes that go along, by name; as it is, not those that belong to overlay or to this machine's labels.</summary>
    public Func<byte[], bool> Keeps { get; init; } = IsOfTheFile;

    /// <summary>Bytes of content copied.</summary>
    public long Bytes { get; private set; }

    /// <summary>A whole tree.</summary>
    public static void Copy(Fd source, Fd target)
    {
        using var merge = new TreeMerge(target);
        TreeReader.Walk(source, merge.Add);
        merge.Finish();
    }

    public void Add(TreeEntry entry)
    {
        FileStatus status = Owner(entry.Status);
        byte[] path = Place.Length == 0 ? entry.Path : entry.Path.Length == 0 ? Place : [.. Place, (byte)'/', .. entry.Path];
        var attributes = new OwnerAndTimes(status.Permissions, status.UserId, status.GroupId, status.ModifiedSeconds, status.ModifiedNanoseconds);
        if (status.Kind == FileKind.Socket || (path.Length == 0 && !TakesRoot))
        {
            return;
        }

        FileKind? there = path.Length == 0 ? FileKind.Directory : _writer.Kind(path);
        if (there is { } kind && (kind == FileKind.Directory) != (status.Kind == FileKind.Directory))
        {
            throw new SyscallException("copy", kind == FileKind.Directory ? Errno.EISDIR : Errno.ENOTDIR, TreeWriter.Show(path));
        }

        if (status.Kind == FileKind.Directory)
        {
            bool stays = entry.Path.Length == 0 && !TakesRoot && there is not null;
            AddDirectory(path, attributes, entry, stays);
            return;
        }

        (uint, uint, ulong) identity = (status.DeviceMajor, status.DeviceMinor, status.Inode);
        if (status.Links > 1 && !_seen.TryAdd(identity, path) && _writer.TryMakeHardLink(path, _seen[identity]))
        {
            return;
        }

        Make(entry, status, path);
        _writer.SetAttributes(path, attributes, status.Kind == FileKind.SymbolicLink, Extended(entry));
    }

    /// <summary>Directories get their times, deepest first.</summary>
    public void Finish()
    {
        _directories.Sort((a, b) => b.Path.Length.CompareTo(a.Path.Length));
        foreach ((byte[] path, OwnerAndTimes attributes) in _directories)
        {
            _writer.SetDirectoryTime(path.Length == 0 ? "."u8 : path, attributes);
        }
    }

    public void Dispose() => _writer.Dispose();

    private void AddDirectory(byte[] path, OwnerAndTimes attributes, TreeEntry entry, bool stays)
    {
        if (path.Length > 0)
        {
            _writer.MakeDirectory(path, 0x1C0);
        }

        if (!stays)
        {
            _writer.SetAttributes(path.Length == 0 ? "."u8 : path, attributes, isLink: false, Extended(entry));
            _directories.Add((path, attributes));
        }
    }

    private void Make(TreeEntry entry, FileStatus status, byte[] path)
    {
        switch (status.Kind)
        {
            case FileKind.SymbolicLink:
                _writer.MakeSymbolicLink(path, entry.LinkTarget);
                break;
            case FileKind.Regular:
                using (Fd file = _writer.MakeFile(path))
                {
                    Bytes += SparseFiles.CopyContent(entry.Content!, file, _buffer, TreeWriter.Show(path));
                }

                break;
            default:
                _writer.MakeNode(path, status.Kind, status.SpecialMajor, status.SpecialMinor);
                break;
        }
    }

    /// <summary>A link has none that could be set.</summary>
    private List<(byte[] Name, byte[] Value)> Extended(TreeEntry entry)
        => entry.Status.Kind == FileKind.SymbolicLink ? [] : [.. entry.Extended.Where(one => Keeps(one.Name))];

    private static bool IsOfTheFile(byte[] name)
        => name.AsSpan().StartsWith("user."u8) || name.AsSpan().StartsWith("system.posix_acl_"u8) || name.AsSpan().SequenceEqual("security.capability"u8);
}
