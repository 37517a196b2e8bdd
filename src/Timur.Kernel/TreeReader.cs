using System.Runtime.InteropServices;
using System.Text;

namespace Timur.Kernel;

/// <summary>One entry of a tree; names are bytes.</summary>
/// <param name="Path">From the tree's root, without a leading slash; empty for the root itself.</param>
/// <param name="LinkTarget">Of a symbolic link, else empty.</param>
/// <param name="Extended">Extended attributes, sorted by name.</param>
/// <param name="Content">A regular file, open for reading; null for anything else.</param>
public sealed record TreeEntry(byte[] Path, FileStatus Status, byte[] LinkTarget, IReadOnlyList<(byte[] Name, byte[] Value)> Extended, Fd? Content);

/// <summary>Walks a directory tree in the order of its names' bytes, a directory before what is in it; no symbolic link is followed.</summary>
public static unsafe class TreeReader
{
    private const int LongestLink = 4096;

    /// <summary>Calls <paramref name="visit"/> for the root and everything below it.</summary>
    /// <param name="root">A directory, or a handle (O_PATH) of anything.</param>
    /// <param name="leavesOut">True for a directory that is neither visited nor entered; its handle is given.</param>
    public static void Walk(Fd root, Action<TreeEntry> visit, Func<FileStatus, Fd, bool>? leavesOut = null) => Visit(
        root,
        [],
        entry =>
        {
            visit(entry);
            return true;
        },
        leavesOut);

    /// <summary>As the other; what is below a directory is left out when <paramref name="visit"/> says false.</summary>
    public static void Walk(Fd root, Func<TreeEntry, bool> visit) => Visit(root, [], visit, null);

    /// <summary>One name of a directory, and with a directory everything below it.</summary>
    public static void Walk(Fd directory, string name, Func<TreeEntry, bool> visit)
    {
        byte[] place = Encoding.UTF8.GetBytes(name);
        using Fd handle = TryOpenHandle(directory, place, place) ?? throw new SyscallException("open", Errno.ENOENT, name);
        Visit(handle, place, visit, null);
    }

    /// <summary>Everything is asked of one handle, and opened through it: whoever lives in the tree may put something else in its place at any moment.</summary>
    private static void Visit(Fd handle, byte[] path, Func<TreeEntry, bool> visit, Func<FileStatus, Fd, bool>? leavesOut)
    {
        FileStatus status = Files.Status(handle);
        if (status.Kind == FileKind.Directory && leavesOut?.Invoke(status, handle) == true)
        {
            return;
        }

        using Fd? content = status.Kind switch
        {
            FileKind.Regular => Files.Open(handle.ProcPath, Open.Read | Open.NonBlock),
            FileKind.Directory => Files.Open(handle.ProcPath, Open.Read | Open.Directory),
            _ => null,
        };
        byte[] target = status.Kind == FileKind.SymbolicLink ? ReadLink(handle, path) : [];
        bool goesOn = visit(new TreeEntry(path, status, target, Extended(handle), status.Kind == FileKind.Regular ? content : null));
        if (!goesOn || status.Kind != FileKind.Directory)
        {
            return;
        }

        foreach (byte[] name in Names(content!))
        {
            byte[] place = path.Length == 0 ? name : [.. path, (byte)'/', .. name];
            using Fd? below = TryOpenHandle(content!, name, place);
            if (below is not null)
            {
                Visit(below, place, visit, leavesOut);
            }
        }
    }

    private static List<byte[]> Names(Fd directory)
    {
        var names = new List<byte[]>();
        const int size = 32768;

        // Whoever has read the directory before stands at its end.
        Sys.Check(Sys.Call(Nr.lseek, directory.Raw, 0, 0), "lseek", directory.ProcPath);
        byte[] memory = new byte[size];
        fixed (byte* buffer = memory)
        {
            int count;
            while ((count = (int)Sys.Check(Sys.Call(Nr.getdents64, directory.Raw, (long)buffer, size), "getdents64", directory.ProcPath)) > 0)
            {
                for (byte* entry = buffer; entry < buffer + count; entry += *(ushort*)(entry + 16))
                {
                    ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + 19);
                    if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    {
                        names.Add(name.ToArray());
                    }
                }
            }
        }

        names.Sort((a, b) => a.AsSpan().SequenceCompareTo(b));
        return names;
    }

    /// <summary>Null when it is gone.</summary>
    private static Fd? TryOpenHandle(Fd directory, byte[] name, byte[] place)
    {
        fixed (byte* text = Terminated(name))
        {
            long result = Sys.CallRetry(Nr.openat, directory.Raw, (long)text, Files.OpenBits(Open.Path | Open.NoFollow));
            return result == -(int)Errno.ENOENT ? null : new Fd((int)Sys.Check(result, "open", TreeWriter.Show(place)));
        }
    }

    /// <summary>A symbolic link's target, by a descriptor of the link itself.</summary>
    public static byte[] ReadLink(Fd link) => ReadLink(link, []);

    private static byte[] ReadLink(Fd link, byte[] place)
    {
        byte[] target = new byte[LongestLink];
        byte nothing = 0;
        fixed (byte* to = target)
        {
            return target[..(int)Sys.Check(Sys.Call(Nr.readlinkat, link.Raw, (long)&nothing, (long)to, target.Length), "readlink", TreeWriter.Show(place))];
        }
    }

    /// <summary>Extended attributes by a descriptor, which may be a handle (O_PATH): links are followed to the handle, and no further.</summary>
    public static List<(byte[] Name, byte[] Value)> Extended(Fd handle)
    {
        byte[] path = Encoding.ASCII.GetBytes(handle.ProcPath + '\0');
        var extended = new List<(byte[] Name, byte[] Value)>();
        fixed (byte* text = path)
        {
            long size = Sys.Call(Nr.listxattr, (long)text);
            byte[] list = new byte[Math.Max(0, size)];
            fixed (byte* buffer = list)
            {
                size = list.Length == 0 ? 0 : Sys.Check(Sys.Call(Nr.listxattr, (long)text, (long)buffer, list.Length), "listxattr");
            }

            ReadOnlySpan<byte> left = list.AsSpan(0, (int)size);
            while (left.IndexOf((byte)0) is var end and > 0)
            {
                extended.Add((left[..end].ToArray(), Value(text, left[..(end + 1)])));
                left = left[(end + 1)..];
            }
        }

        extended.Sort((a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        return extended;
    }

    private static byte[] Value(byte* path, ReadOnlySpan<byte> name)
    {
        fixed (byte* key = name)
        {
            byte[] value = new byte[Sys.Check(Sys.Call(Nr.getxattr, (long)path, (long)key), "getxattr")];
            fixed (byte* buffer = value)
            {
                return value.Length == 0 ? value : value[..(int)Sys.Check(Sys.Call(Nr.getxattr, (long)path, (long)key, (long)buffer, value.Length), "getxattr")];
            }
        }
    }

    private static byte[] Terminated(byte[] name) => [.. name, 0];
}
