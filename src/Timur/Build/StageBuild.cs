using System.Diagnostics;
using Timur.Build.Contexts;
using Timur.Build.Dockerfiles;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Kernel;
using Timur.Oci;
using Timur.Storage;

namespace Timur.Build;

/// <summary>Executes the instructions of one stage, one after another.</summary>
internal sealed class StageBuild(ImageBuild build, Stage stage)
{
    private const string ImagePrefix = "container-image://";

    private readonly Dictionary<string, string?> _arguments = [];
    private StageState _state = new() { Config = new ImageConfig() };
    private bool _hasCommand;
    private int _number;
    private int _total = stage.Instructions.Count + 1;

    internal ImageBuild Build => build;

    internal Stage Stage => stage;

    internal StageState State => _state;

    internal StageState Run()
    {
        IReadOnlyList<string> triggers = Begin();
        foreach (string trigger in triggers)
        {
            Execute(Dockerfile.ParseOne($"ONBUILD of {stage.From.Image}", trigger));
        }

        foreach (Instruction instruction in stage.Instructions)
        {
            Execute(instruction);
        }

        return _state;
    }

    /// <summary>Variables as instructions see them: ENV wins over ARG.</summary>
    internal Expansion Expansion(Place at) => new(name => ConfigChange.Variable(_state.Config.Env, name) ?? _arguments.GetValueOrDefault(name), build.Options.Dockerfile.Escape, at);

