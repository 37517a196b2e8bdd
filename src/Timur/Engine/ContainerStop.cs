using Timur.Kernel;
using Timur.State;

namespace Timur.Engine;

/// <summary>Signals, pauses and ends running containers.</summary>
public sealed class ContainerStop(ContainerStore store)
{
    private const int DefaultSeconds = 10;

    /// <summary>The stop signal, then KILL after the time-out; returns when the monitor has cleaned up.</summary>
    public void Stop(Container container, int? seconds = null, string? signal = null)
    {
        if (!container.State.IsAlive && container.State.Status != ContainerStatus.Restarting)
        {
            return;
        }

        string name = signal ?? container.Options.Text("stop-signal") ?? "TERM";
        int number = Signals.TryParse(name, out int parsed) ? parsed : throw new Failure($"'{name}' isn't a signal");
        int timeout = seconds ?? (int?)container.Options.Number("stop-timeout") ?? DefaultSeconds;
        using Fd? monitor = Processes.TryOpen(container.State.MonitorPid, out _);
        Request(container, number);
        if (!WaitForEnd(monitor, timeout < 0 ? -1 : timeout * 1000))
        {
            Request(container, Signals.Kill);
            WaitForEnd(monitor, -1);
        }
    }

    /// <summary>KILL at once, and the restart policy doesn't apply.</summary>
    public void Kill(Container container)
    {
        using Fd? monitor = Processes.TryOpen(container.State.MonitorPid, out _);
        Request(container, Signals.Kill);
        ContainerCgroup.Of(store.Paths, container).Thaw();
        WaitForEnd(monitor, 30_000);
    }

    /// <summary>Sends a signal to the first process.</summary>
    public static void Signal(Container container, int signal)
    {
        if (!container.State.IsAlive)
        {
            throw new Failure($"container {container.Name} isn't running");
        }

        if (!Processes.TryKill(container.State.Pid, signal, out Errno why) && why != Errno.ESRCH)
        {
            throw new SyscallException("kill", why, container.Name);
        }
    }

    /// <summary>Freezes every process.</summary>
    public void Pause(Container container)
    {
        using FileLock guard = store.Lock(container.Id);
        ContainerState state = store.LoadState(container.Id);
        if (state.Status != ContainerStatus.Running)
        {
            throw new Failure($"container {container.Name} isn't running, so it can't be paused");
        }

        ContainerCgroup.Of(store.Paths, container).Freeze();
        store.SaveState(container.Id, state with { Status = ContainerStatus.Paused });
    }

    /// <summary>Lets them go on.</summary>
    public void Unpause(Container container)
    {
        using FileLock guard = store.Lock(container.Id);
        ContainerState state = store.LoadState(container.Id);
        if (state.Status != ContainerStatus.Paused)
        {
            throw new Failure($"container {container.Name} isn't paused");
        }

        ContainerCgroup.Of(store.Paths, container).Thaw();
        store.SaveState(container.Id, state with { Status = ContainerStatus.Running });
    }

    /// <summary>
    /// Notes that the end is wanted, then sends the signal; a paused container is thawed so that it can be heard. One that is gone has ended.
    /// </summary>
    private void Request(Container container, int signal)
    {
        using (FileLock? guard = store.TryLock(container.Id))
        {
            if (guard is null)
            {
                return;
            }

            ContainerState state = store.LoadState(container.Id);
            if (state.Status == ContainerStatus.Restarting)
            {
                // It waits for its next life, which it then doesn't get.
                store.SaveState(container.Id, state with { Status = ContainerStatus.Exited });
            }

            if (!state.IsAlive)
            {
                return;
            }

            store.SaveState(container.Id, state with { StopRequested = true, Status = state.Status == ContainerStatus.Paused ? ContainerStatus.Running : state.Status });
            Processes.TryKill(state.Pid, signal, out _);
        }

        if (container.State.Status == ContainerStatus.Paused)
        {
            ContainerCgroup.Of(store.Paths, container).Thaw();
        }
    }

    /// <summary>True when the monitor is gone: its last act is behind it.</summary>
    private static bool WaitForEnd(Fd? monitor, int milliseconds) => monitor is null || Processes.WaitForEnd(monitor, milliseconds);
}
