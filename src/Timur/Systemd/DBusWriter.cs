using System.Buffers.Binary;
using System.Text;

namespace Timur.Systemd;

/// <summary>Values in D-Bus's wire format, little endian, each at a multiple of its size (D-Bus specification, Marshalling).</summary>
internal sealed class DBusWriter
{
    private readonly List<byte> _bytes = [];

    internal byte[] ToBytes() => [.. _bytes];

    internal int Length => _bytes.Count;

    internal void Align(int size)
    {
        while (_bytes.Count % size != 0)
        {
            _bytes.Add(0);
        }
    }

    internal void Byte(byte value) => _bytes.Add(value);

    internal void Boolean(bool value) => Unsigned(value ? 1u : 0);

    internal void Unsigned(uint value)
    {
        Align(4);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        _bytes.AddRange(bytes);
    }

    internal void Unsigned(ulong value)
    {
        Align(8);
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _bytes.AddRange(bytes);
    }

    internal void Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Unsigned((uint)bytes.Length);
        _bytes.AddRange(bytes);
        _bytes.Add(0);
    }

    internal void Signature(string signature)
    {
        _bytes.Add((byte)signature.Length);
        _bytes.AddRange(Encoding.ASCII.GetBytes(signature));
        _bytes.Add(0);
    }

    /// <param name="alignment">Of one item: 8 for structures.</param>
    internal void Array(int alignment, Action items)
    {
        Unsigned(0);
        int length = _bytes.Count - 4;
        Align(alignment);
        int start = _bytes.Count;
        items();
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)(_bytes.Count - start));
        for (int i = 0; i < 4; i++)
        {
            _bytes[length + i] = bytes[i];
        }
    }
}
