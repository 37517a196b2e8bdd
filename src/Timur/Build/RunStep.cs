using System.Text;
using Timur.Build.Dockerfiles;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;
using Timur.Oci;

namespace Timur.Build;

/// <summary>RUN: a command in a container on the files so far; what it writes is the layer.</summary>
internal sealed class RunStep : LayerStep
{
    private const string ScriptPlace = "/dev/timur-build/";

    private readonly RunInstruction _instruction;
    private readonly IReadOnlyList<RunMount> _mounts;
    private readonly IReadOnlyList<string> _words;
    private readonly string _network;

    internal RunStep(StageBuild stage, RunInstruction instruction)
        : base(stage)
    {
        _instruction = instruction;
        Expansion expansion = stage.Expansion(instruction.At);
        _mounts = [.. instruction.Mounts.Select(text => RunMount.Parse(text, expansion, instruction.At))];
        _network = instruction.Network switch
        {
            null or "default" => Build.Options.Network,
            "none" or "host" => instruction.Network,
            _ => throw instruction.At.Error($"RUN --network={instruction.Network} isn't possible", "use default, none or host"),
        };
        if (instruction.Security is not (null or "sandbox" or "insecure"))
        {
            throw instruction.At.Error($"RUN --security={instruction.Security} isn't possible", "use sandbox or insecure");
        }

        if (IsInsecure && !Build.Options.AllowsInsecure)
        {
            throw instruction.At.Error("RUN --security=insecure wants to be as good as root on this machine", "allow it: timur build --allow security.insecure");
        }

        _words = HasOwnInterpreter ? [ScriptPlace + instruction.Script!.Name] : ConfigChange.Words(instruction.Command, stage.State.Config);
        if (_words.Count == 0 || _words[0].Length == 0)
        {
            throw instruction.At.Error("RUN has no command", "for example RUN [\"make\", \"install\"]");
        }
    }

    internal override string CreatedBy
    {
        get
        {
            string[] arguments = [.. Stage.DeclaredArguments];
            string before = arguments.Length == 0 ? "" : $"|{arguments.Length} {string.Join(' ', arguments)} ";
            return $"RUN {before}{string.Join(' ', _words)}";
        }
    }

    private bool IsInsecure => _instruction.Security == "insecure";

    /// <summary>A here-document that names its interpreter is executed as a file.</summary>
    private bool HasOwnInterpreter => _instruction.Script?.Content.StartsWith("#!", StringComparison.Ordinal) == true;

    internal override string Key()
    {
        ImageConfig config = Stage.State.Config;
        StepKey key = KeyOf("run").Add(_words).Add(HasOwnInterpreter ? _instruction.Script!.Content : "").Add(config.Env.ToArray()).Add([.. Stage.DeclaredArguments])
            .Add(config.User).Add(config.WorkingDir).Add(_network).Add(IsInsecure.ToString()).Add(Build.Options.RunWords.ToArray());
        foreach (RunMount mount in _mounts)
        {
            key.Add(mount.ToString());
            if (mount.Type == "bind")
            {
                RunMounts.AddContent(Stage, mount, _instruction.At, key);
            }
        }

        return key.Finish();
    }

    internal override KeptLayer? Make()
    {
        using var container = new StepContainer(Build.Containers);
        using var mounts = new RunMounts(Stage, container, _instruction.At);
        CopyRoot(Stage.State.LayerDirectories, container.Upper);
        foreach (RunMount mount in _mounts)
        {
            mounts.Add(mount);
        }

        if (HasOwnInterpreter)
        {
            mounts.AddScript(ScriptPlace + _instruction.Script!.Name, _instruction.Script.Content);
        }

        Image image = mounts.Over(ImageOfStage(mounts.Variables));
        var tail = new OutputTail();
        int code = Run(container, image, mounts, (bytes, _) =>
        {
            tail.Add(bytes);
            Build.Progress.Output(Stage.Current, bytes);
        });
        foreach (string warning in container.Warnings)
        {
            Build.Progress.Say($"timur: warning: {warning}");
        }

        if (code != 0)
        {
            OpenShell(container, image, mounts, code);
            throw Failed(code, tail);
        }

        return Take(container.Upper);
    }

    private int Run(StepContainer container, Image image, RunMounts mounts, StepOutput output)
    {
        try
        {
            return container.Run(OptionsOf(_words, isTerminal: false), image, mounts.Result, output, Build.Cancel);
        }
        catch (Failure e)
        {
            throw _instruction.At.Error(e.Message, e.Advice, e);
        }
    }

    private Image ImageOfStage(IEnumerable<string> variables) => new("", "stage", Stage.State.LayerDirectories, Stage.State.Config with
    {
        Env = [.. Build.Arguments.ProxyVariables, .. Stage.DeclaredArguments, .. Stage.State.Config.Env, .. variables], Entrypoint = [], Cmd = [], Volumes = [],
    });

    private RunOptions OptionsOf(IReadOnlyList<string> words, bool isTerminal) => RunOptions.FromCanonical(
    [
        $"--network={_network}", "--hostname=build", "--root-sync=volatile", .. Build.Options.RunWords, .. IsInsecure ? (string[])["--privileged"] : [],
        .. isTerminal ? (string[])["--tty", "--interactive"] : [], "--", "stage", .. words,
    ]);

    /// <summary>On a terminal, in the files as the failed command left them.</summary>
    private void OpenShell(StepContainer container, Image image, RunMounts mounts, int code)
    {
        if (!Build.Options.OpensShell)
        {
            return;
        }

        Build.Progress.StepAside();
        Build.Progress.Say($"{_instruction.At.File}:{_instruction.At.Line}: exit code {code}; this shell is where it failed, exit leaves it\n{_instruction.At.Show()}");
        string shell = ConfigChange.Shell(Stage.State.Config)[0];
        container.Run(OptionsOf([shell], isTerminal: true), image, mounts.Result, output: null, Build.Cancel);
    }

    /// <summary>The build ends as the command did, as in Docker, Podman and buildah.</summary>
    private Failure Failed(int code, OutputTail tail)
    {
        var text = new StringBuilder($"{_instruction.At.File}:{_instruction.At.Line}: RUN ended with exit code {code}{Meaning(code)}\n{_instruction.At.Show()}");
        IReadOnlyList<string> lines = tail.Lines;
        if (lines.Count > 0)
        {
            text.Append("\n  the last it wrote:");
            foreach (string line in lines)
            {
                text.Append("\n    ").Append(line);
            }
        }

        return new Failure(text.ToString(), "to look around where it failed: timur build --on-error=shell …; steps that were done before needn't be done again", code);
    }

    private static string Meaning(int code) => code switch
    {
        126 => " (it isn't executable)",
        127 => " (command not found)",
        137 => " (killed: often memory ran out)",
        > 128 and < 193 => $" (signal {Signals.Name(code - 128)})",
        _ => "",
    };
}
