using System.Buffers.Binary;
using Timur.Kernel;

namespace Timur.Engine.Monitoring;

/// <summary>
/// What a monitor and its clients say to each other over a sequenced-packet socket: one byte of kind, then the content. Packets hold at most
/// <see cref="MaximumContent"/> bytes of a stream.
/// </summary>
public static class AttachProtocol
{
    public const int MaximumContent = 32 * 1024;

    /// <summary>Client to monitor: bytes for standard input.</summary>
    public const byte Input = (byte)'i';

    /// <summary>Client to monitor: standard input has ended.</summary>
    public const byte InputEnd = (byte)'e';

    /// <summary>Client to monitor: rows and columns, two little-endian 16-bit numbers.</summary>
    public const byte Resize = (byte)'r';

    /// <summary>Monitor to client: bytes of standard output, or of the terminal.</summary>
    public const byte Output = (byte)'o';

    /// <summary>Monitor to client: bytes of standard error.</summary>
    public const byte Error = (byte)'E';

    /// <summary>Monitor to client: it runs; content is the process id, 32 bits.</summary>
    public const byte Launched = (byte)'L';

    /// <summary>Monitor to client: it couldn't be started; operation and errno, 32 bits each.</summary>
    public const byte LaunchFailed = (byte)'F';

    /// <summary>Monitor to client: something else went wrong; content is the message.</summary>
    public const byte MonitorFailed = (byte)'M';

    /// <summary>Monitor to client: it has ended and its traces are gone; content is the exit code and whether memory ran out, 32 bits each.</summary>
    public const byte Ended = (byte)'X';

    /// <summary>Sends a packet with one or two numbers.</summary>
    public static bool Send(Fd socket, byte kind, int first, int second = 0)
    {
        Span<byte> packet = stackalloc byte[9];
        packet[0] = kind;
        BinaryPrimitives.WriteInt32LittleEndian(packet[1..], first);
        BinaryPrimitives.WriteInt32LittleEndian(packet[5..], second);
        return Sockets.TrySend(socket, packet, [], out _);
    }

    /// <summary>The numbers of such a packet.</summary>
    public static (int First, int Second) Numbers(ReadOnlySpan<byte> packet)
        => (BinaryPrimitives.ReadInt32LittleEndian(packet[1..]), BinaryPrimitives.ReadInt32LittleEndian(packet[5..]));
}
