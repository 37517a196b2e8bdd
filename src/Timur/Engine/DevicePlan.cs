using Timur.Kernel;
using Timur.Oci;

namespace Timur.Engine;

/// <summary>Devices that a container gets beside the standard ones.</summary>
internal static class DevicePlan
{
    /// <summary>From <c>--device</c>, or all of this machine's with <c>--privileged</c>.</summary>
    internal static (IReadOnlyList<DeviceSpec> Nodes, IReadOnlyList<DeviceRule> Rules) From(RunOptions options)
    {
        var nodes = new List<DeviceSpec>();
        var rules = new List<DeviceRule>();
        if (options.Privileged)
        {
            AddAll("/dev", nodes);
        }

        foreach (string text in options.Texts("device"))
        {
            string[] parts = text.Split(':');
            string access = parts.Length > 2 ? parts[2] : parts.Length == 2 && !parts[1].StartsWith('/') ? parts[1] : "rwm";
            string inside = parts.Length > 1 && parts[1].StartsWith('/') ? parts[1] : parts[0];
            if (access.Length == 0 || access.AsSpan().IndexOfAnyExcept("rwm") >= 0)
            {
                throw new Failure($"--device {text}: '{access}' isn't made of r, w and m");
            }

            DeviceSpec node = Node(parts[0], inside) ?? throw new Failure($"--device {text}: {parts[0]} isn't a device of this machine", "ls -l /dev shows them");
            nodes.Add(node);
            rules.Add(new DeviceRule(true, node.Type, node.Major, node.Minor, access));
        }

        return (nodes, rules);
    }

    private static DeviceSpec? Node(string path, string inside)
    {
        FileStatus? found = Files.TryStatus(path, out _, follow: true);
        string? type = found?.Kind switch
        {
            FileKind.CharacterDevice => "c",
            FileKind.BlockDevice => "b",
            _ => null,
        };
        return found is { } status && type is not null
            ? new DeviceSpec(inside, type, status.SpecialMajor, status.SpecialMinor, status.Permissions, status.UserId, status.GroupId)
            : null;
    }

    private static void AddAll(string directory, List<DeviceSpec> nodes)
    {
        foreach (DirectoryEntry entry in Directories.List(directory))
        {
            string path = $"{directory}/{entry.Name}";
            if (entry.Kind == FileKind.Directory && entry.Name is not ("pts" or "shm" or "mqueue" or "fd"))
            {
                AddAll(path, nodes);
            }
            else if (entry.Kind is FileKind.CharacterDevice or FileKind.BlockDevice && path is not ("/dev/console" or "/dev/ptmx" or "/dev/tty") && Node(path, path) is { } node)
            {
                nodes.Add(node);
            }
        }
    }
}
