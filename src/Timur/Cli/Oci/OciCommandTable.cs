using Timur.CommandLine;
using Timur.Kernel;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary>One verb of the OCI runtime's command line.</summary>
internal sealed record OciVerb(string Name, string Usage, string Summary, Func<Option[]> Options, Func<OciContext, Arguments, int> Run)
{
    /// <summary>Options of what is executed come behind the first operand.</summary>
    internal bool StopAtOperand { get; init; }

    /// <summary>How many operands there are: an id, if nothing else is said.</summary>
    internal (int Least, int Most) Operands { get; init; } = (1, 1);
}

/// <summary>
/// The command line by which engines drive an OCI runtime: <c>timur oci [global options] VERB [options] [operands]</c>, or the same after a program
/// name that ends in <c>runc</c> or <c>crun</c>.
/// </summary>
internal static class OciCommandTable
{
    private static readonly Option[] Global =
    [
        Option.Value("root", "DIR", "where the state of containers is kept (default " + StateRoot.Default + ")"),
        Option.Value("log", "FILE", "write the log there instead of standard error"),
        Option.Value("log-format", "text|json", "format of the log"),
        Option.Flag("systemd-cgroup", "systemd makes the cgroups of new containers (cgroupsPath is SLICE:PREFIX:NAME)"),
        Option.Value("cgroup-manager", "cgroupfs|systemd|disabled", "the same by another name; disabled: containers stay in the cgroups of whoever makes them"),
        Option.Value("rootless", "auto|true|false", "ignored: what can't be done says so itself"),
        Option.Value("criu", "FILE", "criu's program (default: criu, in PATH)"),
        Option.Flag("debug", "log more"),
        OciHelp.Option,
        Option.Flag("version", "show the version", 'v'),
    ];

    private static readonly OciVerb[] Verbs =
    [
        new("create", "[options] ID", "create a container from a bundle", () => CreateCommand.Options, CreateCommand.Run),
        new("start", "ID", "let a created container's process go on", () => [], StartCommand.Run),
        new("run", "[options] ID", "create and start a container, and stay with it", () => RunCommand.Options, RunCommand.Run),
        new("state", "ID", "print a container's state as JSON", () => [], StateCommand.Run),
        new("kill", "[options] ID [SIGNAL]", "send a signal (default TERM)", () => KillCommand.Options, KillCommand.Run) { Operands = (1, 2) },
        new("delete", "[options] ID", "remove a container that has stopped", () => DeleteCommand.Options, DeleteCommand.Run),
        new("exec", "[options] ID [COMMAND ARGUMENTS...]", "run a further process in a container", () => ExecCommand.Options, ExecCommand.Run) { StopAtOperand = true, Operands = (1, int.MaxValue) },
        new("list", "[options]", "list containers", () => ListCommand.Options, ListCommand.Run) { Operands = (0, 0) },
        new("ps", "[options] ID [PS-OPTIONS...]", "show a container's processes", () => PsCommand.Options, PsCommand.Run) { StopAtOperand = true, Operands = (1, int.MaxValue) },
        new("pause", "ID", "stop every process of a container for a while", () => [], PauseCommand.Run),
        new("resume", "ID", "let a paused container go on", () => [], ResumeCommand.Run),
        new("update", "[options] ID", "change a container's limits", () => UpdateCommand.Options, UpdateCommand.Run),
        new("events", "[options] ID", "show statistics and events", () => EventsCommand.Options, EventsCommand.Run),
        new("spec", "[options]", "write a configuration to start from", () => SpecCommand.Options, SpecCommand.Run) { Operands = (0, 0) },
        new("features", "", "print what this runtime supports, as JSON", () => [], FeaturesCommand.Run) { Operands = (0, 0) },
        new("checkpoint", "[options] ID", "write a container to the disk (needs criu)", () => CheckpointCommand.Options, CheckpointCommand.Run),
        new("restore", "[options] ID", "bring a container back from the disk (needs criu)", () => RestoreCommand.Options, RestoreCommand.Run),
    ];

    /// <summary>Whether a program of this name is asked to be an OCI runtime.</summary>
    internal static bool IsRuntimeName(ReadOnlySpan<char> program)
    {
        ReadOnlySpan<char> name = program[(program.LastIndexOf('/') + 1)..];
        return name.EndsWith("runc", StringComparison.Ordinal) || name.EndsWith("crun", StringComparison.Ordinal);
    }

