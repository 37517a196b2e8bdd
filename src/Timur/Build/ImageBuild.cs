using System.Collections.Concurrent;
using Timur.Build.Dockerfiles;
using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;
using Timur.Oci;
using Timur.Storage;

namespace Timur.Build;

/// <summary>
/// One build: the stages that the target needs, each on a thread of its own, which waits where it needs another one's files. What is made is held until an
/// image names it.
/// </summary>
public sealed class ImageBuild : IDisposable
{
    private readonly ConcurrentBag<IDisposable> _held = [];
    private readonly ConcurrentBag<LayerOrigin> _origins = [];
    private readonly ConcurrentBag<string> _replaced = [];
    private readonly CancellationTokenSource _cancel;
    private readonly Dictionary<int, Task<StageState>> _stages = [];
    private readonly Lock _starting = new();
    private readonly Lock _fetching = new();
    private Exception? _first;
    private StepExchange? _exchange;

    public ImageBuild(ImageStore images, ContainerStore containers, BuildOptions options, IBuildProgress progress, CancellationToken cancel)
    {
        (Images, Containers, Options, Progress) = (images, containers, options, progress);
        Layers = new LayerMaking(images);
        Arguments = new BuildArguments(options.Dockerfile, options);
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(cancel);
    }

    internal ImageStore Images { get; }

    private StepExchange Exchange
    {
        get
        {
            if (_exchange is null)
            {
                ImageSource source = Options.Registry();
                _exchange = new StepExchange(Images, source.Settings, source.Progress);
            }

            return _exchange;
        }
    }

    internal ContainerStore Containers { get; }

    internal BuildOptions Options { get; }

    internal IBuildProgress Progress { get; }

    internal LayerMaking Layers { get; }

    internal BuildArguments Arguments { get; }

    internal CancellationToken Cancel => _cancel.Token;

    /// <summary>An empty directory of the host.</summary>
    internal string Empty => Containers.Paths.Stage;

    /// <summary>Builds the target and gives it its names; what was done stays for the next build, whether this one succeeds or not.</summary>
    public Image Run(IReadOnlyList<ImageName> names)
    {
        try
        {
            StageState state = RunTarget();
            return Name(Finish(Options.SquashesAll ? Squashed(state with { BaseLayers = 0 }, 0) : Options.Squashes ? Squashed(state, BaseSteps(state)) : state), names);
        }
        finally
        {
            Images.Settling.FinishInBackground();
        }
    }

    private Image Name(ImageConfig config, IReadOnlyList<ImageName> names)
    {
        foreach (string name in Arguments.Unused)
        {
            Progress.Say($"timur: warning: --build-arg {name}: no ARG asks for it");
        }

        Image image = Images.Add(config, names.Count > 0 ? names[0] : null, _origins.OrderBy(origin => origin.Blob.Digest.ToString(), StringComparer.Ordinal).DistinctBy(origin => origin.DiffId));
        Images.Annotations.Write(image.Id, Options.Annotations);
        foreach (ImageName name in names.Skip(1))
        {
            Images.Tag(image, name);
        }

        return image;
    }

    /// <summary>Builds the target's files; the tree ends with its descriptor.</summary>
    public Fd RunToTree()
    {
        StageState state;
        try
        {
            state = RunTarget();
        }
        finally
        {
            Images.Settling.FinishInBackground();
        }

        return LayerTree.Open(state.Layers.Count == 0 ? [Empty] : state.LayerDirectories, Empty);
    }

    public void Dispose()
    {
        while (_held.TryTake(out IDisposable? one))
        {
            one.Dispose();
        }

        if (!_replaced.IsEmpty)
        {
            Images.DiscardUnused(_replaced);
        }

        _cancel.Dispose();
    }

    /// <summary>Records what a step came to. A layer that the record named before goes at the end, unless somebody else has it.</summary>
    internal void Record(string key, CachedStep step)
    {
        if (Images.Cache.TryGet(key)?.DiffId is { } former && former != step.DiffId)
        {
            _replaced.Add(Images.DirectoryOf(former));
        }

        Images.Cache.Add(key, step);
    }

