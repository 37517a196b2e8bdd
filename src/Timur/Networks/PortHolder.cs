using System.Globalization;
using System.Net;
using Timur.Kernel;

namespace Timur.Networks;

/// <summary>Finds the process that holds a port, through the socket tables and the descriptors in /proc (proc_pid_net(5)). Slow: for messages only.</summary>
internal static class PortHolder
{
    private const string Listening = "0A";

    /// <summary><c>pid 4121 (nginx)</c>, or null when it can't be told.</summary>
    internal static string? Find(IPAddress address, ushort port, TransportProtocol protocol)
    {
        var inodes = new HashSet<string>();
        string table = protocol == TransportProtocol.Udp ? "udp" : "tcp";
        foreach (string name in (string[])[table, table + "6"])
        {
            string? text = Files.TryReadText($"/proc/thread-self/net/{name}", out _);
            foreach (string line in (text ?? "").Split('\n'))
            {
                if (Inode(line, address, port, protocol) is { } inode)
                {
                    inodes.Add($"socket:[{inode}]");
                }
            }
        }

        return inodes.Count == 0 ? null : FindProcess(inodes);
    }

    /// <summary>The inode in a line of /proc/net/tcp and the like, if that socket stands in the way of the address and port.</summary>
    internal static string? Inode(string line, IPAddress address, ushort port, TransportProtocol protocol)
    {
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int colon = fields.Length > 9 ? fields[1].IndexOf(':') : -1;
        if (colon < 0 || !ushort.TryParse(fields[1].AsSpan(colon + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort bound) || bound != port
            || (protocol == TransportProtocol.Tcp && fields[3] != Listening))
        {
            return null;
        }

        string local = fields[1][..colon];
        bool wildcard = local.AsSpan().IndexOfAnyExcept('0') < 0 || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
        return wildcard || local == Hex(address) ? fields[9] : null;
    }

    // The table prints 32-bit words of the address as the machine reads them: each four bytes reversed.
    private static string Hex(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i += 4)
        {
            Array.Reverse(bytes, i, 4);
        }

        return Convert.ToHexString(bytes);
    }

    private static string? FindProcess(HashSet<string> sockets)
    {
        foreach (DirectoryEntry process in Directories.List("/proc"))
        {
            if (!char.IsAsciiDigit(process.Name[0]))
            {
                continue;
            }

            string descriptors = $"/proc/{process.Name}/fd";
            foreach (DirectoryEntry descriptor in TryList(descriptors))
            {
                if (Files.TryReadLink($"{descriptors}/{descriptor.Name}", out _) is { } target && sockets.Contains(target))
                {
                    return $"pid {process.Name} ({Files.TryReadText($"/proc/{process.Name}/comm", out _) ?? "unknown"})";
                }
            }
        }

        return null;
    }

    // Processes end while we look, and some may not be looked into.
    private static List<DirectoryEntry> TryList(string path)
    {
        try
        {
            return Directories.List(path);
        }
        catch (SyscallException)
        {
            return [];
        }
    }
}
