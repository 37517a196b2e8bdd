using System.Text;

namespace Timur.Runtime.Criu;

/// <summary>A protocol buffer's fields by number; of one that comes twice the last counts.</summary>
internal sealed class ProtobufReader
{
    private readonly Dictionary<int, ulong> _numbers = [];
    private readonly Dictionary<int, byte[]> _bytes = [];

    /// <summary>Complains with a <see cref="Failure"/> about what isn't one.</summary>
    internal ProtobufReader(ReadOnlySpan<byte> message)
    {
        while (message.Length > 0)
        {
            ulong tag = Variable(ref message);
            int field = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    _numbers[field] = Variable(ref message);
                    break;
                case 1:
                    message = Rest(message, 8);
                    break;
                case 2:
                    int length = (int)Math.Min(Variable(ref message), int.MaxValue);
                    ReadOnlySpan<byte> rest = Rest(message, length);
                    _bytes[field] = message[..length].ToArray();
                    message = rest;
                    break;
                case 5:
                    message = Rest(message, 4);
                    break;
                default:
                    throw Malformed();
            }
        }
    }

    internal long? Number(int field) => _numbers.TryGetValue(field, out ulong number) ? (long)number : null;

    internal bool Flag(int field) => Number(field) is not (null or 0);

    internal string? Text(int field) => _bytes.TryGetValue(field, out byte[]? bytes) ? Encoding.UTF8.GetString(bytes) : null;

    internal ProtobufReader? Message(int field) => _bytes.TryGetValue(field, out byte[]? bytes) ? new ProtobufReader(bytes) : null;

    private static ReadOnlySpan<byte> Rest(ReadOnlySpan<byte> message, int length) => length <= message.Length ? message[length..] : throw Malformed();

    private static ulong Variable(ref ReadOnlySpan<byte> message)
    {
        ulong value = 0;
        for (int i = 0; i < 10 && i < message.Length; i++)
        {
            value |= (ulong)(message[i] & 0x7f) << (7 * i);
            if (message[i] < 0x80)
            {
                message = message[(i + 1)..];
                return value;
            }
        }

        throw Malformed();
    }

    private static Failure Malformed() => new("criu: its answer can't be read", "it may be of a version that this program doesn't know", 1);
}
