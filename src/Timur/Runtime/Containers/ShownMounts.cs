using System.Text;
using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>
/// The mounts of a container without a mount namespace: they are in the runtime's own, below the container's root, and have to be taken away with it. The file
/// <c>mounts</c> of its directory tells how many mounts stood on the root before.
/// </summary>
internal static class ShownMounts
{
    private const string Record = "/mounts";

    /// <summary>Written before the first is made.</summary>
    internal static void Expect(string directory, string rootfs) => Files.WriteAll(directory + Record, Encoding.UTF8.GetBytes($"{Count(rootfs)} {rootfs}"), 0x180);

    /// <summary>Each mount on the root takes what is mounted below along.</summary>
    internal static void Remove(string directory)
    {
        if (Files.TryReadText(directory + Record, out _) is not { } text)
        {
            return;
        }

        string[] parts = text.Split(' ', 2);
        for (int left = Count(parts[1]) - int.Parse(parts[0]); left > 0; left--)
        {
            Mounts.TryUnmount(parts[1], out _, detach: true);
        }
    }

    private static int Count(string target) => Mounts.List().Count(mount => mount.Target == target);
}
