using System.Text;

namespace Timur.Runtime.Criu;

/// <summary>Fields of a protocol buffer (protobuf.dev, Encoding): variable-length numbers, and bytes with their length before them. What is null is left out.</summary>
internal sealed class ProtobufWriter
{
    private const int VariableLength = 0;
    private const int Delimited = 2;

    private readonly List<byte> _written = [];

    internal byte[] ToBytes() => [.. _written];

    internal ProtobufWriter Number(int field, long? value)
    {
        if (value is { } number)
        {
            Variable((ulong)(field << 3 | VariableLength));

            // A negative number takes ten bytes, as if it had 64 bits.
            Variable((ulong)number);
        }

        return this;
    }

    internal ProtobufWriter Flag(int field, bool value) => Number(field, value ? 1 : 0);

    internal ProtobufWriter Text(int field, string? text) => text is null ? this : Bytes(field, Encoding.UTF8.GetBytes(text));

    internal ProtobufWriter Texts(int field, IEnumerable<string> texts)
    {
        foreach (string text in texts)
        {
            Text(field, text);
        }

        return this;
    }

    internal ProtobufWriter Message(int field, ProtobufWriter? message) => message is null ? this : Bytes(field, message.ToBytes());

    private ProtobufWriter Bytes(int field, byte[] bytes)
    {
        Variable((ulong)(field << 3 | Delimited));
        Variable((ulong)bytes.Length);
        _written.AddRange(bytes);
        return this;
    }

    private void Variable(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            _written.Add((byte)(value | 0x80));
        }

        _written.Add((byte)value);
    }
}
