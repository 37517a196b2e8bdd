using System.Buffers;
using System.Text.Json;
using Timur.Kernel;
using Timur.State;

namespace Timur.Networks;

/// <summary>
/// The host's switches that a bridge with NAT needs. A former value is on disk before the switch is turned, and <see cref="Restore"/> puts it back.
/// </summary>
internal sealed class HostForwarding(DataPaths paths)
{
    private const string Base = "/proc/sys/net/";
    private readonly string _record = $"{paths.Networks}/former-sysctls";

    /// <summary>The host speaks IPv6.</summary>
    internal static bool HasIpv6 => Files.TryReadText(Base + "ipv6/conf/all/disable_ipv6", out _) == "0";

    /// <summary>Turns forwarding on, for IPv6 too when <paramref name="ipv6"/>.</summary>
    internal void Enable(bool ipv6)
    {
        var changes = new List<(string Name, string Value)> { ("ipv4/ip_forward", "1") };
        if (ipv6 && Read("ipv6/conf/all/forwarding") == "0")
        {
            // A forwarding host ignores router advertisements where accept_ra is 1 (ip-sysctl): it would lose the routes that it learnt that way.
            foreach (DirectoryEntry link in Directories.List(Base + "ipv6/conf"))
            {
                if (link.Name is not "all" and not "lo" && Read($"ipv6/conf/{link.Name}/accept_ra") == "1")
                {
                    changes.Add(($"ipv6/conf/{link.Name}/accept_ra", "2"));
                }
            }

            changes.Add(("ipv6/conf/all/forwarding", "1"));
        }

        Dictionary<string, string> former = ReadRecord();
        foreach ((string name, string value) in changes)
        {
            if (Read(name) is { } now && now != value)
            {
                former.TryAdd(name, now);
            }
        }

        WriteRecord(former);
        foreach ((string name, string value) in changes)
        {
            Write(name, value);
        }
    }

    /// <summary>Switches of our own bridge; they vanish with it.</summary>
    internal static void ConfigureBridge(string bridge, bool ipv6)
    {
        // Replies to 127.0.0.1 come back over the bridge; the rules of HostRules keep everything else out of 127/8.
        Write($"ipv4/conf/{bridge}/route_localnet", "1");
        if (ipv6)
        {
            // A container could send router advertisements to the host (CVE-2020-13401).
            Write($"ipv6/conf/{bridge}/accept_ra", "0");
            Write($"ipv6/conf/{bridge}/accept_dad", "0");
        }
    }

    /// <summary>Puts every switch back to its recorded former value.</summary>
    internal void Restore()
    {
        foreach ((string name, string value) in ReadRecord())
        {
            Files.TryWriteText(Base + name, value, out _);
        }

        Files.TryUnlink(_record, out _);
    }

    private static string? Read(string name) => Files.TryReadText(Base + name, out _);

    private static void Write(string name, string value)
    {
        if (Read(name) != value && !Files.TryWriteText(Base + name, value, out Errno why))
        {
            throw new Failure($"can't prepare the network: writing {value} to {Base}{name}: {why.Describe()}",
                "the host must allow forwarding; use --network none or host otherwise");
        }
    }

    private Dictionary<string, string> ReadRecord()
    {
        var former = new Dictionary<string, string>();
        if (Files.TryReadAll(_record, out _) is { } bytes)
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                former[property.Name] = property.Value.GetString()!;
            }
        }

        return former;
    }

    private void WriteRecord(Dictionary<string, string> former)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            foreach ((string name, string value) in former)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }

        AtomicFile.Write(_record, buffer.WrittenSpan);
    }
}
