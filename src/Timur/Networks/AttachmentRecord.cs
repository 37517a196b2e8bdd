using System.Buffers;
using System.Text.Json;
using Timur.Kernel;
using Timur.State;

namespace Timur.Networks;

/// <summary>
/// What a container holds of the network, in <c>networks/attachments/ID</c>: written before the kernel is told, so that whatever a crash leaves can
/// be given back.
/// </summary>
internal sealed record AttachmentRecord(string Network, string Ipv4, IReadOnlyList<PublishedPort> Ports)
{
    internal static string Directory(DataPaths paths) => $"{paths.Networks}/attachments";

    /// <summary>The record, or null when the container holds nothing.</summary>
    internal static AttachmentRecord? TryRead(DataPaths paths, ContainerId id)
    {
        byte[]? bytes = Files.TryReadAll($"{Directory(paths)}/{id.Text}", out _);
        if (bytes is null || bytes.Length == 0)
        {
            return null;
        }

        using JsonDocument document = JsonDocument.Parse(bytes);
        JsonElement root = document.RootElement;
        var ports = new List<PublishedPort>();
        foreach (JsonElement port in root.GetProperty("ports").EnumerateArray())
        {
            ports.Add(new PublishedPort(
                port.GetProperty("hostAddress").GetString()!, port.GetProperty("hostPort").GetUInt16(), port.GetProperty("containerPort").GetUInt16(),
                port.GetProperty("protocol").GetString() == "udp" ? TransportProtocol.Udp : TransportProtocol.Tcp));
        }

        return new AttachmentRecord(root.GetProperty("network").GetString()!, root.GetProperty("ipv4").GetString()!, ports);
    }

    /// <summary>Writes the record; an empty one that a crash left is filled.</summary>
    internal void Create(DataPaths paths, ContainerId id)
    {
        string path = $"{Directory(paths)}/{id.Text}";
        using Fd fd = Files.Open(path, Open.Write | Open.Create | Open.Truncate, 0x180);
        Files.Write(fd, Bytes(), path);
    }

    internal static void Remove(DataPaths paths, ContainerId id) => Files.TryUnlink($"{Directory(paths)}/{id.Text}", out _);

    private ReadOnlySpan<byte> Bytes()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteString("network", Network);
            json.WriteString("ipv4", Ipv4);
            json.WriteStartArray("ports");
            foreach (PublishedPort port in Ports)
            {
                json.WriteStartObject();
                json.WriteString("hostAddress", port.HostAddress);
                json.WriteNumber("hostPort", port.HostPort);
                json.WriteNumber("containerPort", port.ContainerPort);
                json.WriteString("protocol", port.Protocol == TransportProtocol.Udp ? "udp" : "tcp");
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan;
    }
}
