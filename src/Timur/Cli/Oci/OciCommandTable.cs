using Timur.CommandLine;
using Timur.Kernel;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary>One verb of the OCI runtime's command line.</summary>
internal sealed record OciVerb(string Name, string Usage, string Summary, Func<Option[]> Options, Func<OciContext, Arguments, int> Run, bool StopAtOperand = false);

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
        Option.Flag("help", "show help", 'h'),
        Option.Flag("version", "show the version", 'v'),
    ];

    private static readonly OciVerb[] Verbs =
    [
        new("create", "[options] ID", "create a container from a bundle", () => CreateCommand.Options, CreateCommand.Run),
        new("start", "ID", "let a created container's process go on", () => [], StartCommand.Run),
        new("run", "[options] ID", "create and start a container, and stay with it", () => RunCommand.Options, RunCommand.Run),
        new("state", "ID", "print a container's state as JSON", () => [], StateCommand.Run),
        new("kill", "[options] ID [SIGNAL]", "send a signal (default TERM)", () => KillCommand.Options, KillCommand.Run),
        new("delete", "[options] ID", "remove a container that has stopped", () => DeleteCommand.Options, DeleteCommand.Run),
        new("exec", "[options] ID [COMMAND ARGUMENTS...]", "run a further process in a container", () => ExecCommand.Options, ExecCommand.Run, StopAtOperand: true),
        new("list", "[options]", "list containers", () => ListCommand.Options, ListCommand.Run),
        new("ps", "[options] ID [PS-OPTIONS...]", "show a container's processes", () => PsCommand.Options, PsCommand.Run, StopAtOperand: true),
        new("pause", "ID", "stop every process of a container for a while", () => [], PauseCommand.Run),
        new("resume", "ID", "let a paused container go on", () => [], ResumeCommand.Run),
        new("update", "[options] ID", "change a container's limits", () => UpdateCommand.Options, UpdateCommand.Run),
        new("events", "[options] ID", "show statistics and events", () => EventsCommand.Options, EventsCommand.Run),
        new("spec", "[options]", "write a configuration to start from", () => SpecCommand.Options, SpecCommand.Run),
        new("features", "", "print what this runtime supports, as JSON", () => [], FeaturesCommand.Run),
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
        string verb = "";
        try
        {
            int first = 0;
            while (first < words.Length && words[first].StartsWith('-'))
            {
                first += TakesValue(words[first]) ? 2 : 1;
            }

            first = Math.Min(first, words.Length);
            Arguments global = Arguments.Parse("oci", Global, Dashed(words[..first], Global), stopAtOperand: true);
            log = OpenLog(global);
            if (global.Has("version"))
            {
                return OciVersion.Print();
            }

            if (first == words.Length || global.Has("help") || words[first] is "help" or "h")
            {
                return PrintHelp();
            }

            verb = words[first];
            OciVerb command = Find(verb) ?? throw new Failure($"No help topic for '{verb}'", "timur oci --help lists the commands", 1);
            return Execute(command, words[(first + 1)..], global, log);
        }
        catch (Exception e) when (e is Failure or SyscallException or IOException or UnauthorizedAccessException)
        {
            // getcwd(3) is all that fails so here.
            Report(log, Prefix(verb, e) + (e is FileNotFoundException ? "the working directory isn't there any more, and a path was given from it" : e.Message));
            Advise((e as Failure)?.Advice);

            // What exec gives back is its process's code; its own failure is told apart from most of those.
            const int execFailed = 255;
            return verb == "exec" ? execFailed : 1;
        }
    }

    private static CgroupManager ManagerOf(Arguments global) => global.Text("cgroup-manager") switch
    {
        null or "" or "cgroupfs" => global.Has("systemd-cgroup") ? CgroupManager.Systemd : CgroupManager.Files,
        "systemd" => CgroupManager.Systemd,
        "disabled" => CgroupManager.Disabled,
        { } other => throw new Failure($"--cgroup-manager: '{other}' is none of cgroupfs, systemd and disabled", exitCode: 1),
    };

    private static OciVerb? Find(string name) => Array.Find(Verbs, verb => verb.Name == name);

    private static int Execute(OciVerb command, ReadOnlySpan<string> words, Arguments global, RuntimeLog log)
    {
        Option[] options = command.Options();
        foreach (string word in words)
        {
            if (word is "--help" or "-h")
            {
                return PrintHelp(command, options);
            }

            if (word == "--" || (command.StopAtOperand && !word.StartsWith('-')))
            {
                break;
            }
        }

        var arguments = Arguments.Parse(command.Name, options, Dashed(words, options), command.StopAtOperand);
        return command.Run(new OciContext(new StateRoot(Path.GetFullPath(global.Text("root") ?? StateRoot.Default)), log, global.Text("criu") is { Length: > 0 } criu ? criu : "criu", ManagerOf(global)), arguments);
    }

    private static RuntimeLog OpenLog(Arguments global)
    {
        string format = global.Text("log-format") ?? "text";
        bool json = format == "json" || (format == "text" ? false : throw new Failure($"--log-format: '{format}' is neither text nor json", exitCode: 1));
        return new RuntimeLog(global.Text("log") is { Length: > 0 } file && file != "/dev/stderr" ? file : null, json, global.Has("debug"));
    }

    /// <summary>Engines quote the whole message: it says which of their calls it was.</summary>
    private static string Prefix(string verb, Exception e) => verb switch
    {
        _ when e is Failure { Message: "container does not exist" } => "",
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

    private static bool TakesValue(string word)
        => !word.Contains('=') && Array.Find(Global, option => option.Name == word.TrimStart('-')) is { Kind: OptionKind.Value };

    /// <summary>Other runtimes take long options with one dash, too.</summary>
    private static string[] Dashed(ReadOnlySpan<string> words, Option[] options)
    {
        string[] dashed = words.ToArray();
        for (int i = 0; i < dashed.Length && dashed[i] != "--"; i++)
        {
            string word = dashed[i];
            if (word.Length > 2 && word[0] == '-' && word[1] != '-')
            {
                int equals = word.IndexOf('=');
                string name = equals < 0 ? word[1..] : word[1..equals];
                dashed[i] = Array.Exists(options, option => option.Name == name) ? "-" + word : word;
            }
        }

        return dashed;
    }

    /// <summary>In the sections that other runtimes have.</summary>
    private static int PrintHelp()
    {
        OciContext.Line("NAME:\n   timur-runc - Open Container Initiative runtime\n\nUSAGE:\n   timur oci [global options] COMMAND [options] [ARGUMENTS...]\n\nCOMMANDS:");
        foreach (OciVerb verb in Verbs)
        {
            OciContext.Line($"   {verb.Name,-12}{verb.Summary}");
        }

        OciContext.Line("\nGLOBAL OPTIONS:");
        return PrintOptions(Global);
    }

    private static int PrintHelp(OciVerb verb, Option[] options)
    {
        OciContext.Line($"NAME:\n   timur-runc {verb.Name} - {verb.Summary}\n\nUSAGE:\n   timur oci {verb.Name} {verb.Usage}{(options.Length > 0 ? "\n\nOPTIONS:" : "")}");
        return PrintOptions(options);
    }

    private static int PrintOptions(Option[] options)
    {
        foreach (Option option in options)
        {
            OciContext.Line($"   {option.Display + " " + option.ValueName,-34} {option.Help}");
        }

        return 0;
    }
}
