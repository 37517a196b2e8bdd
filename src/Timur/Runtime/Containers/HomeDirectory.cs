using System.Text;
using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>HOME, which engines leave to the runtime: from the container's own passwd(5).</summary>
internal static class HomeDirectory
{
    private const int LargestPasswd = 1 << 20;

    /// <summary>The directory, or the root when nobody knows another.</summary>
    internal static string Of(uint user, Fd root)
    {
        // A FIFO or a device in its place must not hold us up.
        using Fd? passwd = Files.TryOpenInRoot(root, "etc/passwd", Open.Read | Open.NonBlock | Open.NoCtty, out _);
        if (passwd is null || Files.Status(passwd) is not { Kind: FileKind.Regular, Size: <= LargestPasswd } || Files.TryReadAll(passwd, out _) is not { } bytes)
        {
            return "/";
        }

        string id = user.ToString();
        foreach (string line in Encoding.UTF8.GetString(bytes).Split('\n'))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 5 && fields[2] == id)
            {
                return fields[5].Length > 0 && !fields[5].Contains('\0') ? fields[5] : "/";
            }
        }

        return "/";
    }
}
