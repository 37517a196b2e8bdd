using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>Takes away what is left of a container: processes, cgroup, state; then its last hooks run.</summary>
public sealed class Deletion(RuntimeLog log)
{
    private const int Patience = 10_000;

    /// <summary>As <see cref="Delete"/> with force; that somebody else was faster is no failure.</summary>
    public void DeleteIfThere(OciContainer container)
    {
        try
        {
            Delete(container, force: true);
        }
        catch (Failure) when (!Files.Exists(container.Directory))
        {
        }
    }

    /// <param name="force">Kill a container that runs.</param>
    public void Delete(OciContainer container, bool force)
    {
        using FileLock guard = container.Lock();
        OciStatus status = container.Status;
        if (status is OciStatus.Running or OciStatus.Paused && !force)
        {
            throw new Failure($"cannot delete container {container.Id} that is not stopped: {status.Name()}", "kill it first, or delete --force", 1);
        }

        if (status != OciStatus.Stopped)
        {
            KillFirst(container);
        }

        // Processes that left the first one's namespace, or never were in it, are in the cgroup still.
        container.Cgroup.Kill();
        if (container.Record.SystemdUnit is { } unit)
        {
            SystemdScope.Stop(unit);
        }

        if (!container.Cgroup.TryRemove())
        {
            throw new Failure($"cannot delete container {container.Id}: its cgroup {container.Record.CgroupPath} is still in use", "a process in it doesn't end; see ps -o stat", 1);
        }

        ResctrlGroup.Remove(container.Record.OwnClosId);
        ShownMounts.Remove(container.Directory);
        Spec? spec = container.Record.HasHooks ? container.ReadSpec() : null;
        Directories.RemoveTree(container.Directory);
        if (spec is not null)
        {
            Hooks.RunLate("poststop", spec.Hooks.Poststop, container.Record, OciStatus.Stopped, log);
        }
    }

    private static void KillFirst(OciContainer container)
    {
        using Fd? process = Processes.TryOpen(container.Record.Pid, out _);
        if (process is null || !container.IsAlive)
        {
            return;
        }

        Processes.TryKill(process, Signals.Kill, out _);
        container.Cgroup.Thaw();
        if (!Processes.WaitForEnd(process, Patience))
        {
            throw new Failure($"container {container.Id} init still running", "the kernel can't end it; see ps -o stat", 1);
        }

        // It may be a child of this very process.
        Processes.TryReap(container.Record.Pid, wait: false, out _);
    }
}
