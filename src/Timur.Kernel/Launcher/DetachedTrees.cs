namespace Timur.Kernel.Launcher;

/// <summary>Trees of mounts that are attached nowhere: made in the mount namespace of a process that ends at once, so that nobody else ever sees them.</summary>
public static class DetachedTrees
{
    private const char HandOver = 'm';

    /// <summary>What another process has as its root, without the mounts below it (open_tree(2)).</summary>
    /// <param name="process">Its descriptor (pidfd_open(2)).</param>
    public static Fd RootOf(Fd process)
    {
        var program = new LaunchProgram();
        program.NotDumpable();
        program.Join("the process's mounts", Slot.Extra, CloneFlags.NewMount);
        return Take(program, program.CloneHostTree("/", recursive: false, new MountChange(MountAttributes.None)), [(Slot.Extra, process)]);
    }

    /// <summary>What <paramref name="compile"/> mounts at a host directory, with everything below.</summary>
    /// <param name="compile">Adds operations; nothing they mount reaches this process's namespace.</param>
    public static Fd Build(string place, IReadOnlyList<(Slot Slot, Fd Fd)> slots, Action<LaunchProgram> compile)
    {
        var program = new LaunchProgram { Flags = CloneFlags.NewMount };
        program.SetPropagation(Propagation.Private);
        compile(program);
        return Take(program, program.CloneHostTree(place, recursive: true, new MountChange(MountAttributes.None)), slots);
    }

    private static Fd Take(LaunchProgram program, MountHandle made, IReadOnlyList<(Slot Slot, Fd Fd)> slots)
    {
        program.Add("hand the tree over", Pseudo.SyncSlot, HandOver, made.Slot.Value);
        program.Add("end", Nr.exit, 0);
        using var loaded = new LoadedProgram(program.ToBytes());
        Fd? tree = null;
        try
        {
            using Launched maker = Launching.Start(new LaunchRequest(loaded) { Slots = slots, OnSync = point => tree = point.TakeDescriptor() });
            Processes.TryReap(maker.Pid, wait: true, out _);
            return tree!;
        }
        catch (LaunchException e)
        {
            tree?.Dispose();
            throw new SyscallException(program.NameOf(e.Operation), e.Errno);
        }
    }
}
