using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Engine;

/// <summary>Takes a piece of what a step wrote.</summary>
public delegate void StepOutput(ReadOnlySpan<byte> bytes, bool isError);

/// <summary>The standard streams of a step: pipes that are read until its end, or this process's terminal.</summary>
internal sealed class StepStreams : IDisposable
{
    private const int EndKey = 0;
    private const int OutputKey = 1;
    private const int ErrorKey = 2;

    private readonly StepOutput? _take;
    private readonly List<Fd> _childEnds = [];
    private readonly Fd? _output;
    private readonly Fd? _error;
    private Fd? _terminal;

    internal StepStreams(StepOutput? take)
    {
        _take = take;
        if (take is null)
        {
            return;
        }

        (_output, Fd childOutput) = Sockets.Pipe();
        (_error, Fd childError) = Sockets.Pipe();
        Descriptors.SetNonBlocking(_output);
        Descriptors.SetNonBlocking(_error);
        _childEnds.AddRange([Files.Open("/dev/null", Open.Read), childOutput, childError]);
    }

    internal IEnumerable<(Slot, Fd)> Slots => _childEnds.Zip([Slot.Input, Slot.Output, Slot.Error], (fd, slot) => (slot, fd));

    internal void TakeTerminal(SyncPoint point)
    {
        _terminal = point.TakeDescriptor();
        if (Terminal.Size(Descriptors.Standard(0)) is { } size)
        {
            Terminal.SetSize(_terminal, size);
        }
    }

    /// <summary>Until the process has ended; then its exit code. A cancelled one is killed.</summary>
    internal int Relay(Launched launched, CancellationToken cancel)
    {
        _childEnds.ForEach(fd => fd.Dispose());
        using CancellationTokenRegistration killing = cancel.Register(() => Processes.TryKill(launched.Process, Signals.Kill, out _));
        if (_terminal is not null)
        {
            TerminalRelay.Run(_terminal, launched.Process, sendInput: true);
        }
        else
        {
            Read(launched);
        }

        ProcessEnd end = Processes.TryReap(launched.Pid, wait: true, out _) ?? new ProcessEnd(0, false);
        cancel.ThrowIfCancellationRequested();
        return end.ShellCode;
    }

    public void Dispose()
    {
        _childEnds.ForEach(fd => fd.Dispose());
        _output?.Dispose();
        _error?.Dispose();
        _terminal?.Dispose();
    }

    private void Read(Launched launched)
    {
        using var epoll = new Epoll();
        epoll.Add(launched.Process, EndKey);
        epoll.Add(_output!, OutputKey);
        epoll.Add(_error!, ErrorKey);
        byte[] buffer = new byte[32 * 1024];
        Span<(int Key, Ready Events)> events = stackalloc (int, Ready)[3];
        bool ended = false;
        while (!ended)
        {
            int count = epoll.Wait(events);
            for (int i = 0; i < count; i++)
            {
                Fd? stream = events[i].Key switch { OutputKey => _output, ErrorKey => _error, _ => null };
                ended |= stream is null;
                if (stream is not null && Forward(stream, buffer) == 0)
                {
                    epoll.Remove(stream);
                }
            }
        }

        // What it left in its pipes.
        foreach (Fd stream in (ReadOnlySpan<Fd>)[_output!, _error!])
        {
            while (Forward(stream, buffer) > 0)
            {
            }
        }
    }

    /// <summary>Bytes that came; 0 at the end, -1 when there is nothing now.</summary>
    private int Forward(Fd stream, byte[] buffer)
    {
        int count = Files.TryRead(stream, buffer, out Errno why);
        if (count > 0)
        {
            _take!(buffer.AsSpan(0, count), ReferenceEquals(stream, _error));
        }

        return count < 0 && why != Errno.EAGAIN ? 0 : count;
    }
}
