using Timur.Cgroups;
using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Networks;
using Timur.State;

namespace Timur.Engine;

/// <summary>What happens when a container's first process has ended; runs in its monitor.</summary>
public static class ContainerEnd
{
    /// <summary>128 + SIGKILL: what a shell reports of a child that was killed.</summary>
    private const int KilledCode = 137;

    /// <summary>
    /// Gives back what the kernel held, records the end, and removes or restarts the container as it was asked to.
    /// </summary>
    internal static Settled Settle(DataPaths paths, ContainerId id, ProcessEnd end)
    {
        var store = new ContainerStore(paths);
        using FileLock guard = store.Lock(id);
        Container container = store.TryLoad(id) ?? throw new Failure($"container {id.Short} is gone");
        RunOptions options = container.Options;
        ContainerState state = container.State;
        Cgroup cgroup = ContainerCgroup.Of(paths, container);

        // Any process of it counts, as Docker has it: often it is a child that needs the memory, and its parent that reports the failure.
        bool oom = (end.ShellCode == KilledCode || options.Size("memory") is not null) && cgroup.OomKills() > 0;
        Release(store, container, cgroup);
        string[] volumes = VolumeMounts.NamesOf(container);
        bool again = RestartPolicy.Parse(options.Text("restart")).Applies(end.ShellCode, state.RestartCount, state.StopRequested);
        if (options.RemoveAtEnd)
        {
            IReadOnlyList<string> own = VolumeCreation.AnonymousOf(paths, id);
            var settled = new Settled(ContainerRemoval.MoveToTrash(store, container), oom);
            new VolumeMounts(paths).Release(volumes);
            ContainerRemoval.RemoveVolumes(store, own);
            return settled;
        }

        // The lock is held: the next life can't begin before this one is recorded.
        using Launched? next = again ? StartAgain(paths, id, state.RestartCount) : null;
        store.SaveState(id, state with
        {
            Status = again ? ContainerStatus.Restarting : ContainerStatus.Exited,
            MonitorPid = next?.Pid ?? 0,
            MonitorStart = next is null ? 0 : Processes.StartTime(next.Pid) ?? 0,
            Pid = 0,
            ExitCode = end.ShellCode,
            OomKilled = oom,
            Finished = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
            Address = "",
            Address6 = "",
            Ports = "",
        });
        new VolumeMounts(paths).Release(volumes);
        return new Settled(null, oom);
    }

    /// <summary>The end of a container whose monitor was killed: its processes are gone, and what it held is given back here.</summary>
    internal static void SettleOrphan(ContainerStore store, ContainerId id)
    {
        using FileLock guard = store.Lock(id);
        Container container = store.TryLoad(id) ?? throw new Failure($"container {id.Short} is gone");
        Release(store, container, ContainerCgroup.Of(store.Paths, container));
        Directories.RemoveTree(store.Paths.RunContainer(id));
        string[] volumes = VolumeMounts.NamesOf(container);
        if (container.Options.RemoveAtEnd)
        {
            ContainerRemoval.DiscardFailed(store, container);
            new VolumeMounts(store.Paths).Release(volumes);
            return;
        }

        bool known = container.State.Status == ContainerStatus.Exited;
        store.SaveState(id, container.State with
        {
            Status = ContainerStatus.Exited,
            Pid = 0,
            ExitCode = known ? container.State.ExitCode : 137,
            Error = known ? container.State.Error : "its monitor was killed",
            Ports = "",
            Address = "",
            Address6 = "",
        });
        new VolumeMounts(store.Paths).Release(volumes);
    }

    /// <summary>Cgroup, address and ports; what is gone already is fine.</summary>
    internal static void Release(ContainerStore store, Container container, Cgroup cgroup)
    {
        if (cgroup.Pids().Count > 0)
        {
            // With a process namespace of its own nobody outlives process 1.
            cgroup.Kill();
        }

        cgroup.TryRemove();
        if (ContainerNetwork.IsBridged(container.Options))
        {
            new HostNetwork(store.Paths).Release(container.Id);
        }
    }

    /// <summary>A process of its own waits and starts the container, so that each life has a fresh monitor.</summary>
    private static Launched StartAgain(DataPaths paths, ContainerId id, int restarts)
    {
        (Fd near, Fd far) = Sockets.Pair(SocketKind.SequencedPacket);
        using (near)
        using (far)
        {
            return Spawning.Background(["timur-restart", "__restart", paths.Root, paths.Run, id.Text, RestartPolicy.Delay(restarts).TotalMilliseconds.ToString("0")], [], far);
        }
    }

    /// <summary>The process that <see cref="StartAgain"/> made.</summary>
    public static int RunRestart(ReadOnlySpan<string> arguments)
    {
        var paths = new DataPaths(arguments[0], arguments[1]);
        var store = new ContainerStore(paths);
        ContainerId id = ContainerId.Parse(arguments[2]);
        Thread.Sleep(int.Parse(arguments[3]));
        if (store.TryLoad(id) is { } container)
        {
            using MonitorStart monitor = MonitorStart.Begin();
            new ContainerStart(store, ImageStore.Open(paths)).TryRestart(container, monitor);
        }

        return 0;
    }
}

/// <summary>How a container's life was settled.</summary>
/// <param name="Trash">What is left to delete: the container is gone already, and nobody has to wait for its files.</param>
/// <param name="OutOfMemory">A process of it was killed because its memory limit was reached.</param>
internal sealed record Settled(Discarded? Trash, bool OutOfMemory);
