using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>Lets the first process of a created container go on.</summary>
public sealed class Starting(RuntimeLog log)
{
    /// <param name="endsWithHook">A poststart hook that fails is a failure, for whoever is going to end the container then; otherwise it is a warning.</param>
    public void Start(OciContainer container, bool endsWithHook = false)
    {
        using FileLock guard = container.Lock();
        switch (container.Status)
        {
            case OciStatus.Created: break;
            case OciStatus.Paused: throw new Failure("cannot start a container in the paused state", exitCode: 1);
            case OciStatus.Stopped: throw new Failure("cannot start a container that has stopped", exitCode: 1);
            default: throw new Failure("cannot start an already running container", exitCode: 1);
        }

        Spec? spec = container.Record.HasHooks ? container.ReadSpec() : null;
        if (spec is { Hooks.StartContainer.Count: > 0 })
        {
            using Fd process = Processes.TryOpen(container.Record.Pid, out Errno why) ?? throw new SyscallException("pidfd_open", why);
            Hooks.Run("startContainer", spec.Hooks.StartContainer, container.Record, OciStatus.Created, Inside(container, spec, process));
        }

        OpenGate(container);
        if (spec is { Hooks.Poststart.Count: > 0 } && endsWithHook)
        {
            Hooks.Run("poststart", spec.Hooks.Poststart, container.Record, OciStatus.Running);
        }
        else if (spec is { Hooks.Poststart.Count: > 0 })
        {
            Hooks.RunLate("poststart", spec.Hooks.Poststart, container.Record, OciStatus.Running, log);
        }
    }

    private static HookPlace Inside(OciContainer container, Spec spec, Fd first)
    {
        ProcessSpec process = spec.Process ?? new ProcessSpec();
        using Fd root = Files.Open($"/proc/{container.Record.Pid}/root", Open.Path | Open.Directory);
        return new HookPlace(first, PayloadEnvironment.Complete(process.Env, process.UserId, root), Files.TryReadAll(container.FilterFile, out _));
    }

    private static void OpenGate(OciContainer container)
    {
        // Only a reader makes this succeed: the waiting process is the only one.
        using Fd? gate = Files.TryOpen(container.Gate, Open.Write | Open.NonBlock, out Errno why);
        if (gate is null || !Files.TryWrite(gate, [1], out why))
        {
            throw new Failure(why == Errno.ENXIO ? "cannot start a container that has stopped" : $"start: {container.Gate}: {why.Describe()}", exitCode: 1);
        }

        Files.TryUnlink(container.Gate, out _);
    }
}
