using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.State;

namespace Timur.Engine.Monitoring;

/// <summary>
/// A container's standard streams or terminal, its log, and the clients that watch it; one epoll loop until the container ends.
/// </summary>
internal sealed class MonitorStreams : IDisposable
{
    private const int EndKey = 0;
    private const int OutputKey = 1;
    private const int ErrorKey = 2;
    private const int ListenerKey = 3;
    private const int InputKey = 4;
    private const int FirstClientKey = 16;

    private readonly MonitorOrder _order;
    private readonly Epoll _epoll = new();
    private readonly Dictionary<int, Fd> _clients = [];
    private readonly LogWriter? _log;
    private readonly Fd _listener;
    private readonly string _socketDirectory;
    private readonly NativeBuffer _buffer = new(AttachProtocol.MaximumContent + 1);
    private int _nextClient = FirstClientKey;
    private Fd? _terminal;
    private Fd? _input;
    private Fd? _output;
    private Fd? _error;
    private Fd? _childInput;
    private Fd? _childOutput;
    private Fd? _childError;
    private byte[] _pendingInput = [];
    private bool _inputEnds;
    private bool _waitingToWrite;

    internal MonitorStreams(MonitorOrder order, DataPaths paths, Fd starter)
    {
        _order = order;
        _log = order.KeepLog ? new LogWriter($"{paths.Container(order.Id)}/log", order.LogMaximumSize, order.LogMaximumFiles) : null;
        _socketDirectory = paths.RunContainer(order.Id);
        Directories.Create(_socketDirectory, 0x1C0);
        _listener = Sockets.Listen(_socketDirectory + "/attach", SocketKind.SequencedPacket);
        if (order.Attached)
        {
            _clients[_nextClient++] = starter;
        }

        if (!order.Tty)
        {
            OpenPipes();
        }
    }

    private Span<byte> Packet => _buffer.Span;

    /// <summary>Standard streams for the launch program; a terminal comes at its synchronisation.</summary>
    internal void AddSlots(List<(Slot, Fd)> slots)
    {
        if (!_order.Tty)
        {
            slots.Add((Slot.Input, _childInput!));
            slots.Add((Slot.Output, _childOutput!));
            slots.Add((Slot.Error, _childError!));
        }
    }

    internal void OnSync(SyncPoint point)
    {
        _terminal = point.TakeDescriptor();
        if (_order.Rows > 0)
        {
            Terminal.SetSize(_terminal, new TerminalSize(_order.Rows, _order.Columns));
        }
    }

    internal void CloseChildEnds()
    {
        _childInput?.Dispose();
        _childOutput?.Dispose();
        _childError?.Dispose();
    }

    /// <summary>Serves until the process ends.</summary>
    internal void Relay(Launched launched)
    {
        _epoll.Add(launched.Process, EndKey);
        _epoll.Add(_listener, ListenerKey);
        Watch(_terminal ?? _output, OutputKey);
        Watch(_error, ErrorKey);
        foreach ((int key, Fd client) in _clients)
        {
            _epoll.Add(client, key);
        }

        Span<(int Key, Ready Events)> events = stackalloc (int, Ready)[16];
        while (true)
        {
            int count = _epoll.Wait(events);
            for (int i = 0; i < count; i++)
            {
                if (events[i].Key == EndKey)
                {
                    return;
                }

                Handle(events[i].Key);
            }
        }
    }

    /// <summary>What the ended process left in its pipes. Another process may still hold them: nothing is waited for.</summary>
    internal void Drain()
    {
        while (Forward(_terminal ?? _output, OutputKey))
        {
        }

        while (Forward(_error, ErrorKey))
        {
        }
    }

    /// <summary>Tells every client the exit code; the last thing a monitor does.</summary>
    internal void Announce(int code, bool outOfMemory)
    {
        Files.TryUnlink(_socketDirectory + "/attach", out _);
        Directories.TryRemove(_socketDirectory, out _);
        foreach (Fd client in _clients.Values)
        {
            AttachProtocol.Send(client, AttachProtocol.Ended, code, outOfMemory ? 1 : 0);
        }
    }

    public void Dispose()
    {
        _log?.Dispose();
        _buffer.Dispose();
        _listener.Dispose();
        _epoll.Dispose();
    }

    private void OpenPipes()
    {
        (_output, _childOutput) = Sockets.Pipe();
        (_error, _childError) = Sockets.Pipe();
        Descriptors.SetNonBlocking(_output);
        Descriptors.SetNonBlocking(_error);
        if (_order.Interactive)
        {
            (_childInput, _input) = Sockets.Pipe();
            Descriptors.SetNonBlocking(_input);
        }
        else
        {
            _childInput = Files.Open("/dev/null", Open.Read);
        }
    }