    /// <summary>What ARG declared so far and ENV doesn't hide, as <c>NAME=VALUE</c>.</summary>
    internal IEnumerable<string> DeclaredArguments
        => _arguments.Where(pair => pair.Value is not null && ConfigChange.Variable(_state.Config.Env, pair.Key) is null).Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal);

    /// <summary>The files of a stage, of a further context, or of an image, by the name that <c>from</c> gives.</summary>
    internal SourceTree SourceOf(string name, Place at)
    {
        return LayersOf(name, at) is { } layers ? TreeOf(layers, build.FindStage(name, stage.Index) is null ? $"image {name}" : $"stage {name}")
            : DirectoryTree(name, build.Options.NamedContexts[name], at);
    }

    /// <summary>Layers of a stage or image that <c>from</c> names; null for a context.</summary>
    internal IReadOnlyList<string>? LayersOf(string name, Place at)
    {
        if (build.FindStage(name, stage.Index) is { } other)
        {
            return build.Await(other).LayerDirectories;
        }

        bool isContext = build.Options.NamedContexts.TryGetValue(name, out string? context) && !context.StartsWith(ImagePrefix, StringComparison.Ordinal);
        string reference = context is null ? name : context[(isContext ? 0 : ImagePrefix.Length)..];
        return isContext ? null : reference == "scratch" ? [] : [.. build.Keep(build.Fetch(reference, build.Options.Platform, at)).Select(layer => layer.Directory)];
    }

    private static SourceTree DirectoryTree(string name, string path, Place at)
    {
        Fd directory = Files.TryOpen(path, Open.Read | Open.Directory, out Errno why) ?? throw at.Error($"--build-context {name}: {path}: {why.Describe()}", "give a directory");
        return new SourceTree(directory, IgnoreRules.None, keepsOwners: false, $"context {name}");
    }

    private SourceTree TreeOf(IReadOnlyList<string> layers, string title)
        => new(LayerTree.Open(layers.Count == 0 ? [build.Empty] : layers, build.Empty), IgnoreRules.None, keepsOwners: true, title);

    /// <summary>FROM; what the image wants done first.</summary>
    private IReadOnlyList<string> Begin() => Step(stage.From, () =>
    {
        var expansion = new Expansion(build.Arguments.Global, build.Options.Dockerfile.Escape, stage.From.At);
        string name = expansion.Word(stage.From.Image);
        string? platform = stage.From.Platform is { } text ? expansion.Word(text) : build.Options.Platform;
        platform = platform is { Length: 0 } ? null : platform;
        if (name.Length == 0)
        {
            throw stage.From.At.Error("FROM names nothing when its variables are replaced", "give the ARG before FROM a default, or --build-arg");
        }

        if (build.FindStage(name, stage.Index) is { } other)
        {
            _state = build.Await(other);
            return (StepEnd.Done, TakeTriggers());
        }

        if (name == "scratch")
        {
            Platform target = platform is null ? Platform.Own : Platform.Parse(platform);
            _state = new StageState
            {
                Config = new ImageConfig
                {
                    Os = target.Os, Architecture = target.Architecture, Variant = target.Variant.Length > 0 ? target.Variant : null,
                    Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                },
            };
            return (StepEnd.Done, []);
        }

        string reference = build.Options.NamedContexts.TryGetValue(name, out string? context) && context.StartsWith(ImagePrefix, StringComparison.Ordinal) ? context[ImagePrefix.Length..] : name;
        Image image = build.Fetch(reference, platform, stage.From.At);
        List<KeptLayer> layers = build.Keep(image);
        _state = new StageState { Config = image.Config, Layers = layers, BaseLayers = layers.Count, History = image.Config.History };
        return (StepEnd.Done, TakeTriggers());
    });

    private IReadOnlyList<string> TakeTriggers()
    {
        IReadOnlyList<string> triggers = _state.Config.OnBuild;
        _state = _state with { Config = _state.Config with { OnBuild = [] } };
        _total += triggers.Count;
        return triggers;
    }

    private void Execute(Instruction instruction) => Step(instruction, () =>
    {
        switch (instruction)
        {
            case ArgInstruction arg:
                Declare(arg);
                return (StepEnd.Done, 0);
            case RunInstruction run:
                return (FromCache(new RunStep(this, run)), 0);
            case CopyInstruction copy:
                using (var step = new CopyStep(this, copy))
                {
                    return (FromCache(step), 0);
                }

            case TextInstruction { Keyword: "WORKDIR" } directory:
                Configure(directory);
                return (FromCache(new DirectoryStep(this, directory)), 0);
            default:
                Configure(instruction);
                return (StepEnd.Done, 0);
        }
    });

    private void Declare(ArgInstruction arg)
    {
        foreach ((string name, string? fallback) in arg.Variables)
        {
            Expansion expansion = Expansion(arg.At);
            _arguments[name] = build.Arguments.Declare(name, fallback is null ? null : expansion.Word(fallback));
        }

        _state = _state.With(_state.Config, Title(arg));
    }

    private void Configure(Instruction instruction)
    {
        ImageConfig config = ConfigChange.Apply(_state.Config, instruction, Expansion(instruction.At), _hasCommand);
        _hasCommand |= instruction is CommandInstruction { Keyword: "CMD" };
        _state = instruction is TextInstruction { Keyword: "WORKDIR" } ? _state with { Config = config } : _state.With(config, CreatedBy(instruction, config));
    }

    /// <summary>What is recorded of an instruction whose words were replaced.</summary>
    private static string CreatedBy(Instruction instruction, ImageConfig config) => instruction switch
    {
        EnvInstruction env => $"ENV {string.Join(' ', env.Variables.Select(pair => $"{pair.Name}={ConfigChange.Variable(config.Env, pair.Name)}"))}",
        CommandInstruction { Keyword: "CMD" } => $"CMD {Json(config.Cmd)}",
        CommandInstruction => $"ENTRYPOINT {Json(config.Entrypoint)}",
        TextInstruction { Keyword: "USER" } => $"USER {config.User}",
        _ => Title(instruction),
    };

    private static string Json(IReadOnlyList<string> words) => $"[{string.Join(' ', words.Select(word => $"\"{word}\""))}]";

    /// <summary>What an earlier build made of the same step, or what it makes now.</summary>
    private StepEnd FromCache(LayerStep step)
    {
        string key = step.Key();
        if (build.Known(key, stage) is { } known)
        {
            KeptLayer? layer = known.DiffId is null ? null : build.Layers.TryKeep(known.DiffId);
            if (known.DiffId is null || layer is not null)
            {
                build.Offer(key, known);
                _state = _state.With(layer is null ? null : build.Hold(layer), build.Options.Epoch ?? known.Created, step.CreatedBy);
                return StepEnd.Cached;
            }
        }

        build.Cancel.ThrowIfCancellationRequested();
        build.Progress.Work(Current);
        KeptLayer? made = step.Make();
        DateTimeOffset created = build.Options.Epoch ?? ImageBuild.Now();
        var done = new CachedStep(made?.DiffId, created);
        build.Record(key, done);
        build.Offer(key, done);
        _state = _state.With(made is null ? null : build.Hold(made), created, step.CreatedBy);
        return StepEnd.Done;
    }

    /// <summary>The step that is being executed.</summary>
    internal StepTitle Current { get; private set; } = new("", 0, 0, "");

    private T Step<T>(Instruction instruction, Func<(StepEnd How, T Result)> action)
    {
        bool alone = build.Options.Dockerfile.Stages.Count == 1;
        var step = new StepTitle(alone ? "" : stage.From.Name ?? $"stage-{stage.Index}", ++_number, _total, Title(instruction));
        Current = step;
        build.Cancel.ThrowIfCancellationRequested();
        build.Progress.Begin(step);
        long start = Stopwatch.GetTimestamp();
        try
        {
            (StepEnd how, T result) = action();
            build.Progress.End(step, how, Stopwatch.GetElapsedTime(start));
            return result;
        }
        catch (Exception e)
        {
            build.Progress.End(step, StepEnd.Failed, Stopwatch.GetElapsedTime(start));
            throw e is SyscallException or IOException ? instruction.At.Error(e.Message, e is SyscallException { Errno: Errno.ENOSPC } ? "the disk is full: free some space" : "the line above says what was tried", e) : e;
        }
    }

    /// <summary>The instruction as it is written, on one line.</summary>
    internal static string Title(Instruction instruction)
    {
        if (instruction.At.Lines.Any(line => line.Contains("<<", StringComparison.Ordinal)))
        {
            return instruction.At.Lines[0].Trim();
        }

        return string.Join(' ', instruction.At.Lines.Select(line => line.Trim().TrimEnd('\\', '`').Trim()).Where(line => line.Length > 0 && line[0] != '#'));
    }
}
