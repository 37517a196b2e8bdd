using Timur.Kernel;

namespace Timur.Networks;

/// <summary>What a container wants of its network.</summary>
/// <param name="Ipv4">A certain address (<c>--ip</c>), or null for any.</param>
/// <param name="Ports">What <c>--publish</c> asked for, parsed.</param>
public sealed record NetworkRequest(string? Ipv4, IReadOnlyList<PortMapping> Ports)
{
    /// <summary>Any address, nothing published.</summary>
    public static NetworkRequest Plain { get; } = new(null, []);
}

/// <summary>A container's part in a network. Dispose closes the descriptors; the kernel's objects stay until <see cref="HostNetwork.Release"/>.</summary>
/// <param name="Namespace">Its network namespace, complete: the launcher only joins it.</param>
/// <param name="PrefixLength">Of the IPv4 address, in bits; IPv6 has 64.</param>
/// <param name="Ipv6">Null where the host has no IPv6.</param>
/// <param name="MacAddress">Six pairs of hexadecimal digits with colons.</param>
/// <param name="Reservations">Bound sockets that hold the published ports against other programs for as long as they are open.</param>
public sealed record NetworkAttachment(
    Fd Namespace, string Network, string Ipv4, int PrefixLength, string Gateway4, string? Ipv6, string? Gateway6, string MacAddress,
    IReadOnlyList<PublishedPort> Ports, IReadOnlyList<Fd> Reservations) : IDisposable
{
    public void Dispose()
    {
        Namespace.Dispose();
        foreach (Fd reservation in Reservations)
        {
            reservation.Dispose();
        }
    }
}
