namespace Timur.Kernel.Launcher;

/// <summary>Starts ordinary programs by a launch program, so that no thread is needed and nothing but the named descriptors is inherited.</summary>
public static class Spawning
{
    /// <summary>
    /// Starts <paramref name="path"/> in a session of its own, standard streams on /dev/null, <paramref name="descriptor3"/> as descriptor 3.
    /// Returns its id.
    /// </summary>
    public static Launched Background(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, Fd descriptor3)
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

        program.Add("park", Nr.dup3, Slot.Extra, 999, 0x80000).Save(Slot.Extra);
        program.Add("park", Nr.dup3, Slot.Parent, 1000, 0x80000).Save(Slot.Parent);
        program.Add("dup3", Nr.dup3, Slot.Extra, 3, 0);
        program.Add("close the rest", Nr.close_range, 4, 998, 0);
        program.Add("chdir /", Nr.chdir, program.Text("/"));
        program.Execute([path], arguments, environment);
        using var loaded = new LoadedProgram(program.ToBytes());
        return Launching.Start(new LaunchRequest(loaded) { Slots = [(Slot.Extra, descriptor3)] });
    }
}