    /// <summary>What an earlier build made of a step: here, or where <c>--cache-from</c> says.</summary>
    internal CachedStep? Known(string key, Stage stage)
    {
        bool ignored = Options.IgnoresCache || Options.IgnoresCacheOf.Any(name => name.Equals(stage.From.Name, StringComparison.OrdinalIgnoreCase) || name == stage.Index.ToString());
        CachedStep? known = ignored ? null : Images.Cache.TryGet(key);
        if (ignored || (known is not null && (known.DiffId is null || Files.Exists(Images.DirectoryOf(known.DiffId)))))
        {
            return known;
        }

        foreach (StepPlace place in Options.CacheFrom)
        {
            lock (_fetching)
            {
                if (Exchange.TryGet(place, key, Cancel) is { } found)
                {
                    if (found.Layer is not null)
                    {
                        Hold(found.Layer);
                    }

                    Record(key, found.Step);
                    return found.Step;
                }
            }
        }

        return null;
    }

    /// <summary>Brings a step to where <c>--cache-to</c> says.</summary>
    internal void Offer(string key, CachedStep step)
    {
        foreach (StepPlace place in Options.CacheTo)
        {
            lock (_fetching)
            {
                Exchange.Put(place, key, step, Cancel);
            }
        }
    }

    /// <summary>Keeps something until the build is over.</summary>
    internal T Hold<T>(T one)
        where T : IDisposable
    {
        _held.Add(one);
        return one;
    }

    /// <summary>The stage of that name or number before <paramref name="before"/>; null when there is none.</summary>
    internal Stage? FindStage(string name, int before)
        => Options.Dockerfile.Stages.FirstOrDefault(stage => stage.Index < before && (name.Equals(stage.From.Name, StringComparison.OrdinalIgnoreCase) || stage.Index.ToString() == name));

    /// <summary>The result of a stage; waits for it.</summary>
    internal StageState Await(Stage stage)
    {
        Task<StageState> running = Start(stage);
        try
        {
            running.Wait(Cancel);
            return running.Result;
        }
        catch (AggregateException e) when (e.InnerException is not null)
        {
            // It was reported where it happened.
            throw new OperationCanceledException("another stage failed", e.InnerException);
        }
    }

    /// <summary>An image as the beginning of a stage, or as a source of files.</summary>
    internal Image Fetch(string reference, string? platform, Place at)
    {
        if (reference == "host")
        {
            throw at.Error("'host' is this machine itself and no image to build on", "FROM scratch starts with nothing");
        }

        lock (_fetching)
        {
            string[] words = [$"--pull={Options.Pull}", .. platform is null ? (string[])[] : [$"--platform={platform}"], "--", reference];
            try
            {
                ImageSupply.Ensure(Images, RunOptions.FromCanonical(words), Options.Registry);
                return Images.Resolve(reference);
            }
            catch (Failure e)
            {
                throw at.Error(e.Message, e.Advice, e);
            }
        }
    }

    /// <summary>Layers of an image, held, with what they came as.</summary>
    internal List<KeptLayer> Keep(Image image)
    {
        foreach (LayerOrigin origin in LayerOrigins.Keep(Images, image, _held.Add))
        {
            _origins.Add(origin);
        }

        return [.. image.Config.DiffIds.Zip(image.LayerDirectories, (diffId, directory) => Hold(
            Layers.TryKeep(diffId, directory) ?? throw new Failure($"a layer of {image.Reference} was removed while it was built on", "try again")))];
    }

    private StageState RunTarget()
    {
        IReadOnlyList<Stage> stages = Options.Dockerfile.Stages;
        Stage target = Options.Target is not { } name ? stages[^1] : FindStage(name, stages.Count) ?? throw NoTarget(name);
        Directories.TryCreate(Empty, out _, 0x1C0);
        Task<StageState> running = Start(target);
        Task.WaitAny(running);
        AwaitAll();
        return _first is { } failure ? throw Rethrown(failure) : running.Result;
    }

    /// <summary>After a failure the others end soon: they are cancelled.</summary>
    private void AwaitAll()
    {
        Task[] all;
        do
        {
            lock (_starting)
            {
                all = [.. _stages.Values];
            }

            Task.WaitAll([.. all.Select(task => task.ContinueWith(_ => { }, TaskScheduler.Default))]);
        }
        while (all.Length < _stages.Count);
    }

