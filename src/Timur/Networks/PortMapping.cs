using System.Globalization;
using System.Net;

namespace Timur.Networks;

public enum TransportProtocol
{
    Tcp, Udp,
}

/// <summary>One published port as it was asked for.</summary>
/// <param name="HostAddress">Null: every address of the host.</param>
/// <param name="HostPort">0: the kernel chooses.</param>
/// <param name="LastHostPort">Larger than <paramref name="HostPort"/> when any free port of a range will do.</param>
public sealed record PortMapping(IPAddress? HostAddress, ushort HostPort, ushort LastHostPort, ushort ContainerPort, TransportProtocol Protocol)
{
    private const string Forms = "write [ADDRESS:][HOST-PORT[-LAST]:]CONTAINER-PORT[-LAST][/tcp|udp], such as 8080:80 or 127.0.0.1:5353:53/udp";

    /// <summary>
    /// Parses Docker's forms: <c>80</c>, <c>8080:80</c>, <c>8000-8010:80-90</c>, <c>8000-8010:80</c>, <c>127.0.0.1:8080:80/udp</c>,
    /// <c>127.0.0.1::80</c>, <c>[::1]:8080:80</c>; ranges become one mapping for each port.
    /// </summary>
    public static IReadOnlyList<PortMapping> Parse(string text)
    {
        string rest = text;
        TransportProtocol protocol = TakeProtocol(ref rest, text);
        IPAddress? address = TakeAddress(ref rest, text);
        int colon = rest.IndexOf(':');
        if (colon >= 0 && rest.IndexOf(':', colon + 1) >= 0)
        {
            throw Bad(text, "too many colons; an IPv6 address belongs in brackets");
        }

        (ushort First, ushort Last) container = ParseRange(rest[(colon + 1)..], text);
        string hostText = colon < 0 ? "" : rest[..colon];
        if (hostText.Length == 0)
        {
            return Expand(container, port => new PortMapping(address, 0, 0, port, protocol));
        }

        (ushort First, ushort Last) host = ParseRange(hostText, text);
        if (container.First == container.Last)
        {
            return [new PortMapping(address, host.First, host.Last, container.First, protocol)];
        }

        if (host.Last - host.First != container.Last - container.First)
        {
            throw Bad(text, $"{host.Last - host.First + 1} host ports for {container.Last - container.First + 1} container ports");
        }

        return Expand(container, port =>
        {
            ushort hostPort = (ushort)(host.First + (port - container.First));
            return new PortMapping(address, hostPort, hostPort, port, protocol);
        });
    }

    private static TransportProtocol TakeProtocol(ref string rest, string text)
    {
        int slash = rest.LastIndexOf('/');
        string name = slash < 0 ? "tcp" : rest[(slash + 1)..].ToLowerInvariant();
        rest = slash < 0 ? rest : rest[..slash];
        return name switch
        {
            "tcp" => TransportProtocol.Tcp,
            "udp" => TransportProtocol.Udp,
            "sctp" => throw Bad(text, "SCTP can't be published"),
            _ => throw Bad(text, $"'{name}' isn't a protocol"),
        };
    }

    // What stands before the last two fields is the address; without a second colon there is none.
    private static IPAddress? TakeAddress(ref string rest, string text)
    {
        int end;
        string name;
        if (rest.StartsWith('['))
        {
            end = rest.IndexOf("]:", StringComparison.Ordinal);
            name = end < 0 ? throw Bad(text, "the bracket isn't closed before a colon") : rest[1..end];
            end++;
        }
        else
        {
            end = rest.IndexOf(':');
            if (end < 0 || rest.IndexOf(':', end + 1) < 0)
            {
                return null;
            }

            name = rest[..end];
        }

        rest = rest[(end + 1)..];
        if (!rest.Contains(':'))
        {
            throw Bad(text, "an address needs a host port, which may be empty, and a container port");
        }

        if (name.Length == 0)
        {
            return null;
        }

        return IPAddress.TryParse(name, out IPAddress? address) && (name.Contains(':') || Ipv4Subnet.TryParseAddress(name, out _))
            ? address
            : throw Bad(text, $"'{name}' isn't an address");
    }

    private static (ushort First, ushort Last) ParseRange(string range, string text)
    {
        int dash = range.IndexOf('-');
        ushort first = ParsePort(dash < 0 ? range : range[..dash], text);
        ushort last = dash < 0 ? first : ParsePort(range[(dash + 1)..], text);
        return last >= first ? (first, last) : throw Bad(text, $"the range {range} runs backwards");
    }

    private static ushort ParsePort(string port, string text)
        => ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) && number > 0
            ? number
            : throw Bad(text, $"'{port}' isn't a port (1 to 65535)");

    private static PortMapping[] Expand((ushort First, ushort Last) range, Func<ushort, PortMapping> make)
    {
        var mappings = new PortMapping[range.Last - range.First + 1];
        for (int i = 0; i < mappings.Length; i++)
        {
            mappings[i] = make((ushort)(range.First + i));
        }

        return mappings;
    }

    private static Failure Bad(string text, string why) => new($"--publish {text}: {why}", Forms);
}

/// <summary>A port that is published; a mapping for every address of the host makes one of these for each family.</summary>
/// <param name="HostAddress"><c>0.0.0.0</c> and <c>::</c> stand for every address.</param>
public sealed record PublishedPort(string HostAddress, ushort HostPort, ushort ContainerPort, TransportProtocol Protocol);
