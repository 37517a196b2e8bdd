using System.Text;
using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>Copies what a directory of the image holds into the tmpfs that is about to cover it (<c>tmpcopyup</c>).</summary>
internal static class TreeCopy
{
    internal static void Copy(Fd source, Fd target)
    {
        using var writer = new TreeWriter(target);
        CopyDirectory(source, "", writer);
    }

    private static void CopyDirectory(Fd root, string directory, TreeWriter writer)
    {
        using Fd open = Files.TryOpenInRoot(root, directory.Length == 0 ? "." : directory, Open.Read | Open.Directory, out Errno why)
            ?? throw new SyscallException("open", why, directory);
        foreach (DirectoryEntry entry in Directories.List(open, directory))
        {
            string path = directory.Length == 0 ? entry.Name : $"{directory}/{entry.Name}";
            if (Files.TryStatusAt(open, entry.Name, out _) is { } status)
            {
                CopyOne(root, open, path, entry.Name, status, writer);
            }
        }
    }

    private static void CopyOne(Fd root, Fd parent, string path, string name, FileStatus status, TreeWriter writer)
    {
        byte[] target = Encoding.UTF8.GetBytes(path);
        switch (status.Kind)
        {
            case FileKind.Directory:
                writer.MakeDirectory(target, status.Permissions);
                CopyDirectory(root, path, writer);
                break;
            case FileKind.SymbolicLink:
                writer.MakeSymbolicLink(target, Encoding.UTF8.GetBytes(Files.TryReadLink($"{parent.ProcPath}/{name}", out _) ?? ""));
                break;
            case FileKind.Regular:
                CopyFile(parent, name, target, writer);
                break;
            case FileKind.Socket:
                return;
            default:
                writer.MakeNode(target, status.Kind, status.SpecialMajor, status.SpecialMinor);
                break;
        }

        writer.SetAttributes(
            target, new OwnerAndTimes(status.Permissions, status.UserId, status.GroupId, status.ModifiedSeconds, status.ModifiedNanoseconds),
            status.Kind == FileKind.SymbolicLink, []);
    }

    private static void CopyFile(Fd parent, string name, byte[] target, TreeWriter writer)
    {
        using Fd from = Files.TryOpenAt(parent, name, Open.Read | Open.NoFollow | Open.NonBlock, out Errno why) ?? throw new SyscallException("open", why, name);
        using Fd to = writer.MakeFile(target);
        byte[] buffer = new byte[64 * 1024];
        int count;
        while ((count = Files.Read(from, buffer)) > 0)
        {
            Files.Write(to, buffer.AsSpan(0, count), name);
        }
    }
}