    /// <summary>Runs a verb. Failures go to the log and to standard error, and end with 1, as callers expect.</summary>
    internal static int Run(ReadOnlySpan<string> words)
    {
        var log = new RuntimeLog(null, json: false, debug: false);
        OciVerb? verb = null;
        try
        {
            Arguments global = OciFlags.Parse(null, Global, words, stopAtOperand: true);
            if (global.Has("version") && !global.Has("help"))
            {
                return OciVersion.Print();
            }

            if (global.Has("help"))
            {
                return OciHelp.Print(Verbs, Global);
            }

            log = OpenLog(global);
            if (global.Operands is [] or ["help" or "h"])
            {
                return OciHelp.Print(Verbs, Global);
            }

            string[] operands = [.. global.Operands];
            bool asksForHelp = operands is ["help" or "h", ..];
            string name = operands[asksForHelp ? 1 : 0];
            verb = Array.Find(Verbs, known => known.Name == name);
            return verb is null ? NoSuchVerb(log, name) : asksForHelp ? OciHelp.Print(verb) : Execute(verb, operands.AsSpan(1), global, log);
        }
        catch (UsageException e)
        {
            OciHelp.PrintMistake(e, verb, Verbs, Global);
            Report(log, e.Message);
            return 1;
        }
        catch (Exception e) when (e is Failure or SyscallException or IOException or UnauthorizedAccessException)
        {
            // getcwd(3) is all that fails so here.
            string name = verb?.Name ?? "";
            Report(log, Prefix(name) + Message(e));
            Advise((e as Failure)?.Advice);

            // What exec gives back is its process's code; its own failure is told apart from most of those.
            const int execFailed = 255;
            return name == "exec" ? execFailed : 1;
        }
    }

    private static int NoSuchVerb(RuntimeLog log, string name)
    {
        const int unknown = 3;
        Report(log, $"No help topic for '{name}'");
        Advise("timur oci --help lists the commands");
        return unknown;
    }

    private static CgroupManager ManagerOf(Arguments global) => global.Text("cgroup-manager") switch
    {
        null or "" or "cgroupfs" => global.Has("systemd-cgroup") ? CgroupManager.Systemd : CgroupManager.Files,
        "systemd" => CgroupManager.Systemd,
        "disabled" => CgroupManager.Disabled,
        { } other => throw new Failure($"--cgroup-manager: '{other}' is none of cgroupfs, systemd and disabled", exitCode: 1),
    };

    private static int Execute(OciVerb verb, ReadOnlySpan<string> words, Arguments global, RuntimeLog log)
    {
        Arguments arguments = OciFlags.Parse(verb.Name, [.. verb.Options(), OciHelp.Option], words, verb.StopAtOperand);
        if (arguments.Has(OciHelp.Option.Name))
        {
            return OciHelp.Print(verb);
        }

        Count(verb, arguments.Operands.Count);
        string root = global.Text("root") ?? StateRoot.Default;
        return verb.Run(new OciContext(root.Length > 0 ? new StateRoot(Path.GetFullPath(root)) : throw new Failure("--root: it is empty", exitCode: 1), log, global.Text("criu") is { Length: > 0 } criu ? criu : "criu", ManagerOf(global)), arguments);
    }

    private static void Count(OciVerb verb, int count)
    {
        (int least, int most) = verb.Operands;
        if (count < least || count > most)
        {
            throw new UsageException($"\"{verb.Name}\" requires {(least == most ? $"exactly {least}" : count < least ? $"a minimum of {least}" : $"a maximum of {most}")} argument(s)", isCount: true);
        }
    }

    private static RuntimeLog OpenLog(Arguments global)
    {
        string format = global.Text("log-format") ?? "text";
        bool json = format == "json" || (format == "text" ? false : throw new Failure($"invalid log-format: {format}", "it is text or json", 1));
        string? file = global.Text("log") is { Length: > 0 } given && given != "/dev/stderr" ? given : null;
        var log = new RuntimeLog(file, json, global.Has("debug"));
        return log.TryOpen(out Errno why) ? log : throw new Failure($"open {file}: {why.Describe().ToLowerInvariant()}", "choose another place for --log", 1);
    }

    /// <summary>The kernel's reason as programs in Go write it.</summary>
    private static string Message(Exception e) => e switch
    {
        SyscallException { Errno: var why } => e.Message[..^why.Describe().Length] + why.Describe().ToLowerInvariant(),
        FileNotFoundException => "the working directory isn't there any more, and a path was given from it",
        _ => e.Message,
    };

    /// <summary>Engines quote the whole message: it says which of their calls it was.</summary>
    private static string Prefix(string verb) => verb switch
    {
        "create" or "run" => $"timur-runc {verb} failed: ",
        "exec" => "exec failed: ",
        _ => "",
    };

    private static void Report(RuntimeLog log, string message)
    {
        log.Error(message);
        if (log.IsFile)
        {
            CommandContext.Note(message);
        }
    }

    /// <summary>What to do next is for people: engines quote every byte of standard error.</summary>
    private static void Advise(string? advice)
    {
        if (advice is not null && Terminal.Is(Descriptors.Standard(2)))
        {
            CommandContext.Note("  " + advice);
        }
    }
}
