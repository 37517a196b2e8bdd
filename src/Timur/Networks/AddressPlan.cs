using Timur.Kernel;

namespace Timur.Networks;

/// <summary>Which blocks of addresses a network gets, and what follows from a container's IPv4 address.</summary>
internal static class AddressPlan
{
    /// <summary>Bits of a network's IPv6 prefix.</summary>
    internal const int Ipv6PrefixLength = 64;

    /// <summary>
    /// The first private block that no route of the host touches; null when all are in use. Blocks that other engines take by default
    /// (10.88/16, 10.89/16, 172.17/16) come late or not at all.
    /// </summary>
    internal static Ipv4Subnet? ChooseSubnet(IReadOnlyList<Ipv4Subnet> inUse)
    {
        foreach (Ipv4Subnet candidate in Candidates())
        {
            bool free = true;
            foreach (Ipv4Subnet used in inUse)
            {
                free &= !used.Overlaps(candidate);
            }

            if (free)
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>A unique local prefix of 8 bytes (RFC 4193): fd, 40 random bits, subnet 0.</summary>
    internal static byte[] CreateIpv6Prefix()
    {
        byte[] prefix = new byte[8];
        KernelRandom.Fill(prefix.AsSpan(1, 5));
        prefix[0] = 0xfd;
        return prefix;
    }

    /// <summary>The bridge's IPv6 address: the prefix and 1.</summary>
    internal static byte[] Ipv6Gateway(byte[] prefix) => [.. prefix, 0, 0, 0, 0, 0, 0, 0, 1];

    /// <summary>A container's IPv6 address: the prefix and its IPv4 address, so that one lease covers both.</summary>
    internal static byte[] Ipv6Address(byte[] prefix, uint ipv4) => [.. prefix, 0, 0, 0, 0, .. Ipv4Subnet.Bytes(ipv4)];

    /// <summary>A locally administered MAC address that follows the IPv4 one: a released and reused address keeps neighbours' caches right.</summary>
    internal static byte[] Mac(uint ipv4) => [0x02, 0x74, .. Ipv4Subnet.Bytes(ipv4)];

    private static IEnumerable<Ipv4Subnet> Candidates()
    {
        for (uint second = 90; second < 256; second++)
        {
            yield return new Ipv4Subnet((10u << 24) | (second << 16), 16);
        }

        for (uint second = 31; second >= 18; second--)
        {
            yield return new Ipv4Subnet((172u << 24) | (second << 16), 16);
        }

        for (uint third = 255; third > 0; third--)
        {
            yield return new Ipv4Subnet((192u << 24) | (168u << 16) | (third << 8), 24);
        }
    }
}
