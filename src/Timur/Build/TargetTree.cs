using System.Text;
using Timur.Build.Dockerfiles;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>The files of a stage, to be changed. Links in it are followed as a program inside would follow them, never out of it.</summary>
internal sealed class TargetTree(Fd tree, Place at) : IDisposable
{
    private const uint OrdinaryDirectory = 0x1ED;

    private readonly TreeWriter _writer = new(tree);
    private readonly Dictionary<(uint, uint, ulong), byte[]> _links = [];
    private readonly List<(byte[] Path, OwnerAndTimes Attributes)> _directories = [];
    private readonly byte[] _buffer = new byte[128 * 1024];

    /// <summary>Whether a directory is there, behind links or not.</summary>
    internal bool HasDirectory(string path)
    {
        using Fd? found = Files.TryOpenInRoot(tree, path.Length == 0 ? "." : path, Open.Path | Open.Directory, out _);
        return found is not null;
    }

    /// <summary>A directory and those above it; new ones belong to the given user.</summary>
    internal void MakeDirectories(string path, uint user, uint group)
    {
        for (int slash = path.IndexOf('/'); path.Length > 0; slash = path.IndexOf('/', slash + 1))
        {
            string prefix = slash < 0 ? path : path[..slash];
            if (!HasDirectory(prefix))
            {
                MakeDirectory(Encoding.UTF8.GetBytes(prefix), new OwnerAndTimes(OrdinaryDirectory, user, group, 0, 0), []);
            }

            if (slash < 0)
            {
                return;
            }
        }
    }

    /// <summary>The directory, open.</summary>
    internal Fd OpenDirectory(string path)
        => Files.TryOpenInRoot(tree, path.Length == 0 ? "." : path, Open.Read | Open.Directory, out Errno why) ?? throw new SyscallException("open", why, "/" + path);

    /// <summary>Puts a copy of an entry to a path. A directory that is there stays as it is.</summary>
    internal void Copy(byte[] path, TreeEntry entry, OwnerAndTimes attributes)
    {
        FileStatus status = entry.Status;
        List<(byte[] Name, byte[] Value)> extended = [.. entry.Extended.Where(one => IsKept(one.Name))];
        if (status.Kind == FileKind.Directory)
        {
            if (!HasDirectory(TreeWriter.Show(path)))
            {
                MakeDirectory(path, attributes, extended);
                _directories.Add((path, attributes));
            }

            return;
        }

        if (TryStatus(path) is { Kind: FileKind.Directory })
        {
            throw at.Error($"a file can't take the place of the directory /{TreeWriter.Show(path)}", "remove the directory first, or end the target with /");
        }

        if (status.Links > 1 && _links.TryGetValue(Identity(status), out byte[]? first) && _writer.TryMakeHardLink(path, first))
        {
            return;
        }

        _links.TryAdd(Identity(status), path);
        switch (status.Kind)
        {
            case FileKind.Regular: WriteFile(path, entry); break;
            case FileKind.SymbolicLink: _writer.MakeSymbolicLink(path, entry.LinkTarget); break;
            case FileKind.Socket: return;
            default: _writer.MakeNode(path, status.Kind, status.SpecialMajor, status.SpecialMinor); break;
        }

        _writer.SetAttributes(path, attributes, status.Kind == FileKind.SymbolicLink, extended);
    }

    /// <summary>Gives new directories the times of those they are copies of.</summary>
    public void Dispose()
    {
        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            _writer.SetTime(_directories[i].Path, _directories[i].Attributes);
        }

        _writer.Dispose();
    }

    /// <summary>Attributes that belong to the file and not to this machine.</summary>
    internal static bool IsKept(ReadOnlySpan<byte> name) => (name.StartsWith("user."u8) && !name.StartsWith("user.overlay."u8)) || name.SequenceEqual("security.capability"u8);

    private static (uint, uint, ulong) Identity(FileStatus status) => (status.DeviceMajor, status.DeviceMinor, status.Inode);

    private void MakeDirectory(byte[] path, OwnerAndTimes attributes, List<(byte[] Name, byte[] Value)> extended)
    {
        if (TryStatus(path) is not null)
        {
            throw at.Error($"/{TreeWriter.Show(path)} has to be a directory, and is something else", "choose another target, or remove that one before");
        }

        _writer.MakeDirectory(path, 0x1C0);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        OwnerAndTimes timed = attributes is { Seconds: 0, Nanoseconds: 0 } ? attributes with { Seconds = now.ToUnixTimeSeconds(), Nanoseconds = (uint)now.Nanosecond } : attributes;
        _writer.SetAttributes(path, timed, isLink: false, extended);
    }

    private FileStatus? TryStatus(byte[] path)
    {
        try
        {
            return _writer.TryStatus(path);
        }
        catch (SyscallException e) when (e.Errno == Errno.ENOTDIR)
        {
            throw at.Error($"something on the way to /{TreeWriter.Show(path)} is a file and no directory", "choose another target");
        }
    }

    private void WriteFile(byte[] path, TreeEntry entry)
    {
        using Fd file = _writer.MakeFile(path);
        SparseFiles.CopyContent(entry.Content!, file, _buffer, TreeWriter.Show(path));
    }
}
