using System.Buffers;
using System.Text.Json;
using Timur.Kernel;
using Timur.State;

namespace Timur.Networks;

/// <summary>A network as it is recorded in <c>networks/NAME.json</c>, before anything of it exists in the kernel.</summary>
/// <param name="Bridge">Name of its bridge, at most 15 bytes.</param>
/// <param name="Ipv6Prefix">8 bytes, or empty where the host has no IPv6.</param>
public sealed record NetworkRecord(string Name, string Bridge, Ipv4Subnet Subnet, byte[] Ipv6Prefix)
{
    public bool HasIpv6 => Ipv6Prefix.Length > 0;

    /// <summary>The recorded network, or null when there is none.</summary>
    internal static NetworkRecord? TryRead(DataPaths paths, string name)
    {
        byte[]? bytes = Files.TryReadAll(PathOf(paths, name), out Errno why);
        if (bytes is null)
        {
            return why == Errno.ENOENT ? null : throw new SyscallException("read", why, PathOf(paths, name));
        }

        using JsonDocument document = JsonDocument.Parse(bytes);
        JsonElement root = document.RootElement;
        return Ipv4Subnet.TryParse(root.GetProperty("subnet").GetString() ?? "", out Ipv4Subnet subnet)
            ? new NetworkRecord(name, root.GetProperty("bridge").GetString()!, subnet, Convert.FromHexString(root.GetProperty("ipv6Prefix").GetString()!))
            : throw new Failure($"can't read network {name}: its subnet in {PathOf(paths, name)} makes no sense", "remove the network with timur clear");
    }

    internal void Write(DataPaths paths)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteString("bridge", Bridge);
            json.WriteString("subnet", Subnet.ToString());
            json.WriteString("ipv6Prefix", Convert.ToHexStringLower(Ipv6Prefix));
            json.WriteEndObject();
        }

        AtomicFile.Write(PathOf(paths, Name), buffer.WrittenSpan);
    }

    private static string PathOf(DataPaths paths, string name) => $"{paths.Networks}/{name}.json";
}
