using System.Net;
using System.Text;

namespace Timur.Networks;

/// <summary>A container's hosts file (hosts(5)).</summary>
public static class HostsFile
{
    private const string HostGateway = "host-gateway";

    /// <summary>Localhost, the container's own name, and what <c>--add-host NAME:ADDRESS</c> asked for.</summary>
    /// <param name="attachment">Null when the container has no address of its own.</param>
    /// <param name="added"><c>NAME:ADDRESS</c> or <c>NAME=ADDRESS</c>; the address <c>host-gateway</c> is the host as the container reaches it.</param>
    public static string ForContainer(NetworkAttachment? attachment, string hostname, IReadOnlyList<string> added)
        => Compose(attachment?.Ipv4, attachment?.Ipv6, attachment?.Gateway4, hostname, added);

    internal static string Compose(string? ipv4, string? ipv6, string? gateway, string hostname, IReadOnlyList<string> added)
    {
        var text = new StringBuilder("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
        foreach (string entry in added)
        {
            int separator = entry.IndexOfAny([':', '=']);
            string address = separator < 1 ? "" : entry[(separator + 1)..].Trim('[', ']');
            if (address == HostGateway)
            {
                address = gateway ?? throw new Failure($"--add-host {entry}: without the default network there is no {HostGateway}", "give the address itself");
            }

            if (!IPAddress.TryParse(address, out _))
            {
                throw new Failure($"--add-host {entry}: '{address}' isn't an address", "write NAME:ADDRESS, such as db:10.0.0.5 or host.docker.internal:host-gateway");
            }

            text.Append(address).Append('\t').Append(entry.AsSpan(0, separator)).Append('\n');
        }

        // Without an address of its own, the name still has to lead somewhere.
        text.Append(ipv4 ?? "127.0.1.1").Append('\t').Append(hostname).Append('\n');
        if (ipv6 is not null)
        {
            text.Append(ipv6).Append('\t').Append(hostname).Append('\n');
        }

        return text.ToString();
    }
}
