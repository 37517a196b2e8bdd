using System.Buffers.Binary;
using System.Text;

namespace Timur.Kernel.Netlink;

/// <summary>One received message: its type and what follows struct nlmsghdr.</summary>
public readonly record struct NetlinkMessage(ushort Type, uint Sequence, ReadOnlyMemory<byte> Body);

/// <summary>Walks attributes: <c>while (reader.Next()) switch (reader.Type)</c>.</summary>
public ref struct AttributeReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Without the flags for nesting and byte order.</summary>
    public ushort Type { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The value as 32 bits in the machine's order.</summary>
    public readonly uint Number => BinaryPrimitives.ReadUInt32LittleEndian(Value);

    /// <summary>The value as 32 bits in network order.</summary>
    public readonly uint NetworkNumber => BinaryPrimitives.ReadUInt32BigEndian(Value);

    /// <summary>The value as text up to its first zero byte.</summary>
    public readonly string Text => Encoding.UTF8.GetString(Value.IndexOf((byte)0) is var end and >= 0 ? Value[..end] : Value);

    /// <summary>False at the end, or where a length makes no sense.</summary>
    public bool Next()
    {
        if (_rest.Length < 4)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        if (length < 4 || length > _rest.Length)
        {
            return false;
        }

        Type = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]) & 0x3fff);
        Value = _rest[4..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];
        return true;
    }
}
