using System.Buffers.Binary;
using System.Text;

namespace Timur.Systemd;

/// <summary>Reads values in D-Bus's wire format. One that isn't there is a <see cref="Failure"/>.</summary>
internal sealed class DBusReader(byte[] bytes, int at = 0)
{
    private int _at = at;

    internal int At => _at;

    internal bool IsAtEnd => _at >= bytes.Length;

    internal void Align(int size) => _at = (_at + size - 1) / size * size;

    internal byte Byte() => Take(1)[0];

    internal uint Unsigned()
    {
        Align(4);
        return BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
    }

    internal string Text()
    {
        int length = (int)Math.Min(Unsigned(), int.MaxValue - 1);
        string text = Encoding.UTF8.GetString(Take(length));
        Take(1);
        return text;
    }

    internal string Signature()
    {
        int length = Byte();
        string text = Encoding.ASCII.GetString(Take(length));
        Take(1);
        return text;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > bytes.Length - _at)
        {
            throw new Failure("systemd's answer can't be read", "it isn't a D-Bus message", 1);
        }

        ReadOnlySpan<byte> part = bytes.AsSpan(_at, count);
        _at += count;
        return part;
    }
}
