using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>What the caller of <c>exec</c> says beside the process.</summary>
public sealed record ExecOptions
{
    public string? ConsoleSocket { get; init; }

    public string? PidFile { get; init; }

    public string? PidFdSocket { get; init; }

    public int PreservedDescriptors { get; init; }

    /// <summary>A cgroup below the container's own, or null.</summary>
    public string? Cgroup { get; init; }

    public bool IgnorePaused { get; init; }
}

/// <summary>A further process in a container.</summary>
public sealed class Executing(RuntimeLog log)
{
    /// <summary>The terminal's master, when the process has one and no console socket takes it.</summary>
    public Fd? Terminal { get; private set; }

    public Launched Start(OciContainer container, ProcessSpec process, ExecOptions options)
    {
        OciStatus status = container.Status;
        if (status == OciStatus.Stopped)
        {
            throw new Failure("cannot exec in a stopped container", exitCode: 1);
        }

        if (status == OciStatus.Paused && !options.IgnorePaused)
        {
            throw new Failure("cannot exec in a paused container (use --ignore-paused to override)", exitCode: 1);
        }

        ContainerRecord record = container.Record;
        using Fd target = Processes.TryOpen(record.Pid, out Errno why) ?? throw new SyscallException("pidfd_open", why, container.Id);
        using Fd? processes = record.OwnProcesses ? Files.Open($"/proc/{record.Pid}/ns/pid") : null;
        ulong own = record.OwnUsers ? Capabilities.Every : Capabilities.OwnBoundingSet();
        process = Fitting(process, record, own);
        Cgroups.Cgroup cgroup = options.Cgroup is { } inner ? container.Cgroup.Inner(inner) : container.Cgroup;
        LaunchProgram program = ExecCompiler.Compile(
            process, cgroup.TaskFiles, Files.TryReadAll(container.FilterFile, out _), record.FilterFlags, own, record.Joins, options.PreservedDescriptors, Disguise.Suffices(record));
        Launched launched = Launch(program, process, cgroup, target, processes, record, options);
        if (options.PidFile is { } file)
        {
            PidFile.Write(file, launched.Pid);
        }

        if (options.PidFdSocket is { } socket)
        {
            ConsoleSocket.Send(socket, launched.Process, "pidfd"u8);
        }

        return launched;
    }

    private ProcessSpec Fitting(ProcessSpec process, ContainerRecord record, ulong own)
    {
        ProcessRules.Check(process, "process.json");
        using Fd root = Files.Open($"/proc/{record.Pid}/root", Open.Path | Open.Directory);
        ProcessSpec fitting = ProcessRules.Fit(process, own, log);
        return fitting with { Env = HomeDirectory.Complete(process.Env, process.UserId, root) };
    }

    private Launched Launch(
        LaunchProgram program, ProcessSpec process, Cgroups.Cgroup cgroup, Fd target, Fd? processes, ContainerRecord record, ExecOptions options)
    {
        using var loaded = new LoadedProgram(program.ToBytes());
        using Fd? image = program.Image is { } bytes ? PayloadImage.Make(bytes) : null;
        using Fd input = Descriptors.Duplicate(Descriptors.Standard(0));
        using Fd output = Descriptors.Duplicate(Descriptors.Standard(1));
        using Fd error = Descriptors.Duplicate(Descriptors.Standard(2));
        using Fd? root = (record.Joins & CloneFlags.NewMount) == 0 ? Files.Open($"/proc/{record.Pid}/root", Open.Path | Open.Directory) : null;
        LaunchRequest In(Fd? unified) => new(loaded)
        {
            ProcessNamespace = processes,
            Cgroup = unified,
            Slots = [(Slot.Extra, target), (Slot.Input, input), (Slot.Output, output), (Slot.Error, error), .. (ReadOnlySpan<(Slot, Fd)>)(image is null ? [] : [(Slot.Image, image)]),
                .. (ReadOnlySpan<(Slot, Fd)>)(root is null ? [] : [(Slot.Extra + 1, root)])],
            OnSync = point => Answer(point, process, record, options),
        };
        try
        {
            return CgroupEntry.Launch(In, cgroup, record.Pid);
        }
        catch (LaunchException e)
        {
            throw LaunchWords.Explain(program, e, process.Args[0]);
        }
    }

    private void Answer(SyncPoint point, ProcessSpec process, ContainerRecord record, ExecOptions options)
    {
        Fd descriptor = point.TakeDescriptor();
        if (point.Letter == LaunchLetters.Listener)
        {
            using (descriptor)
            {
                SeccompListener.Give(record.ListenerPath!, record.ListenerMetadata, record, OciStatus.Running, point.Pid, descriptor);
            }

            return;
        }

        if (process.ConsoleHeight > 0 || process.ConsoleWidth > 0)
        {
            Kernel.Terminal.SetSize(descriptor, new TerminalSize(process.ConsoleHeight, process.ConsoleWidth));
        }

        if (options.ConsoleSocket is not { } socket)
        {
            Terminal = descriptor;
            return;
        }

        using (descriptor)
        {
            ConsoleSocket.Send(socket, descriptor, "/dev/ptmx"u8);
        }
    }
}
