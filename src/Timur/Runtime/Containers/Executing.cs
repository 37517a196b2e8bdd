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

    /// <summary>How many of those are sockets that the process is told of (<see cref="PassedSockets"/>).</summary>
    public int Sockets { get; init; }

    /// <summary>Cgroups below the container's own, each for all hierarchies or, as <c>CONTROLLERS:PATH</c>, for some of them (v1).</summary>
    public IReadOnlyList<string> Cgroups { get; init; } = [];

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
        process = Fitting(process with { Env = PassedSockets.Announce(process.Env, options.Sockets) }, record, own);
        var place = ExecCgroups.Choose(container.Cgroup, options.Cgroups);
        LaunchProgram program = ExecCompiler.Compile(process, new ExecContext
        {
            CgroupTasks = place.TaskFiles,
            SeccompFilter = Files.TryReadAll(container.FilterFile, out _),
            SeccompFlags = record.FilterFlags,
            OwnCapabilities = own,
            Joined = record.Joins,
            PreservedDescriptors = options.PreservedDescriptors,
            ByImage = Disguise.Suffices(record),
            ResetAffinity = true,
            Personality = record.Personality,
            MemoryPolicy = record.MemoryPolicy,
            OwnedStreams = process.Terminal ? [] : StreamOwnership.For(process.UserId),
        });
        Launched launched = Launch(program, process, place.Cgroup, target, processes, record, options);
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
        return fitting with { Env = PayloadEnvironment.Complete(process.Env, process.UserId, root), KeepsGroups = ProcessRules.KeepsGroups(record.Annotations) };
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
        LaunchLog.Before(log, program, process.ExecCpuAffinity?.Initial);
        try
        {
            Launched launched = CgroupEntry.Launch(In, cgroup, record.Pid);
            LaunchLog.AfterExec(log, launched.Pid, process.Args[0]);
            return launched;
        }
        catch (LaunchException e)
        {
            throw LaunchWords.Explain(program, e, process, $"/proc/{record.Pid}/root");
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

        Terminal = TerminalMaster.Settle(descriptor, process, options.ConsoleSocket);
    }
}
