using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>The part of a launch program that makes device nodes.</summary>
/// <param name="devices">The container's /dev.</param>
/// <param name="isMapped">The process is in a user namespace, which may make no nodes: the host's are bound.</param>
/// <param name="given">Nodes that were made for it where the host has none, by their places.</param>
public sealed class DeviceCompiler(LaunchProgram program, Arg root, Arg devices, bool isMapped, IReadOnlyDictionary<string, Slot> given)
{
    /// <summary>The default ones, but for those that are asked for otherwise, and what is asked for.</summary>
    internal void Make(IReadOnlyList<DeviceSpec> wanted)
    {
        foreach (DeviceSpec device in DefaultDevices.All)
        {
            if (!Has(wanted, device.Path))
            {
                Make(device);
            }
        }

        foreach (DeviceSpec device in wanted)
        {
            int mark = program.MarkSlots();
            Make(device);
            program.ReleaseSlots(mark);
        }
    }

    private void Make(DeviceSpec device)
    {
        bool elsewhere = !device.Path.StartsWith("/dev/", StringComparison.Ordinal);
        string relative = elsewhere ? device.Path.Trim('/') : device.Path[5..].TrimEnd('/');
        FileKind kind = KindOf(device);
        int slash = relative.LastIndexOf('/');
        Arg directory = elsewhere ? root : devices;
        if (slash >= 0)
        {
            directory = program.OpenOrMakeDirectory(directory, relative[..slash]);
        }

        if (given.TryGetValue(GivenName(device), out Slot node))
        {
            program.BindNode(directory, relative[(slash + 1)..], new MountHandle(node));
            return;
        }

        if (isMapped && kind != FileKind.Fifo)
        {
            program.BindNode(directory, relative[(slash + 1)..], HostNode(device));
            return;
        }

        program.MakeNode(directory, relative[(slash + 1)..], kind, device.FileMode ?? 0x1B6, device.Major, device.Minor, device.UserId, device.GroupId);
    }

    private static bool Has(IReadOnlyList<DeviceSpec> devices, string path)
    {
        foreach (DeviceSpec device in devices)
        {
            if (device.Path == path)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What file a device is.</summary>
    public static FileKind KindOf(DeviceSpec device) => device.Type switch
    {
        "c" or "u" => FileKind.CharacterDevice,
        "b" => FileKind.BlockDevice,
        "p" => FileKind.Fifo,
        _ => throw new Failure($"device {device.Path}: type '{device.Type}' is none of c, b, u, p"),
    };

    /// <summary>How a node that was made beforehand is called among what is given; no mount has such a destination.</summary>
    public static string GivenName(DeviceSpec device) => "device " + device.Path;

    /// <summary>Where the host has this device: under the same path, or under its numbers.</summary>
    public static string HostNode(DeviceSpec device)
        => Files.TryStatus(device.Path, out _, follow: true) is { } node && node.SpecialMajor == device.Major && node.SpecialMinor == device.Minor
            ? device.Path : $"/dev/{(device.Type == "b" ? "block" : "char")}/{device.Major}:{device.Minor}";
}
