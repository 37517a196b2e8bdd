using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Timur.Networks;

/// <summary>A block of IPv4 addresses; addresses are numbers with the first octet highest.</summary>
public readonly record struct Ipv4Subnet(uint First, int PrefixLength)
{
    /// <summary>How many addresses, the network's and the broadcast address included.</summary>
    public uint Size => PrefixLength == 0 ? uint.MaxValue : 1u << (32 - PrefixLength);

    public uint Last => First + (Size - 1);

    /// <summary>The first usable address: the bridge's.</summary>
    public uint Gateway => First + 1;

    public bool Overlaps(Ipv4Subnet other) => First <= other.Last && other.First <= Last;

    /// <summary>Whether a container may have the address: not the network's, the bridge's or the broadcast address.</summary>
    public bool IsAssignable(uint address) => address > Gateway && address < Last;

    /// <summary>Accepts <c>10.77.0.0/16</c>; bits behind the prefix must be zero.</summary>
    public static bool TryParse(string text, out Ipv4Subnet subnet)
    {
        subnet = default;
        int slash = text.IndexOf('/');
        if (slash < 0 || !TryParseAddress(text[..slash], out uint first)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int bits) || bits is < 1 or > 30)
        {
            return false;
        }

        subnet = new Ipv4Subnet(first, bits);
        return (first & (subnet.Size - 1)) == 0;
    }

    /// <summary>Accepts four decimal octets.</summary>
    public static bool TryParseAddress(string text, out uint address)
    {
        address = 0;
        if (text.AsSpan().Count('.') != 3 || !IPAddress.TryParse(text, out IPAddress? parsed) || parsed.AddressFamily != AddressFamily.InterNetwork)
        {
            return false;
        }

        address = BinaryPrimitives.ReadUInt32BigEndian(parsed.GetAddressBytes());
        return true;
    }

    /// <summary>As <see cref="TryParseAddress"/>, for addresses that this program wrote itself.</summary>
    internal static uint ParseAddress(string text) => TryParseAddress(text, out uint address) ? address : throw new FormatException($"'{text}' isn't an IPv4 address");

    /// <summary>Dotted decimal.</summary>
    public static string Format(uint address) => $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}";

    /// <summary>4 bytes in network order.</summary>
    public static byte[] Bytes(uint address) => [(byte)(address >> 24), (byte)(address >> 16), (byte)(address >> 8), (byte)address];

    public override string ToString() => $"{Format(First)}/{PrefixLength}";
}