    private static Exception Rethrown(Exception failure)
    {
        System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return failure;
    }

    /// <summary>Starts a stage and, so that they run beside it, those it will wait for.</summary>
    private Task<StageState> Start(Stage stage)
    {
        lock (_starting)
        {
            if (_stages.TryGetValue(stage.Index, out Task<StageState>? running))
            {
                return running;
            }

            var done = new TaskCompletionSource<StageState>(TaskCreationOptions.RunContinuationsAsynchronously);
            _stages[stage.Index] = done.Task;
            foreach (Stage needed in StageNeeds.Of(this, stage))
            {
                Start(needed);
            }

            // A container dies with the thread that launched it: it is this one, and it waits.
            const int stackSize = 16 << 20;
            new Thread(() => RunStage(stage, done), stackSize) { IsBackground = true, Name = stage.Title }.Start();
            return done.Task;
        }
    }

    private void RunStage(Stage stage, TaskCompletionSource<StageState> done)
    {
        try
        {
            done.SetResult(new StageBuild(this, stage).Run());
        }
#pragma warning disable CA1031 // it is rethrown where the build waits
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (e is not OperationCanceledException || _cancel.IsCancellationRequested)
            {
                Interlocked.CompareExchange(ref _first, e, null);
            }

            _cancel.Cancel();
            done.SetException(e);
        }
    }

    private Failure NoTarget(string name)
    {
        string[] names = [.. Options.Dockerfile.Stages.Select(stage => stage.From.Name).OfType<string>()];
        string? near = Spelling.Nearest(name, names);
        return new Failure(
            $"{Options.Dockerfile.File} has no stage '{name}'", near is not null ? $"did you mean --target {near}?" : names.Length > 0 ? $"stages are {string.Join(' ', names)}" : "name one by FROM … AS NAME");
    }

    /// <summary>The configuration of the image, the same whenever the same steps led to it.</summary>
    private ImageConfig Finish(StageState state)
    {
        var labels = state.Config.Labels.Where(label => !Options.UnsetLabels.Contains(label.Key)).ToDictionary();
        foreach ((string name, string value) in Options.Labels)
        {
            labels[name] = value;
        }

        ImageConfig config = state.Config with { Labels = labels, Env = Variables(state.Config.Env), DiffIds = [.. state.DiffIds], Created = null };
        string key = new StepKey("image", []).Add(ImageConfigJson.Write(config with { History = state.History })).Finish();
        DateTimeOffset? known = Options.Epoch ?? Images.Cache.TryGet(key)?.Created;
        DateTimeOffset created = known ?? Now();
        if (known is null)
        {
            Images.Cache.Add(key, new CachedStep(null, created));
        }

        return config with { Created = created, History = [.. state.History.Select(step => step with { Created = step.Created ?? created })] };
    }

    private string[] Variables(IReadOnlyList<string> steps)
        => [.. steps.Where(one => one[..Math.Max(one.IndexOf('='), 0)] is var name && !Options.UnsetVariables.Contains(name) && !Options.Variables.ContainsKey(name)), .. Options.Variables.Select(pair => $"{pair.Key}={pair.Value}")];

    /// <summary>Whole milliseconds, as records keep them.</summary>
    internal static DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());

    /// <summary>Steps that came with the image that was built on.</summary>
    private static int BaseSteps(StageState state) => state.History.Count - state.History.Reverse().TakeWhile(step => step.Comment == StageState.Mark).Count();

    private StageState Squashed(StageState state, int baseSteps)
    {
        List<KeptLayer> own = [.. state.Layers.Skip(state.BaseLayers)];
        if (own.Count < 2)
        {
            return state;
        }

        KeptLayer one = Hold(LayerSquash.Merge(Layers, own, Options.Epoch));
        return state with
        {
            Layers = [.. state.Layers.Take(state.BaseLayers), one],
            History = [.. state.History.Take(baseSteps), new ImageHistory(null, "timur build --squash", StageState.Mark, EmptyLayer: false)],
        };
    }
}
