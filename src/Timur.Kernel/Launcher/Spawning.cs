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
}
