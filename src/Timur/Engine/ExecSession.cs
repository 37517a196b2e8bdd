using Timur.Cgroups;
using Timur.CommandLine;
using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Runtime;

namespace Timur.Engine;

/// <summary>One more process in a running container; a child of the process that asks for it.</summary>
public sealed class ExecSession(ContainerStore store, ImageStore images)
{
    /// <summary>The options of <c>exec</c>.</summary>
    public static Option[] Options { get; } =
    [
        Option.Flag("detach", "run in the background", 'd'),
        Option.Flag("interactive", "keep standard input open", 'i'),
        Option.Flag("tty", "give the process a terminal", 't'),
        Option.List("env", "NAME=VALUE", "environment variable", 'e'),
        Option.Value("user", "USER[:GROUP]", "user by name or number", 'u'),
        Option.Value("workdir", "DIR", "working directory inside", 'w'),
        Option.Flag("privileged", "every capability, no seccomp"),
        Option.Value("detach-keys", "KEYS", "keys that leave the process running"),
    ];

    /// <summary>The terminal's master, when one was asked for.</summary>
    public Fd? Terminal { get; private set; }

    /// <summary>Launches; the caller waits for its end.</summary>
    /// <param name="output">Where standard output and error go instead of this process's own.</param>
    public Launched Start(Container container, Arguments arguments, TerminalSize? size, Fd? output = null)
    {
        if (!container.State.IsAlive)
        {
            throw new Failure($"container {container.Name} is not running", $"start it first: timur start {container.Name}");
        }

        if (container.State.Status == ContainerStatus.Paused)
        {
            throw new Failure($"container {container.Name} is paused", $"let it go on first: timur unpause {container.Name}");
        }

        IReadOnlyList<string> command = [.. arguments.Operands.Skip(1)];
        bool tty = arguments.Has("tty");
        LaunchProgram program = Compile(container, arguments, command, tty);
        using LoadedProgram loaded = new(program.ToBytes());
        using Fd target = Processes.TryOpen(container.State.Pid, out Errno why) ?? throw new SyscallException("pidfd_open", why, container.Name);
        using Fd processes = Files.Open($"/proc/{container.State.Pid}/ns/pid", Open.Read);
        Cgroup cgroup = ContainerCgroup.Of(store.Paths, container);
        // The host's own node, but no chmod through it reaches the host.
        using Fd view = ReadOnlyView.Of("/dev/null");
        using Fd nothing = Files.Open($"/proc/self/fd/{view.Raw}", Open.ReadWrite);
        using Fd input = Stream(arguments, 0, nothing);
        using Fd standard = output is not null ? Descriptors.Duplicate(output) : Stream(arguments, 1, nothing);
        using Fd error = output is not null ? Descriptors.Duplicate(output) : Stream(arguments, 2, nothing);
        LaunchRequest In(Fd? place) => new(loaded)
        {
            ProcessNamespace = processes,
            Cgroup = place,
            Slots = [(Slot.Extra, target), (Slot.Input, input), (Slot.Output, standard), (Slot.Error, error)],
            OnSync = point => TakeTerminal(point, size),
        };
        try
        {
            return CgroupEntry.Launch(In, cgroup, container.State.Pid);
        }
        catch (LaunchException e)
        {
            throw LaunchDiagnosis.ExplainExec(container, command[0], program.NameOf(e.Operation), e.Errno);
        }
    }

    private void TakeTerminal(SyncPoint point, TerminalSize? size)
    {
        Terminal = point.TakeDescriptor();
        if (size is { } known)
        {
            Kernel.Terminal.SetSize(Terminal, known);
        }
    }

    /// <summary>Duplicates, so that no number is below 3 when the program moves them into place.</summary>
    private static Fd Stream(Arguments arguments, int number, Fd nothing)
    {
        bool unused = arguments.Has("detach") || (number == 0 && !arguments.Has("interactive"));
        return Descriptors.Duplicate(unused ? nothing : Descriptors.Standard(number));
    }

    private static CloneFlags Also(Container container)
        => (container.Options.Texts("time-offset").Count > 0 ? CloneFlags.NewTime : CloneFlags.None)
            | (IdMaps.Of(container.Options, container.Id) is null ? CloneFlags.None : CloneFlags.NewUser);

    private LaunchProgram Compile(Container container, Arguments arguments, IReadOnlyList<string> command, bool tty)
    {
        RunOptions options = container.Options;
        Image? image = options.Image is null ? null : images.Resolve(container.Record.ImageId.Trim('0').Length == 0 ? "host" : container.Record.ImageId);
        string directory = store.Paths.Container(container.Id);
        var builder = new SpecBuilder(options, image, new SpecSurroundings(
            container.Id, directory, store.Paths.Stage, RootChoice.Trees(options, image, directory), store.Paths, _ => 0));
        Oci.ProcessSpec process = builder.ExecProcess(arguments, command, tty, out Oci.LinuxSeccomp? profile);
        Cgroup cgroup = ContainerCgroup.Of(store.Paths, container);
        return ExecCompiler.Compile(process, cgroup.TaskFiles, profile is null ? null : FilterCache.Get(store.Paths, profile), (Also(container) & CloneFlags.NewUser) != 0 ? Capabilities.Every : Capabilities.OwnBoundingSet(), Also(container));
    }
}
