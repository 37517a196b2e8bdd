namespace Timur.Kernel.Launcher;

/// <summary>Starts ordinary programs by a launch program, so that no thread is needed and nothing but the named descriptors is inherited.</summary>
public static class Spawning
{
    /// <summary>
    /// Starts this program once more, in a session of its own, standard streams on /dev/null, <paramref name="descriptor3"/> as descriptor 3. Its file is
    /// behind a read-only mount (see <see cref="OwnProgram"/>). Returns its id.
    /// </summary>
    public static Launched Background(IReadOnlyList<string> arguments, IReadOnlyList<string> environment, Fd descriptor3)
    {
        var program = new LaunchProgram();
        program.ResetSignals();
        program.NewSession();
        Arg nothing = program.NewSlot();
        program.Add("open /dev/null", Nr.openat, Files.AtFdCwd, program.Text("/dev/null"), Files.OpenBits(Kernel.Open.ReadWrite), 0).Save(nothing);
        for (int stream = 0; stream < 3; stream++)
        {
            program.Add("dup3", Nr.dup3, nothing, stream, 0);
        }

        int parked = ResourceLimits.ParkingPlace;
        int parkedProgram = parked - 2;
        program.Add("park", Nr.dup3, Slot.Extra, parked - 1, 0x80000).Save(Slot.Extra);
        program.Add("park", Nr.dup3, Slot.Parent, parked, 0x80000).Save(Slot.Parent);
        program.Add("dup3", Nr.dup3, Slot.Extra, 3, 0);
        string path = OwnProgram.Path;
        if (!OwnProgram.IsReadOnly)
        {
            MountHandle view = program.CloneHostTree(OwnProgram.Path, recursive: false, new MountChange(MountAttributes.ReadOnly));
            program.Add("park", Nr.dup3, view.Slot, parkedProgram, 0x80000);
            path = $"/proc/self/fd/{parkedProgram}";
        }

        program.Add("close the rest", Nr.close_range, 4, parkedProgram - 1, 0);
        program.Add("chdir /", Nr.chdir, program.Text("/"));
        program.Execute([path], arguments, environment);
        using var loaded = new LoadedProgram(program.ToBytes());
        return Launching.Start(new LaunchRequest(loaded) { Slots = [(Slot.Extra, descriptor3)] });
    }

    /// <summary>Starts a program with this process's standard streams, and these descriptors numbered from 3 on; no other is inherited.</summary>
    /// <param name="paths">The first that exists is executed.</param>
    public static Launched Child(IReadOnlyList<string> paths, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, IReadOnlyList<Fd> descriptors)
    {
        var program = new LaunchProgram();
        program.ResetSignals();
        int parked = ResourceLimits.ParkingPlace;
        program.Add("park", Nr.dup3, Slot.Parent, parked, 0x80000).Save(Slot.Parent);
        for (int i = 0; i < descriptors.Count; i++)
        {
            // Out of the way of the numbers they are going to have.
            program.Add("park", Nr.dup3, Slot.Extra + i, parked - 1 - i, 0x80000).Save(Slot.Extra + i);
        }

        for (int i = 0; i < descriptors.Count; i++)
        {
            program.Add("dup3", Nr.dup3, Slot.Extra + i, 3 + i, 0);
        }

        program.Add("close the rest", Nr.close_range, 3 + descriptors.Count, parked - 1 - descriptors.Count, 0);
        program.Execute(paths, arguments, environment);
        using var loaded = new LoadedProgram(program.ToBytes());
        return Launching.Start(new LaunchRequest(loaded) { Slots = [.. descriptors.Select((descriptor, i) => (Slot.Extra + i, descriptor))] });
    }
}
