using Timur.Kernel;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>Signals to a container, and stopping it for a while.</summary>
public static class Signalling
{
    /// <param name="all">Every process of the container; then a container that has stopped is no failure.</param>
    public static void Kill(OciContainer container, int signal, bool all)
    {
        if (all)
        {
            KillAll(container, signal);
            return;
        }

        using Fd? process = Processes.TryOpen(container.Record.Pid, out Errno why);

        // The descriptor holds on to the process; only then is it certain which one it is.
        if (process is null || !container.IsAlive || !Processes.TryKill(process, signal, out why))
        {
            if (why == Errno.EINVAL)
            {
                throw new Failure("unable to signal init: invalid argument", "signal(7) lists the numbers", 1);
            }

            if (signal == Signals.Kill && !container.Record.OwnProcesses && container.Cgroup.Exists)
            {
                container.Cgroup.Kill();
                return;
            }

            throw new Failure("container not running", exitCode: 1);
        }

        if (signal == Signals.Kill)
        {
            // Without a process namespace of its own the others would outlive the first.
            KillOthers(container);
            container.Cgroup.Thaw();
        }
    }

    public static void Pause(OciContainer container)
    {
        using FileLock guard = container.Lock();
        OciStatus status = container.Status;
        if (status is not (OciStatus.Running or OciStatus.Created))
        {
            throw new Failure($"container not running or created: {status.Name()}", exitCode: 1);
        }

        if (!container.HasCgroup)
        {
            throw new Failure("cannot pause a container that has no cgroup", "it was made with --cgroup-manager=disabled", 1);
        }

        container.Cgroup.Freeze();
    }

    public static void Resume(OciContainer container)
    {
        using FileLock guard = container.Lock();
        if (container.Status != OciStatus.Paused && !container.Cgroup.IsFrozen)
        {
            throw new Failure("container not paused", exitCode: 1);
        }

        container.Cgroup.Thaw();
    }

    private static void KillAll(OciContainer container, int signal)
    {
        if (signal == Signals.Kill && container.HasCgroup)
        {
            container.Cgroup.Kill();
            return;
        }

        foreach (int pid in container.Pids())
        {
            Processes.TryKill(pid, signal, out _);
        }
    }

    private static void KillOthers(OciContainer container)
    {
        if (!container.Record.OwnProcesses)
        {
            container.Cgroup.Kill();
        }
    }
}
