using Timur.Engine.Monitoring;
using Timur.Kernel;

namespace Timur.Engine;

/// <summary>How a terminal or a pipe is connected to a container.</summary>
/// <param name="Tty">The container has a terminal.</param>
/// <param name="SendInput">Standard input goes to the container.</param>
/// <param name="ForwardSignals">Signals to this process go to the container's first process.</param>
/// <param name="DetachKeys">Bytes that end the connection and leave the container alone; empty for none.</param>
public sealed record AttachOptions(bool Tty, bool SendInput, bool ForwardSignals, byte[] DetachKeys)
{
    /// <summary>Output isn't shown; only the end counts.</summary>
    public bool Silent { get; init; }
}

/// <summary>Why an attachment ended.</summary>
public enum AttachEnd
{
    /// <summary>The container ended.</summary>
    Ended,

    /// <summary>The detach keys were typed.</summary>
    Detached,

    /// <summary>The monitor is gone without a word.</summary>
    Lost,
}

/// <summary>This process's standard streams, connected to a container's monitor until one of them ends.</summary>
public sealed class Attachment : IDisposable
{
    private const int SocketKey = 0;
    private const int InputKey = 1;
    private const int SignalKey = 2;

    private static readonly int[] Forwarded = [1, 2, 3, 10, 12, 15, Signals.WindowChange, 18];

    private readonly Fd _socket;
    private readonly AttachOptions _options;
    private readonly Epoll _epoll = new();
    private readonly Fd _input = Descriptors.Standard(0);
    private readonly Fd _output = Descriptors.Standard(1);
    private readonly Fd _error = Descriptors.Standard(2);
    private readonly SignalPipe _signals;
    private readonly NativeBuffer _buffer = new(AttachProtocol.MaximumContent + 1);
    private readonly Func<int> _pid;
    private int _typedKeys;
    private bool _outputGone;
    private bool _inputEnded;

    /// <param name="pid">The container's first process, when a signal has to go there.</param>
    public Attachment(Fd socket, AttachOptions options, Func<int> pid)
    {
        _socket = socket;
        _options = options;
        _pid = pid;
        _signals = options.ForwardSignals || options.Tty ? new SignalPipe(Forwarded) : new SignalPipe(Signals.WindowChange);
    }

    /// <summary>Exit code of the container, when it ended.</summary>
    public int ExitCode { get; private set; }

    /// <summary>A process of the container was killed for want of memory.</summary>
    public bool OutOfMemory { get; private set; }

    private Span<byte> Packet => _buffer.Span;

    /// <summary>Relays until the end.</summary>
    public AttachEnd Run()
    {
        using TerminalMode? raw = _options is { Tty: true, SendInput: true } ? Terminal.MakeRaw(_input) : null;
        _epoll.Add(_socket, SocketKey);
        _epoll.Add(_signals.Descriptor, SignalKey);
        if (_options.SendInput && !TryWatchInput())
        {
            return RelayFileInput();
        }

        SendSize();
        return Loop();
    }

    public void Dispose()
    {
        _signals.Dispose();
        _buffer.Dispose();
        _epoll.Dispose();
    }

    private AttachEnd Loop()
    {
        Span<(int Key, Ready Events)> events = stackalloc (int, Ready)[4];
        while (true)
        {
            int count = _epoll.Wait(events);
            for (int i = 0; i < count; i++)
            {
                AttachEnd? end = events[i].Key switch
                {
                    SocketKey => ReceivePacket(),
                    InputKey => SendInput(),
                    _ => ForwardSignal(),
                };
                if (end is { } reason)
                {
                    return reason;
                }
            }
        }
    }

    /// <summary>Regular files can't be watched (EPERM): their bytes are sent at once.</summary>
    private bool TryWatchInput()
    {
        try
        {
            _epoll.Add(_input, InputKey);
            return true;
        }
        catch (SyscallException e) when (e.Errno == Errno.EPERM)
        {
            return false;
        }
    }

    private AttachEnd RelayFileInput()
    {
        while (SendInput() is null && !_inputEnded)
        {
        }

        return Loop();
    }

    private AttachEnd? ReceivePacket()
    {
        int count = Sockets.TryReceive(_socket, Packet, [], out _);
        if (count <= 0)
        {
            return AttachEnd.Lost;
        }

        switch (Packet[0])
        {
            case AttachProtocol.Output: Write(_output, count); return null;
            case AttachProtocol.Error: Write(_error, count); return null;
            case AttachProtocol.Ended:
                (ExitCode, int outOfMemory) = AttachProtocol.Numbers(Packet);
                OutOfMemory = outOfMemory != 0;
                return AttachEnd.Ended;
            default: return null;
        }
    }

    /// <summary>When nobody reads our output any more, the container goes on and its log has the rest.</summary>
    private void Write(Fd stream, int count)
    {
        if (!_outputGone && !_options.Silent && !Files.TryWrite(stream, Packet.Slice(1, count - 1), out Errno why) && why == Errno.EPIPE)
        {
            _outputGone = true;
        }
    }

    private AttachEnd? SendInput()
    {
        int count = Files.TryRead(_input, Packet[1..], out Errno why);
        if (count < 0 && why == Errno.EAGAIN)
        {
            return null;
        }

        if (count <= 0)
        {
            _inputEnded = true;
            _epoll.Remove(_input);
            Sockets.TrySend(_socket, [AttachProtocol.InputEnd], [], out _);
            return null;
        }

        if (_options.Tty && SawDetachKeys(Packet.Slice(1, count)))
        {
            return AttachEnd.Detached;
        }

        Packet[0] = AttachProtocol.Input;
        Sockets.TrySend(_socket, Packet.Slice(0, count + 1), [], out _);
        return null;
    }

    private bool SawDetachKeys(ReadOnlySpan<byte> typed)
    {
        foreach (byte key in typed)
        {
            if (_options.DetachKeys.Length == 0)
            {
                return false;
            }

            _typedKeys = key == _options.DetachKeys[_typedKeys] ? _typedKeys + 1 : key == _options.DetachKeys[0] ? 1 : 0;
            if (_typedKeys == _options.DetachKeys.Length)
            {
                return true;
            }
        }

        return false;
    }

    private AttachEnd? ForwardSignal()
    {
        int signal = _signals.Next();
        if (signal == Signals.WindowChange)
        {
            SendSize();
        }
        else if (signal > 0 && _options.ForwardSignals && _pid() is var pid and > 0)
        {
            Processes.TryKill(pid, signal, out _);
        }

        return null;
    }

    private void SendSize()
    {
        if (_options.Tty && Terminal.Size(_input) is { } size)
        {
            AttachProtocol.Send(_socket, AttachProtocol.Resize, size.Rows, size.Columns);
        }
    }
}
