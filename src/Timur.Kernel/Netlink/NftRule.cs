using System.Text;

namespace Timur.Kernel.Netlink;

/// <summary>Address families in nftables expressions.</summary>
public enum NftFamily
{
    Ipv4 = 2, Ipv6 = 10,
}

/// <summary>
/// The expressions of one rule, in order; each condition that doesn't hold ends the rule. Registers are the 32-bit ones, counted from 0
/// (linux/netfilter/nf_tables.h, NFT_REG32_00 and on).
/// </summary>
public sealed class NftRule(NetlinkWriter writer)
{
    private const uint FirstRegister = 8;
    private const int MetaInName = 6;
    private const int MetaOutName = 7;
    private const int MetaFamily = 15;
    private const int MetaProtocol = 16;
    private const uint Equal = 0;
    private const uint NotEqual = 1;

    /// <summary>The packet is of this family.</summary>
    public NftRule Family(NftFamily family) => Meta(MetaFamily, 0).Compare(Equal, [(byte)family]);

    /// <summary>The packet comes in by the link, or by any other.</summary>
    public NftRule From(string link, bool not = false) => Meta(MetaInName, 0).Compare(not ? NotEqual : Equal, LinkName(link));

    /// <summary>The packet leaves by the link, or by any other.</summary>
    public NftRule To(string link, bool not = false) => Meta(MetaOutName, 0).Compare(not ? NotEqual : Equal, LinkName(link));

    /// <summary>The source address (4 or 16 bytes) begins with these bits.</summary>
    public NftRule SourceIn(byte[] prefix, int bits) => AddressIn(prefix, bits, prefix.Length == 4 ? 12 : 8);

    /// <summary>The destination address (4 or 16 bytes) begins with these bits.</summary>
    public NftRule DestinationIn(byte[] prefix, int bits) => AddressIn(prefix, bits, prefix.Length == 4 ? 16 : 24);

    /// <summary>The destination is an address of this host.</summary>
    public NftRule DestinationIsLocal()
    {
        const uint flagDestination = 2;
        const uint resultType = 3;
        const byte typeLocal = 2;
        Expression("fib", w => w.NetworkNumber(1, FirstRegister).NetworkNumber(2, resultType).NetworkNumber(3, flagDestination));
        return Compare(Equal, [typeLocal, 0, 0, 0]);
    }

    /// <summary>The connection was accepted before, or belongs to one that was.</summary>
    public NftRule EstablishedOrRelated() => ConnectionBits(key: 0, bits: 2 | 4);

    /// <summary>The connection's destination was translated.</summary>
    public NftRule DestinationTranslated() => ConnectionBits(key: 2, bits: 0x20);

    /// <summary>Loads the destination address into registers from <paramref name="register"/>; returns the rule.</summary>
    public NftRule LoadDestination(NftFamily family, int register)
        => family == NftFamily.Ipv4 ? Payload(1, 16, 4, register) : Payload(1, 24, 16, register);

    /// <summary>Loads the transport protocol's number.</summary>
    public NftRule LoadProtocol(int register) => Meta(MetaProtocol, register);

    /// <summary>Loads the destination port.</summary>
    public NftRule LoadDestinationPort(int register) => Payload(2, 2, 2, register);

    /// <summary>Looks the registers from 0 up in a map and puts the data found into the registers from 0.</summary>
    public NftRule Lookup(string map) => Expression("lookup", w => w.Attribute(1, map).NetworkNumber(2, FirstRegister).NetworkNumber(3, FirstRegister));

    /// <summary>Translates the destination to the address and port in registers.</summary>
    public NftRule TranslateDestination(NftFamily family, int addressRegister, int portRegister) => Expression("nat", w =>
    {
        const uint destination = 1;
        w.NetworkNumber(1, destination).NetworkNumber(2, (uint)family);
        w.NetworkNumber(3, FirstRegister + (uint)addressRegister).NetworkNumber(5, FirstRegister + (uint)portRegister);
    });

    /// <summary>The source becomes the address of the link that the packet leaves by.</summary>
    public NftRule Masquerade() => Expression("masq", _ => { });

    public NftRule Accept() => Verdict(1);

    public NftRule Drop() => Verdict(0);

    /// <summary>Leaves the chain.</summary>
    public NftRule Return() => Verdict(-5);

    private NftRule Verdict(int code) => Expression("immediate", w =>
    {
        w.NetworkNumber(1, 0);
        int data = w.Nest(2);
        int verdict = w.Nest(2);
        w.NetworkNumber(1, unchecked((uint)code)).Close(verdict).Close(data);
    });

    private NftRule AddressIn(byte[] prefix, int bits, int offset)
    {
        byte[] mask = new byte[prefix.Length];
        for (int bit = 0; bit < bits; bit++)
        {
            mask[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        byte[] wanted = new byte[prefix.Length];
        for (int i = 0; i < wanted.Length; i++)
        {
            wanted[i] = (byte)(prefix[i] & mask[i]);
        }

        return Payload(1, offset, prefix.Length, 0).And(mask).Compare(Equal, wanted);
    }

    private NftRule ConnectionBits(uint key, byte bits)
    {
        Expression("ct", w => w.NetworkNumber(1, FirstRegister).NetworkNumber(2, key));
        return And([bits, 0, 0, 0]).Compare(NotEqual, [0, 0, 0, 0]);
    }

    private NftRule Meta(uint key, int register) => Expression("meta", w => w.NetworkNumber(1, FirstRegister + (uint)register).NetworkNumber(2, key));

    private NftRule Payload(uint @base, int offset, int length, int register) => Expression("payload", w =>
        w.NetworkNumber(1, FirstRegister + (uint)register).NetworkNumber(2, @base).NetworkNumber(3, (uint)offset).NetworkNumber(4, (uint)length));

    private NftRule And(byte[] mask) => Expression("bitwise", w =>
    {
        w.NetworkNumber(1, FirstRegister).NetworkNumber(2, FirstRegister).NetworkNumber(3, (uint)mask.Length);
        Data(w, 4, mask);
        Data(w, 5, new byte[mask.Length]);
    });

    private NftRule Compare(uint operation, byte[] value) => Expression("cmp", w =>
    {
        w.NetworkNumber(1, FirstRegister).NetworkNumber(2, operation);
        Data(w, 3, value);
    });

    private static void Data(NetlinkWriter w, ushort type, byte[] value)
    {
        int nest = w.Nest(type);
        w.Attribute(1, value).Close(nest);
    }

    private NftRule Expression(string name, Action<NetlinkWriter> build)
    {
        int item = writer.Nest(1);
        writer.Attribute(1, name);
        int data = writer.Nest(2);
        build(writer);
        writer.Close(data).Close(item);
        return this;
    }

    // A name fills the whole register (IFNAMSIZ is 16): without the zeroes it would match as a prefix.
    private static byte[] LinkName(string link)
    {
        byte[] name = new byte[16];
        Encoding.ASCII.GetBytes(link, name);
        return name;
    }
}
