using System.Text;
using Timur.Digests;
using Timur.Kernel;

namespace Timur.SystemTests.Build;

/// <summary>A tree as text, a line for each entry: all that a layer keeps but times.</summary>
internal static class TreeListing
{
    internal static List<string> Of(string directory)
    {
        var lines = new List<string>();
        var first = new Dictionary<ulong, string>();
        using Fd root = Files.Open(directory, Open.Read | Open.Directory);
        TreeReader.Walk(root, entry =>
        {
            FileStatus status = entry.Status;
            string path = Encoding.UTF8.GetString(entry.Path);
            string content = status.Kind switch
            {
                FileKind.Regular => Sha256.Hex(Files.TryReadAll(entry.Content!, out _)!)[..16],
                FileKind.SymbolicLink => Encoding.UTF8.GetString(entry.LinkTarget),
                FileKind.CharacterDevice or FileKind.BlockDevice => $"{status.SpecialMajor}:{status.SpecialMinor}",
                _ => "",
            };
            string link = status.Kind == FileKind.Regular && status.Links > 1 && !first.TryAdd(status.Inode, path) ? $" = {first[status.Inode]}" : "";
            string extended = string.Concat(entry.Extended.Where(one => one.Name.AsSpan().StartsWith("user."u8) || one.Name.AsSpan().SequenceEqual("security.capability"u8))
                .Select(one => $" {Encoding.UTF8.GetString(one.Name)}={Convert.ToHexStringLower(one.Value)}"));
            lines.Add($"/{path} {status.Kind} {Convert.ToString(status.Permissions, 8)} {status.UserId}:{status.GroupId} {content}{link}{extended}");
        });
        return lines;
    }
}
