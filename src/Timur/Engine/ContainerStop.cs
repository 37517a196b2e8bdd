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

        string name = signal ?? container.Options.Text("stop-signal") ?? HealthProcess.ImageOf(store, container)?.Config.StopSignal ?? "TERM";
        int number = Signals.TryParse(name, out int parsed) ? parsed : throw new Failure($"'{name}' isn't a signal", "for example TERM, SIGINT or 15");
        int timeout = seconds ?? (int?)container.Options.Number("stop-timeout") ?? DefaultSeconds;
        using Fd? end = LastProcess(container, out bool isOrphan);
        if (!Request(container, number))
        {
            return;
        }

        if (!WaitForEnd(end, timeout < 0 ? -1 : timeout * 1000))
        {
            Request(container, Signals.Kill);
            WaitForEnd(end, -1);
        }

        SettleIf(isOrphan, container);
    }

    /// <summary>KILL at once, and the restart policy doesn't apply.</summary>
    public void Kill(Container container)
    {
        using Fd? end = LastProcess(container, out bool isOrphan);
        Request(container, Signals.Kill);
        ContainerCgroup.Of(store.Paths, container).Thaw();
        WaitForEnd(end, 30_000);
        SettleIf(isOrphan, container);
    }

    /// <summary>Whose end is the container's: its monitor, or its own first process when the monitor was killed.</summary>
    private static Fd? LastProcess(Container container, out bool isOrphan)
    {
        ContainerState state = container.State;
        isOrphan = state.IsAlive && !ContainerState.Lives(state.MonitorPid, state.MonitorStart);
        return Processes.TryOpen(isOrphan ? state.Pid : state.MonitorPid, out _);
    }

    private void SettleIf(bool isOrphan, Container container)
    {
        if (isOrphan && Files.Exists(store.Paths.Container(container.Id)))
        {
            ContainerEnd.SettleOrphan(store, container.Id);
        }
    }

    /// <summary>Sends a signal to the first process.</summary>
    public static void Signal(Container container, int signal)
    {
        if (!container.State.IsAlive)
        {
            throw new Failure($"container {container.Name} isn't running", $"timur start {container.Name} starts it");
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
            throw new Failure($"container {container.Name} isn't running, so it can't be paused", $"timur ps -a shows its state");
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
            throw new Failure($"container {container.Name} isn't paused", "timur ps shows those that are");
        }

        ContainerCgroup.Of(store.Paths, container).Thaw();
        store.SaveState(container.Id, state with { Status = ContainerStatus.Running });
    }

    /// <summary>
    /// Notes that the end is wanted, then sends the signal; a paused container is thawed so that it can be heard. False when there is nobody to end.
    /// </summary>
    private bool Request(Container container, int signal)
    {
        using (FileLock? guard = store.TryLock(container.Id))
        {
            if (guard is null)
            {
                return false;
            }

            ContainerState state = store.LoadState(container.Id);
            if (state.Status == ContainerStatus.Restarting)
            {
                // It waits for its next life, which it then doesn't get.
                store.SaveState(container.Id, state with { Status = ContainerStatus.Exited });
            }

            if (!state.IsAlive)
            {
                return false;
            }

            store.SaveState(container.Id, state with { StopRequested = true, Status = state.Status == ContainerStatus.Paused ? ContainerStatus.Running : state.Status });
            Processes.TryKill(state.Pid, signal, out _);
        }

        if (container.State.Status == ContainerStatus.Paused)
        {
            ContainerCgroup.Of(store.Paths, container).Thaw();
        }

        return true;
    }

    /// <summary>True when the monitor is gone: its last act is behind it.</summary>
    private static bool WaitForEnd(Fd? monitor, int milliseconds) => monitor is null || Processes.WaitForEnd(monitor, milliseconds);
}
