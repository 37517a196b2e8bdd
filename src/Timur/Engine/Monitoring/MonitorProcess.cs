using System.Text;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.State;

namespace Timur.Engine.Monitoring;

/// <summary>
/// The process that owns one running container: it launches it, keeps its log, serves attached terminals, and cleans up after its end. Everything it
/// touches while the container runs is memory, so it touches little.
/// </summary>
public sealed class MonitorProcess
{
    private readonly Fd _starter;
    private readonly MonitorOrder _order;
    private readonly DataPaths _paths;
    private readonly List<Fd> _held;
    private ContainerState _state;

    private MonitorProcess(Fd starter, MonitorOrder order, List<Fd> descriptors)
    {
        _starter = starter;
        _order = order;
        _held = descriptors;
        _state = order.State;
        _paths = new DataPaths(order.Root, order.Run);
    }

    /// <summary>The entry of the process that <see cref="MonitorStart"/> made: the order comes over descriptor 3.</summary>
    public static int Run()
    {
        var starter = new Fd(3);
        var descriptors = new List<Fd>();
        Span<byte> one = stackalloc byte[1];
        if (Sockets.TryReceive(starter, one, descriptors, out _) <= 0)
        {
            // Whoever started this process gave up before the container was ready.
            return 0;
        }

        byte[] bytes = Files.TryReadAll(descriptors[0], out Errno why) ?? throw new SyscallException("read", why, "order");
        descriptors[0].Dispose();
        descriptors.RemoveAt(0);
        return new MonitorProcess(starter, MonitorOrder.FromBytes(bytes), descriptors).Serve();
    }

    private int Serve()
    {
        using var streams = new MonitorStreams(_order, _paths, _starter);
        Launched? launched = TryLaunch(streams);
        if (launched is null)
        {
            return 125;
        }

        _state = _state with
        {
            Status = ContainerStatus.Running,
            Pid = launched.Pid,
            PidStart = Processes.StartTime(launched.Pid) ?? 0,
            Started = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
        };
        SaveState();
        AttachProtocol.Send(_starter, AttachProtocol.Launched, launched.Pid);
        using Fd? health = _order.HasHealth ? HealthProcess.Start(_paths, _order.Id) : null;
        streams.Relay(launched);
        health?.Dispose();
        ProcessEnd end = Processes.TryReap(launched.Pid, wait: true, out _) ?? new ProcessEnd(0, false);
        streams.Drain();
        Finish(streams, end);
        return 0;
    }

    /// <summary>Null when it failed; the starter was told.</summary>
    private Launched? TryLaunch(MonitorStreams streams)
    {
        using var undo = new UndoList();
        try
        {
            using var program = new LoadedProgram(_order.Program.Span);
            var slots = new List<(Slot, Fd)>();
            int next = 0;
            foreach (Slot slot in _order.Slots)
            {
                slots.Add((slot, _held[next++]));
            }

            Fd? cgroup = _order.HasCgroup ? _held[next++] : null;
            Fd? processes = _order.HasProcessNamespace ? _held[next++] : null;
            streams.AddSlots(slots);
            var request = new LaunchRequest(program) { Slots = slots, Cgroup = cgroup, ProcessNamespace = processes, OnSync = point => Answer(point, streams, undo) };
            Launched launched = Launching.Start(request);
            streams.CloseChildEnds();
            CloseSlots();
            undo.Keep();
            return launched;
        }
        catch (LaunchException e)
        {
            AttachProtocol.Send(_starter, AttachProtocol.LaunchFailed, e.Operation, (int)e.Errno);
        }
        catch (Exception e) when (e is SyscallException or Failure)
        {
            byte[] message = [AttachProtocol.MonitorFailed, .. Encoding.UTF8.GetBytes(e is Failure { Advice: { } advice } ? $"{e.Message}\n{advice}" : e.Message)];
            Sockets.TrySend(_starter, message, [], out _);
        }

        return null;
    }

    private void Answer(SyncPoint point, MonitorStreams streams, UndoList undo)
    {
        if (point.Letter == UserNamespaces.MapLetter)
        {
            _state = UserNamespaceSetup.Run(_paths, _order.Id, point.Pid, _state, undo, _held);
            return;
        }

        streams.OnSync(point);
    }

    /// <summary>The container has its own copies: a mount or device that we held would outlive it.</summary>
    private void CloseSlots()
    {
        for (int i = 0; i < _order.Slots.Count; i++)
        {
            _held[i].Dispose();
        }
    }

    private void Finish(MonitorStreams streams, ProcessEnd end)
    {
        foreach (Fd fd in _held)
        {
            fd.Dispose();
        }

        Settled? settled = null;
        try
        {
            settled = ContainerEnd.Settle(_paths, _order.Id, end);
        }
        catch (Exception e) when (e is SyscallException or Failure)
        {
            // The record still says "running" with a process that is gone: the next command sees that, and system check cleans.
            Files.TryWriteText($"{_paths.Container(_order.Id)}/monitor-error", e.ToString(), out _, Open.Write | Open.Create | Open.Truncate);
        }

        streams.Announce(end.ShellCode, settled?.OutOfMemory == true);
        settled?.Trash?.Dispose();
    }

    /// <summary>That it runs: a power cut ends that, too.</summary>
    private void SaveState() => AtomicFile.WriteEvenWhenFull($"{_paths.Container(_order.Id)}/state", _state.ToBytes(), passing: true);
}
