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
    private const int NoFollow = 0x100;
    private const int LongestLink = 4096;

    /// <summary>Calls <paramref name="visit"/> for the root and everything below it.</summary>
    public static void Walk(Fd root, Action<TreeEntry> visit)
    {
        visit(new TreeEntry([], Files.Status(root), [], Extended(root), null));
        Visit(root, [], visit);
    }

    private static void Visit(Fd directory, byte[] path, Action<TreeEntry> visit)
    {
        foreach (byte[] name in Names(directory))
        {
            byte[] place = path.Length == 0 ? name : [.. path, (byte)'/', .. name];
            byte[] whole = [.. Encoding.ASCII.GetBytes($"{directory.ProcPath}/"), .. name, 0];
            FileStatus status = Status(directory, name, place);
            using Fd? content = status.Kind is FileKind.Regular or FileKind.Directory ? Open(directory, name, status.Kind == FileKind.Directory, place) : null;
            byte[] target = status.Kind == FileKind.SymbolicLink ? ReadLink(directory, name, place) : [];
            visit(new TreeEntry(place, status, target, Extended(whole), status.Kind == FileKind.Regular ? content : null));
            if (status.Kind == FileKind.Directory)
            {
                Visit(content!, place, visit);
            }
        }
    }

    private static List<byte[]> Names(Fd directory)
    {
        var names = new List<byte[]>();
        const int size = 32768;
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

    private static FileStatus Status(Fd directory, byte[] name, byte[] place)
    {
        fixed (byte* text = Terminated(name))
        {
            return Files.TryStatusAt(directory.Raw, text, NoFollow, out Errno why) ?? throw new SyscallException("statx", why, TreeWriter.Show(place));
        }
    }

    private static Fd Open(Fd directory, byte[] name, bool isDirectory, byte[] place)
    {
        fixed (byte* text = Terminated(name))
        {
            long flags = Files.OpenBits(Kernel.Open.Read | Kernel.Open.NoFollow | (isDirectory ? Kernel.Open.Directory : Kernel.Open.NonBlock));
            return new Fd((int)Sys.Check(Sys.CallRetry(Nr.openat, directory.Raw, (long)text, flags), "open", TreeWriter.Show(place)));
        }
    }

    private static byte[] ReadLink(Fd directory, byte[] name, byte[] place)
    {
        byte[] target = new byte[LongestLink];
        fixed (byte* text = Terminated(name), to = target)
        {
            return target[..(int)Sys.Check(Sys.Call(Nr.readlinkat, directory.Raw, (long)text, (long)to, target.Length), "readlink", TreeWriter.Show(place))];
        }
    }

    /// <summary>A symbolic link's target, by a descriptor of the link itself.</summary>
    public static byte[] ReadLink(Fd link) => ReadLink(link, [], []);

    /// <summary>Extended attributes of an open file or directory, which may be opened with O_PATH; none for a link.</summary>
    public static List<(byte[] Name, byte[] Value)> Extended(Fd file)
    {
        FileKind kind = Files.Status(file).Kind;
        return kind == FileKind.SymbolicLink ? [] : Extended(Encoding.ASCII.GetBytes(kind == FileKind.Directory ? $"{file.ProcPath}/.\0" : file.ProcPath + "\0"), follow: true);
    }

    /// <param name="path">Zero-terminated.</param>
    private static List<(byte[] Name, byte[] Value)> Extended(byte[] path, bool follow = false)
    {
        var extended = new List<(byte[] Name, byte[] Value)>();
        fixed (byte* text = path)
        {
            int list = follow ? Nr.listxattr : Nr.llistxattr;
            long size = Sys.Call(list, (long)text);
            byte[] names = new byte[Math.Max(0, size)];
            fixed (byte* buffer = names)
            {
                size = names.Length == 0 ? 0 : Sys.Check(Sys.Call(list, (long)text, (long)buffer, names.Length), "listxattr");
            }

            ReadOnlySpan<byte> left = names.AsSpan(0, (int)size);
            while (left.IndexOf((byte)0) is var end and > 0)
            {
                extended.Add((left[..end].ToArray(), Value(follow ? Nr.getxattr : Nr.lgetxattr, text, left[..(end + 1)])));
                left = left[(end + 1)..];
            }
        }

        extended.Sort((a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        return extended;
    }

    private static byte[] Value(int call, byte* path, ReadOnlySpan<byte> name)
    {
        fixed (byte* key = name)
        {
            byte[] value = new byte[Sys.Check(Sys.Call(call, (long)path, (long)key), "getxattr")];
            fixed (byte* buffer = value)
            {
                return value.Length == 0 ? value : value[..(int)Sys.Check(Sys.Call(call, (long)path, (long)key, (long)buffer, value.Length), "getxattr")];
            }
        }
    }

    private static byte[] Terminated(byte[] name) => [.. name, 0];
}
