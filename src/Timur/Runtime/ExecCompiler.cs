using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>What the launch program of a further process depends on beside the process.</summary>
public sealed record ExecContext
{
    /// <summary>cgroup v1 <c>tasks</c> files that it joins.</summary>
    public IReadOnlyList<string> CgroupTasks { get; init; } = [];

    /// <summary>The seccomp filter, an array of struct sock_filter, or null.</summary>
    public byte[]? SeccompFilter { get; init; }

    /// <summary>Flags of seccomp(2).</summary>
    public uint SeccompFlags { get; init; }

    /// <summary>Bits of the capabilities this process may give (its bounding set).</summary>
    public required ulong OwnCapabilities { get; init; }

    /// <summary>The namespaces that the container has, but for the process namespace.</summary>
    public CloneFlags Joined { get; init; }

    /// <summary>Descriptors after the standard streams that the process gets.</summary>
    public int PreservedDescriptors { get; init; }

    /// <summary>The process is executed by way of <see cref="PayloadImage"/>.</summary>
    public bool ByImage { get; init; }

    /// <summary>It may run on every processor of its cgroup, whatever this process may.</summary>
    public bool ResetAffinity { get; init; }

    /// <summary>The container's execution domain (config-linux.md, Personality), or null.</summary>
    public string? Personality { get; init; }

    /// <summary>Where the container's memory comes from, or null.</summary>
    public MemoryPolicySpec? MemoryPolicy { get; init; }

    /// <summary>Standard streams that the process's user is to own (<see cref="StreamOwnership"/>).</summary>
    public IReadOnlyList<int> OwnedStreams { get; init; } = [];
}

/// <summary>The launch program of a further process in a running container.</summary>
public static class ExecCompiler
{
    private const CloneFlags Usual = CloneFlags.NewMount | CloneFlags.NewNetwork | CloneFlags.NewIpc | CloneFlags.NewUts | CloneFlags.NewCgroup;

    /// <summary>
    /// <see cref="Slot.Extra"/> is the container's first process, whose namespaces are joined in one setns(2); the process namespace comes with the clone.
    /// </summary>
    /// <param name="also">Namespaces that the container has beside the usual ones: user, time.</param>
    public static LaunchProgram Compile(ProcessSpec process, IReadOnlyList<string> cgroupTasks, byte[]? filter, ulong ownCapabilities, CloneFlags also = CloneFlags.None)
        => Compile(process, new ExecContext { CgroupTasks = cgroupTasks, SeccompFilter = filter, OwnCapabilities = ownCapabilities, Joined = also | Usual });

    /// <summary>As the other, for a container that may have any namespaces.</summary>
    public static LaunchProgram Compile(ProcessSpec process, ExecContext context)
    {
        var program = new LaunchProgram();
        program.ResetSignals();
        program.NewSession();
        ProcessSettings.BeforeJoining(program, process);
        JoinCgroups(program, process, context);
        Join(program, context.Joined);
        if (process.Terminal)
        {
            program.NewTerminalByPath(process.UserId);
            program.TakeTerminal();
        }
        else
        {
            program.StandardStreams();
            program.OwnStreams(context.OwnedStreams, process.UserId);
        }

        ProcessSettings.BeforeIds(program, process);
        if (context.MemoryPolicy is { } policy)
        {
            MemoryPolicies.Compile(program, policy);
        }

        if (context.Personality is { } personality)
        {
            program.Personality(ProcessSettings.Domain(personality));
        }

        program.CloseDescriptors(context.PreservedDescriptors, gate: false, context.ByImage);
        foreach (RlimitSpec limit in process.Rlimits)
        {
            program.Limit(limit.Type, Rlimits.Number(limit.Type), limit.Soft, limit.Hard);
        }

        Credentials.Compile(program, process, context.SeccompFilter, context.SeccompFlags, context.OwnCapabilities);
        IReadOnlyList<string> candidates = SearchPath.Candidates(process.Args[0], process.Env);
        if (context.ByImage)
        {
            program.ExecuteByImage(candidates, process.Args, process.Env, gate: false);
        }
        else
        {
            program.Execute(candidates, process.Args, process.Env);
        }

        return program;
    }

    private static void JoinCgroups(LaunchProgram program, ProcessSpec process, ExecContext context)
    {
        if (process.ExecCpuAffinity?.Initial is { } initial)
        {
            program.Affinity(CpuList.Parse(initial, "process.execCPUAffinity.initial"));
        }

        foreach (string tasks in context.CgroupTasks)
        {
            program.JoinCgroup(tasks);
        }

        if (process.ExecCpuAffinity?.Final is { } final)
        {
            program.Affinity(CpuList.Parse(final, "process.execCPUAffinity.final"));
        }
        else if (context.ResetAffinity && process.ExecCpuAffinity is null)
        {
            program.ResetAffinity();
        }
    }

    private static void Join(LaunchProgram program, CloneFlags joined)
    {
        // Before joining: processes in the container can't trace this one or take its descriptors.
        program.NotDumpable();
        if ((joined & CloneFlags.NewTime) != 0)
        {
            // Its clocks are mapped into the memory of the process that joins, so that memory can't be borrowed.
            program.NeedsParent = true;
        }

        if (joined != CloneFlags.None)
        {
            program.Join("the container", Slot.Extra, joined);
        }

        if ((joined & CloneFlags.NewMount) == 0)
        {
            // The mount namespace is the runtime's own: the container's root is that of its processes only.
            program.ChangeRoot(Slot.Extra + 1);
        }
    }
}