    private void Watch(Fd? fd, int key)
    {
        if (fd is null)
        {
            return;
        }

        if (key == OutputKey && _terminal is not null)
        {
            Descriptors.SetNonBlocking(_terminal);
        }

        _epoll.Add(fd, key);
    }

    private void Handle(int key)
    {
        switch (key)
        {
            case OutputKey:
                Forward(_terminal ?? _output, key);
                if (_waitingToWrite && _terminal is not null)
                {
                    FlushInput();
                }

                break;
            case ErrorKey: Forward(_error, key); break;
            case ListenerKey: Accept(); break;
            case InputKey: FlushInput(); break;
            default: Listen(key); break;
        }
    }

    /// <summary>One read from the container to the log and every client; false when there is nothing now or ever.</summary>
    private bool Forward(Fd? from, int key)
    {
        if (from is null || from.IsClosed)
        {
            return false;
        }

        int count = Files.TryRead(from, Packet[1..], out Errno why);
        if (count <= 0)
        {
            if (count == 0 || why != Errno.EAGAIN)
            {
                // EIO is how a terminal says that its last user is gone.
                _epoll.Remove(from);
            }

            return false;
        }

        Packet[0] = key == ErrorKey ? AttachProtocol.Error : AttachProtocol.Output;
        _log?.Write(key == ErrorKey ? "stderr" : "stdout", Packet.Slice(1, count));
        foreach ((int client, Fd socket) in _clients)
        {
            if (!Sockets.TrySend(socket, Packet.Slice(0, count + 1), [], out _))
            {
                Drop(client);
                break;
            }
        }

        return true;
    }

    private void Accept()
    {
        if (Sockets.TryAccept(_listener, out _) is { } client)
        {
            _clients[_nextClient] = client;
            _epoll.Add(client, _nextClient++);
            AttachProtocol.Send(client, AttachProtocol.Launched, 0);
        }
    }

    private void Drop(int key)
    {
        if (_clients.Remove(key, out Fd? client))
        {
            _epoll.Remove(client);
            client.Dispose();
        }
    }

    private void Listen(int key)
    {
        if (!_clients.TryGetValue(key, out Fd? client))
        {
            return;
        }

        int count = Sockets.TryReceive(client, Packet, [], out _);
        if (count <= 0)
        {
            Drop(key);
            return;
        }

        switch (Packet[0])
        {
            case AttachProtocol.Input:
                _pendingInput = [.. _pendingInput, .. Packet.Slice(1, count - 1)];
                FlushInput();
                break;
            // Only whoever started it ends its input: a later visitor may go and another may come.
            case AttachProtocol.InputEnd when _order.Attached && key == FirstClientKey:
                _inputEnds = true;
                FlushInput();
                break;
            case AttachProtocol.Resize when _terminal is not null && count >= 9:
                (int rows, int columns) = AttachProtocol.Numbers(Packet);
                Terminal.SetSize(_terminal, new TerminalSize((ushort)rows, (ushort)columns));
                break;
        }
    }

    /// <summary>Writes what it can; while something is left, clients are not listened to.</summary>
    private void FlushInput()
    {
        Fd? target = _terminal ?? _input;
        if (target is null || target.IsClosed)
        {
            _pendingInput = [];
            return;
        }

        bool wasWaiting = _pendingInput.Length > 0 && _waitingToWrite;
        int written = Files.TryWriteSome(target, _pendingInput, out Errno why);
        _pendingInput = written >= 0 ? _pendingInput[written..] : why == Errno.EAGAIN ? _pendingInput : [];
        bool waits = _pendingInput.Length > 0;
        if (waits != _waitingToWrite)
        {
            _waitingToWrite = waits;
            WatchForWriting(target, waits);
        }

        if (!waits && _inputEnds && _input is not null)
        {
            if (wasWaiting)
            {
                _epoll.Remove(_input);
            }

            _input.Dispose();
        }
    }

    private void WatchForWriting(Fd target, bool on)
    {
        if (ReferenceEquals(target, _terminal))
        {
            _epoll.Change(target, OutputKey, on ? Ready.Read | Ready.Write : Ready.Read);
        }
        else if (on)
        {
            _epoll.Add(target, InputKey, Ready.Write);
        }
        else
        {
            _epoll.Remove(target);
        }

        foreach ((int key, Fd client) in _clients)
        {
            if (on)
            {
                _epoll.Remove(client);
            }
            else
            {
                _epoll.Add(client, key);
            }
        }
    }
}
