using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>The launch program of a further process in a running container.</summary>
public static class ExecCompiler
{
    private const CloneFlags Usual = CloneFlags.NewMount | CloneFlags.NewNetwork | CloneFlags.NewIpc | CloneFlags.NewUts | CloneFlags.NewCgroup;

    /// <summary>
    /// <see cref="Slot.Extra"/> is the container's first process, whose namespaces are joined in one setns(2); the process namespace comes with the clone.
    /// </summary>
    /// <param name="also">Namespaces that the container has beside the usual ones: user, time.</param>
    public static LaunchProgram Compile(ProcessSpec process, IReadOnlyList<string> cgroupTasks, byte[]? filter, ulong ownCapabilities, CloneFlags also = CloneFlags.None)
        => Compile(process, cgroupTasks, filter, 0, ownCapabilities, also | Usual, preserved: 0, byImage: false);

    /// <summary>As the other, for a container that may have any namespaces.</summary>
    /// <param name="joined">The namespaces it has, but for the process namespace.</param>
    /// <param name="byImage">The process is executed by way of <see cref="PayloadImage"/>.</param>
    /// <param name="preserved">Descriptors after the standard streams that the process gets.</param>
    public static LaunchProgram Compile(
        ProcessSpec process, IReadOnlyList<string> cgroupTasks, byte[]? filter, uint filterFlags, ulong ownCapabilities, CloneFlags joined, int preserved, bool byImage)
    {
        var program = new LaunchProgram();
        program.ResetSignals();
        program.NewSession();
        ProcessSettings.BeforeJoining(program, process);
        if (process.ExecCpuAffinity?.Initial is { } initial)
        {
            program.Affinity(CpuList.Parse(initial, "process.execCPUAffinity.initial"));
        }

        foreach (string tasks in cgroupTasks)
        {
            program.JoinCgroup(tasks);
        }

        if (process.ExecCpuAffinity?.Final is { } final)
        {
            program.Affinity(CpuList.Parse(final, "process.execCPUAffinity.final"));
        }

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

        if (process.Terminal)
        {
            program.NewTerminalByPath(process.UserId, process.UserId == 0 ? 0 : process.GroupId);
            program.TakeTerminal();
        }
        else
        {
            program.StandardStreams();
        }

        ProcessSettings.BeforeIds(program, process);
        program.CloseDescriptors(preserved, gate: false, byImage);
        foreach (RlimitSpec limit in process.Rlimits)
        {
            program.Limit(limit.Type, Rlimits.Number(limit.Type), limit.Soft, limit.Hard);
        }

        Credentials.Compile(program, process, filter, filterFlags, ownCapabilities);
        IReadOnlyList<string> candidates = SearchPath.Candidates(process.Args[0], process.Env);
        if (byImage)
        {
            program.ExecuteByImage(candidates, process.Args, process.Env, gate: false);
        }
        else
        {
            program.Execute(candidates, process.Args, process.Env);
        }

        return program;
    }
}
