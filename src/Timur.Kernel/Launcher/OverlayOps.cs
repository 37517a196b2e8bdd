using System.Globalization;

namespace Timur.Kernel.Launcher;

/// <summary>
/// Overlays (Documentation/filesystems/overlayfs.rst) on every kernel: by fsconfig(2), one layer at a time, where that is known (6.8 and later) and the
/// paths are short enough for it (255 bytes); otherwise by mount(2), whose options fit into a page because each path is a descriptor's number there.
/// The kernel's own answer decides: EINVAL means the other way.
/// </summary>
/// <remarks>Options are pairs as fsconfig(2) takes them: <c>lowerdir+</c> once for each layer, topmost first; a null value is a flag.</remarks>
public static class OverlayOps
{
    private const char HandOver = 'm';

    /// <summary>The first of the numbers that stand for paths: above what a launching process has open, and 500 layers stay below the usual limit.</summary>
    private const int FirstNumber = 300;

    /// <summary>Mounts an overlay on a host path that exists. Where fsconfig(2) does it, not a call more is made.</summary>
    public static void MountOverlay(this LaunchProgram program, IReadOnlyList<KeyValuePair<string, string?>> options, string target)
    {
        if (NeedsNumbers(options))
        {
            program.MountByNumbers(options, target);
            return;
        }

        Arg context = program.NewSlot();
        Arg mount = program.NewSlot();
        program.Add("fsopen overlay", Nr.fsopen, program.Text("overlay"), 1).Save(context);
        var attempts = new List<OpHandle> { program.Configure("overlay", context, "source", "overlay") };
        foreach ((string key, string? value) in options)
        {
            attempts.Add(program.Configure("overlay", context, key, value));
        }

        attempts.Add(program.Add("fsconfig overlay create", Nr.fsconfig, context, 6, 0, 0, 0));
        program.Add("fsmount overlay", Nr.fsmount, context, 1, 0).Save(mount);
        OpHandle attached = program.AttachToHost(new MountHandle(mount), target);
        foreach (OpHandle attempt in attempts)
        {
            attempt.Tolerate(Errno.EINVAL).OnErrorContinueHere();
        }

        program.MountByNumbers(options, target);
        attached.OnSuccessContinueHere();
    }

    /// <summary>An overlay that is attached nowhere, made by this process.</summary>
    /// <param name="parts">Detached mounts that the options' paths lead into. Kernels before 6.15 stack only what is attached somewhere.</param>
    /// <param name="stage">A host directory; what is attached there for a moment is seen by nobody.</param>
    public static Fd NewDetached(IReadOnlyList<KeyValuePair<string, string?>> options, IReadOnlyList<Fd> parts, string stage)
    {
        if (NeedsNumbers(options))
        {
            return MountApart(options, parts, stage);
        }

        try
        {
            return Mounts.NewDetached("overlay", "overlay", options, MountAttributes.None);
        }
        catch (SyscallException e) when (e.Errno == Errno.EINVAL)
        {
            return MountApart(options, parts, stage);
        }
    }

    /// <summary>Which paths take a backslash for an escape, and which as it is, differs from kernel to kernel.</summary>
    private static bool NeedsNumbers(IReadOnlyList<KeyValuePair<string, string?>> options) => options.Any(option => option.Value?.Contains('\\') == true);

    /// <summary>In a mount namespace of its own, from which only the finished overlay comes back.</summary>
    private static Fd MountApart(IReadOnlyList<KeyValuePair<string, string?>> options, IReadOnlyList<Fd> parts, string stage)
    {
        var program = new LaunchProgram { Flags = CloneFlags.NewMount };
        program.SetPropagation(Propagation.Private);
        foreach (Fd part in parts)
        {
            // Each covers the one before: they are reached by their descriptors.
            program.Add("attach a layer", Nr.move_mount, part.Raw, program.Text(""), Files.AtFdCwd, program.Text(stage), 0x4);
        }

        program.MountByNumbers(options, stage);
        MountHandle made = program.CloneHostTree(stage, recursive: false, new MountChange(MountAttributes.None));
        program.Add("hand the overlay over", Pseudo.SyncSlot, HandOver, made.Slot.Value);
        program.Add("end", Nr.exit, 0);
        using var loaded = new LoadedProgram(program.ToBytes());
        Fd? overlay = null;
        try
        {
            using Launched maker = Launching.Start(new LaunchRequest(loaded) { OnSync = point => overlay = point.TakeDescriptor() });
            Processes.TryReap(maker.Pid, wait: true, out _);
            return overlay!;
        }
        catch (LaunchException e)
        {
            overlay?.Dispose();
            throw new SyscallException(program.NameOf(e.Operation), e.Errno);
        }
    }

    /// <summary>mount(2) with paths that are numbers in /proc/self/fd: no byte of them has to be escaped, and 500 layers are a few thousand bytes.</summary>
    private static void MountByNumbers(this LaunchProgram program, IReadOnlyList<KeyValuePair<string, string?>> options, string target)
    {
        int mark = program.MarkSlots();
        Arg before = program.NewSlot();
        int next = FirstNumber;
        var layers = new List<string>();
        var words = new List<string>();
        foreach ((string key, string? value) in options)
        {
            switch (key)
            {
                case "lowerdir+": layers.Add(program.OpenAs(next++, value!)); break;
                case "upperdir" or "workdir": words.Add($"{key}={program.OpenAs(next++, value!)}"); break;
                case "volatile": words.Add(key); program.RemoveVolatileMark(options.First(pair => pair.Key == "workdir").Value!); break;
                default: words.Add(value is null ? key : $"{key}={value}"); break;
            }
        }

        string data = $"lowerdir={string.Join(':', layers)},{string.Join(',', words)}";
        program.Add("open .", Nr.openat, Files.AtFdCwd, program.Text("."), Files.OpenBits(Open.Path | Open.Directory), 0).Save(before);
        program.Add("chdir /proc/self/fd", Nr.chdir, program.Text("/proc/self/fd"));
        program.Add($"mount(overlay) {target}", Nr.mount, program.Text("overlay"), program.Text(target), program.Text("overlay"), 0, program.Text(data));
        program.Add("back to where it was", Nr.fchdir, before);
        program.Add("close the layers", Nr.close_range, FirstNumber, next - 1, 0);
        program.ReleaseSlots(mark);
    }

    /// <summary>A first attempt may have got as far as its mark, which refuses every further one.</summary>
    private static void RemoveVolatileMark(this LaunchProgram program, string work)
    {
        string mark = $"{work}/work/incompat/volatile";
        program.Add("unlink the first attempt's mark", Nr.unlinkat, Files.AtFdCwd, program.Text($"{mark}/dirty"), 0).Tolerate(Errno.ENOENT);
        program.Add("rmdir the first attempt's mark", Nr.unlinkat, Files.AtFdCwd, program.Text(mark), 0x200).Tolerate(Errno.ENOENT);
    }

    /// <summary>Opens a path as the descriptor with this number; the number's text.</summary>
    private static string OpenAs(this LaunchProgram program, int number, string path)
    {
        int mark = program.MarkSlots();
        Arg opened = program.NewSlot();
        program.Add($"open {path}", Nr.openat, Files.AtFdCwd, program.Text(path), Files.OpenBits(Open.Path | Open.Directory), 0).Save(opened);
        program.Add($"as descriptor {number}", Nr.dup3, opened, number, 0x80000);
        program.Add("close", Nr.close, opened);
        program.ReleaseSlots(mark);
        return number.ToString(CultureInfo.InvariantCulture);
    }
}
