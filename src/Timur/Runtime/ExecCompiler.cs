using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>The launch program of a further process in a running container.</summary>
public static class ExecCompiler
{
    /// <summary>
    /// <see cref="Slot.Extra"/> is the container's first process, whose namespaces are joined in one setns(2); the process namespace comes with the clone.
    /// </summary>
    /// <param name="also">Namespaces that the container has beside the usual ones: user, time.</param>
    public static LaunchProgram Compile(ProcessSpec process, IReadOnlyList<string> cgroupTasks, byte[]? filter, ulong ownCapabilities, CloneFlags also = CloneFlags.None)
    {
        var program = new LaunchProgram();
        program.ResetSignals();
        program.NewSession();
        foreach (string tasks in cgroupTasks)
        {
            program.JoinCgroup(tasks);
        }

        // Before joining: processes in the container can't trace this one or take its descriptors.
        program.NotDumpable();
        if ((also & CloneFlags.NewTime) != 0)
        {
            // Its clocks are mapped into the memory of the process that joins, so that memory can't be borrowed.
            program.NeedsParent = true;
        }

        program.Join(
            "the container", Slot.Extra, also | CloneFlags.NewMount | CloneFlags.NewNetwork | CloneFlags.NewIpc | CloneFlags.NewUts | CloneFlags.NewCgroup);
        if (process.Terminal)
        {
            program.NewTerminalByPath(process.UserId, process.UserId == 0 ? 0 : process.GroupId);
            program.TakeTerminal();
        }
        else
        {
            program.StandardStreams();
        }

        program.CloseDescriptors(0, gate: false);
        foreach (RlimitSpec limit in process.Rlimits)
        {
            program.Limit(limit.Type, Rlimits.Number(limit.Type), limit.Soft, limit.Hard);
        }

        Credentials.Compile(program, process, filter, 0, ownCapabilities);
        program.Execute(SearchPath.Candidates(process.Args[0], process.Env), process.Args, process.Env);
        return program;
    }
}
