using System.Buffers.Binary;
using System.Text;

namespace Timur.Kernel.Netlink;

/// <summary>
/// Builds netlink messages one after another in one buffer (netlink(7)): headers and attributes are aligned to 4 bytes, lengths are filled in when
/// a message or a nest ends. Kernel integers are in the machine's order (both architectures are little-endian); nftables wants big-endian ones.
/// </summary>
public sealed class NetlinkWriter
{
    private const int HeaderLength = 16;
    private const ushort NestedFlag = 0x8000;
    private byte[] _buffer = new byte[1024];
    private int _length;
    private int _message = -1;

    /// <summary>The sequence number of the last message that was begun; the first is 1.</summary>
    public uint Sequence { get; private set; }

    /// <summary>Everything built so far; the last message must have ended.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>Starts a message; its sequence number counts up.</summary>
    /// <param name="fixedPart">The structure that follows struct nlmsghdr, such as struct ifinfomsg.</param>
    public NetlinkWriter Begin(ushort type, NetlinkFlags flags, ReadOnlySpan<byte> fixedPart)
    {
        _message = _length;
        Span<byte> header = Take(HeaderLength);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], (ushort)flags);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], ++Sequence);
        Raw(fixedPart);
        return this;
    }

    /// <summary>Ends the message begun last.</summary>
    public NetlinkWriter End()
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_message), _length - _message);
        _message = -1;
        return this;
    }

    /// <summary>Bytes without an attribute header, padded to 4.</summary>
    public NetlinkWriter Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Take(bytes.Length));
        return this;
    }

    /// <summary>An attribute with these bytes.</summary>
    public NetlinkWriter Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        Span<byte> target = Take(4 + value.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], type);
        value.CopyTo(target[4..]);
        return this;
    }

    /// <summary>A zero-terminated string.</summary>
    public NetlinkWriter Attribute(ushort type, string value)
    {
        Span<byte> text = stackalloc byte[Encoding.UTF8.GetMaxByteCount(value.Length) + 1];
        int length = Encoding.UTF8.GetBytes(value, text);
        text[length] = 0;
        return Attribute(type, text[..(length + 1)]);
    }

    /// <summary>A 32-bit integer in the machine's order (rtnetlink).</summary>
    public NetlinkWriter Number(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Attribute(type, bytes);
    }

    /// <summary>A 32-bit integer in network order (nftables).</summary>
    public NetlinkWriter NetworkNumber(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return Attribute(type, bytes);
    }

    /// <summary>Starts an attribute that holds attributes; give the result to <see cref="Close"/>.</summary>
    public int Nest(ushort type)
    {
        int start = _length;
        Span<byte> header = Take(4);
        BinaryPrimitives.WriteUInt16LittleEndian(header[2..], (ushort)(type | NestedFlag));
        return start;
    }

    /// <summary>Ends a nest. An attribute holds less than 64 KiB.</summary>
    public NetlinkWriter Close(int nest)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(nest), checked((ushort)(_length - nest)));
        return this;
    }

    private Span<byte> Take(int count)
    {
        int padded = (count + 3) & ~3;
        if (_length + padded > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + padded));
        }

        Span<byte> taken = _buffer.AsSpan(_length, padded);
        taken[count..].Clear();
        _length += padded;
        return taken[..count];
    }
}

/// <summary>nlmsg_flags (linux/netlink.h).</summary>
[Flags]
public enum NetlinkFlags
{
    None = 0, Request = 1, Acknowledge = 4, Dump = 0x300, Replace = 0x100, Exclusive = 0x200, Create = 0x400, Append = 0x800,
}
