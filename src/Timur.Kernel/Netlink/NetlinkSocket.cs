using System.Buffers.Binary;

namespace Timur.Kernel.Netlink;

/// <summary>Netlink protocols (linux/netlink.h).</summary>
public enum NetlinkProtocol
{
    Route = 0, Netfilter = 12,
}

/// <summary>A message that the kernel refused.</summary>
/// <param name="Sequence">Which one, as <see cref="NetlinkWriter.Sequence"/> counted.</param>
/// <param name="Text">The kernel's own words (NLMSGERR_ATTR_MSG), or null.</param>
public readonly record struct NetlinkRefusal(uint Sequence, Errno Why, string? Text);

/// <summary>
/// A netlink socket; it belongs to the network namespace in which its thread was when it was opened and stays there. rtnetlink and nftables handle a
/// request inside sendmsg(2), so that all answers are in the receive queue when it returns.
/// </summary>
public sealed unsafe class NetlinkSocket : IDisposable
{
    private const int Family = 16;
    private const int RawKind = 3;
    private const int CloseOnExec = 0x80000;
    private const int Level = 270;
    private const int CapAcknowledge = 10;
    private const int ExtendedAcknowledge = 11;
    private const int DontWait = 0x40;
    private const int ErrorType = 2;
    private const int DoneType = 3;
    private readonly Fd _fd;
    private readonly byte[] _buffer = new byte[32768];

    private NetlinkSocket(Fd fd) => _fd = fd;

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    public static NetlinkSocket Open(NetlinkProtocol protocol)
    {
        var fd = new Fd((int)Sys.Check(Sys.Call(Nr.socket, Family, RawKind | CloseOnExec, (int)protocol), "socket(netlink)"));
        int on = 1;
        Sys.Call(Nr.setsockopt, fd.Raw, Level, CapAcknowledge, (long)&on, sizeof(int));
        Sys.Call(Nr.setsockopt, fd.Raw, Level, ExtendedAcknowledge, (long)&on, sizeof(int));
        return new NetlinkSocket(fd);
    }

    public void Dispose() => _fd.Dispose();

    /// <summary>Sends all messages at once; returns those that were refused, in the order of sending, which is empty when all is well.</summary>
    public List<NetlinkRefusal> Send(NetlinkWriter messages)
    {
        SendBytes(messages.Bytes);
        var refused = new List<NetlinkRefusal>();
        int count;
        while ((count = Receive(DontWait)) > 0)
        {
            for (int at = 0; TryNext(count, ref at, out NetlinkMessage message);)
            {
                if (message.Type == ErrorType && ReadError(message) is { Why: not Errno.None } refusal)
                {
                    refused.Add(refusal);
                }
            }
        }

        return refused;
    }

    /// <summary>Sends all messages; throws with the kernel's words when one of them is refused.</summary>
    public void Demand(NetlinkWriter messages, string what, string? target = null)
    {
        if (Send(messages) is { Count: > 0 } refused)
        {
            throw new SyscallException(refused[0].Text is { } text ? $"{what} ({text})" : what, refused[0].Why, target);
        }
    }

    /// <summary>Sends one request and collects its answers: one message, or all of a dump. Null and the reason when it is refused.</summary>
    public List<NetlinkMessage>? TryQuery(NetlinkWriter request, out Errno why)
    {
        SendBytes(request.Bytes);
        bool dump = (BinaryPrimitives.ReadUInt16LittleEndian(request.Bytes[6..]) & (int)NetlinkFlags.Dump) == (int)NetlinkFlags.Dump;
        var answers = new List<NetlinkMessage>();
        why = Errno.None;
        while (true)
        {
            int count = Receive(0);
            for (int at = 0; TryNext(count, ref at, out NetlinkMessage message);)
            {
                if (message.Type == ErrorType)
                {
                    why = ReadError(message).Why;
                    return why == Errno.None ? answers : null;
                }

                if (message.Type == DoneType)
                {
                    return answers;
                }

                answers.Add(message with { Body = message.Body.ToArray() });
            }

            if (!dump)
            {
                return answers;
            }
        }
    }

    private void SendBytes(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            Sys.Check(Sys.CallRetry(Nr.sendto, _fd.Raw, (long)start, bytes.Length, 0, 0, 0), "sendto(netlink)");
        }
    }

    private int Receive(int flags)
    {
        fixed (byte* start = _buffer)
        {
            long result = Sys.CallRetry(Nr.recvfrom, _fd.Raw, (long)start, _buffer.Length, flags, 0, 0);
            return result == -(int)Errno.EAGAIN ? 0 : (int)Sys.Check(result, "recvfrom(netlink)");
        }
    }

    private bool TryNext(int count, ref int at, out NetlinkMessage message)
    {
        message = default;
        if (at + 16 > count)
        {
            return false;
        }

        ReadOnlySpan<byte> header = _buffer.AsSpan(at);
        int length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length < 16 || at + length > count)
        {
            throw new SyscallException("recvfrom(netlink)", Errno.EPROTO);
        }

        message = new NetlinkMessage(
            BinaryPrimitives.ReadUInt16LittleEndian(header[4..]), BinaryPrimitives.ReadUInt32LittleEndian(header[8..]), _buffer.AsMemory(at + 16, length - 16));
        at += (length + 3) & ~3;
        return true;
    }

    // struct nlmsgerr: the negated errno, the header of the refused message, then attributes (NETLINK_CAP_ACK cut the rest of the request).
    private static NetlinkRefusal ReadError(NetlinkMessage message)
    {
        ReadOnlySpan<byte> body = message.Body.Span;
        string? text = null;
        if (body.Length > 20)
        {
            var attributes = new AttributeReader(body[20..]);
            while (attributes.Next())
            {
                text = attributes.Type == 1 ? attributes.Text : text;
            }
        }

        return new NetlinkRefusal(message.Sequence, (Errno)(-BinaryPrimitives.ReadInt32LittleEndian(body)), text);
    }
}
