using Timur.Build;
using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur build</c>: an image from a Dockerfile.</summary>
internal static class BuildCommand
{
    private const int Interrupted = 130;

    /// <summary>Options of <c>run</c> that apply to each RUN.</summary>
    private static readonly string[] ForEachRun =
    [
        "memory", "memory-swap", "cpu-shares", "cpu-period", "cpu-quota", "cpuset-cpus", "cpuset-mems", "shm-size", "ulimit", "add-host", "dns", "dns-search", "dns-option", "cap-add", "cap-drop",
        "security-opt", "cgroup-parent", "device", "volume",
    ];

    internal static Option[] Options { get; } =
    [
        Option.List("tag", "NAME[:TAG]", "name of the image; may be given several times", 't'),
        Option.Value("file", "FILE", "the Dockerfile (default Containerfile or Dockerfile of the context); - is standard input", 'f'),
        Option.Value("target", "STAGE", "build this stage and what it needs"),
        Option.List("build-arg", "NAME[=VALUE]", "value for ARG; without a value the caller's variable"),
        Option.List("build-context", "NAME=DIR|container-image://IMAGE", "further files for COPY --from=NAME"),
        Option.List("secret", "id=NAME,src=FILE|env=VARIABLE", "secret for RUN --mount=type=secret"),
        Option.List("ssh", "default|ID[=SOCKET]", "ssh agent for RUN --mount=type=ssh"),
        Option.List("label", "KEY=VALUE", "label of the image"),
        Option.List("annotation", "KEY=VALUE", "annotation of the image's manifest"),
        Option.List("env", "NAME[=VALUE]", "variable of the image, which no RUN sees; without a value the caller's"),
        Option.List("unsetenv", "NAME", "the image loses this variable, which every RUN sees"),
        Option.List("unsetlabel", "KEY", "the image loses this label"),
        Option.Flag("no-cache", "take nothing from earlier builds"),
        Option.List("no-cache-filter", "STAGE[,STAGE...]", "take nothing from earlier builds of these stages"),
        Option.Optional("pull", "[=always|missing|newer|never]", "when to fetch images: always without a value (default missing)"),
        Option.Value("pull-policy", "missing|always|newer|never", "the same"),
        .. PlatformArguments.Options,
        Option.Value("from", "IMAGE", "instead of what the first FROM names"),
        Option.Value("ignorefile", "FILE", "instead of .containerignore or .dockerignore"),
        Option.Value("timestamp", "SECONDS", "everything counts as made then: seconds since 1970 (SOURCE_DATE_EPOCH)"),
        Option.Value("network", "default|none|host", "network of RUN"),
        Option.List("allow", "security.insecure", "what RUN may ask for"),
        Option.Flag("squash", "make one layer of those that the build makes"),
        Option.Flag("squash-all", "make one layer of all, those of the first image, too"),
        Option.Value("on-error", "fail|shell", "shell: open one where a command failed"),
        Option.List("output", "DIR|type=…,dest=…", "write the files (a directory, local, tar) or an archive of the image (oci, docker) instead; - is standard output; image,name=NAME,push=true", 'o'),
        Option.List("cache-from", "REPOSITORY|type=registry,ref=…|type=local,src=DIR", "take steps that are in a registry or directory"),
        Option.List("cache-to", "REPOSITORY|type=registry,ref=…|type=local,dest=DIR", "bring steps to a registry or directory for others"),
        Option.Flag("push", "bring the image to the registries of its names"),
        Option.Value("manifest", "LIST", "add the image to a manifest list, which is made when it isn't there; with --platform A,B one image for each"),
        Option.Value("progress", "auto|plain|tty|quiet", "how to show what happens"),
        Option.Value("logfile", "FILE", "write what happens into a file instead"),
        Option.Value("iidfile", "FILE", "write the image's id to a file"),
        Option.Value("metadata-file", "FILE", "write the image's id, digest and names to a file, as JSON"),
        Option.Flag("quiet", "print only the image's id", 'q'),
        Option.Flag("load", "keep the image here, as without it"),
        Option.Flag("rm", "leave no container behind, as without it"),
        Option.Flag("force-rm", "leave no container behind when a command fails either, as without it"),
        Option.Value("provenance", "false", "no attestation of how it was made: there never is one"),
        Option.Value("sbom", "false", "no list of its packages: there never is one"),
        Option.Optional("layers", "[=false]", "false: as --squash"),
        Option.Value("isolation", "default|oci", "how RUN is isolated: there is one way"),
        Option.Value("format", "oci|docker", "HEALTHCHECK, SHELL and ONBUILD are kept with either"),
        Option.Taken("compress"),
        Option.Taken("disable-compression") with { Short = 'D' },
        Option.Taken("disable-content-trust"),
        Option.Taken("identity-label"),
        Option.Taken("skip-unused-stages"),
        Option.Taken("signature-policy", "FILE"),
        Option.Taken("jobs", "N"),
        Option.Taken("builder", "NAME"),
        Option.Taken("retry", "N"),
        Option.Taken("retry-delay", "DURATION"),
        .. RunOptionTable.All.Where(option => Array.IndexOf(ForEachRun, option.Name) >= 0),
        .. RegistryArguments.Options,
    ];

    internal static Option[] PruneOptions { get; } = 
    [
        Option.Flag("all", "what RUN --mount=type=cache keeps, too", 'a'),
        Option.List("filter", "KEY=VALUE", "only these: until=24h, made before that"),
        Option.Value("keep-storage", "SIZE", "only so much, the oldest first, that the rest takes no more than this"),
        Option.Flag("force", "don't ask (it never does)", 'f'),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count > 1)
        {
            throw new Failure($"build takes one context, but was given {string.Join(' ', arguments.Operands)}", "for example: timur build -t web .");
        }

        CheckWords(arguments);
        if (arguments.Texts("output") is [_, _, ..] several)
        {
            throw new Failure($"--output {string.Join(" --output ", several)}: a build has one", "build once for each: what was done isn't done again");
        }

        BuildOutput output = arguments.Text("output") is { } text ? BuildOutput.Parse(text) : new BuildOutput(BuildOutputKind.Image, null);
        ImageName[] names = [.. arguments.Texts("tag").Select(ImageName.Parse), .. output.Names];
        output = output.PushedIf(arguments.Has("push") && !(names.Length == 0 && arguments.Text("manifest") is not null), names);
        var images = ImageStore.Open(context.Paths);
        using BuildContext source = BuildContext.Open(images, arguments.Operands.Count == 0 ? "." : arguments.Operands[0], arguments.Text("file"), Console.OpenStandardInput, arguments.Text("ignorefile"));
        string[] platforms = [.. arguments.Texts("platform").SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries)).Distinct()];
        CheckPlatforms(arguments, platforms, output, names);
        using var cancel = new CancellationTokenSource();
        using var interrupts = new Interrupts(cancel);
        try
        {
            string?[] wanted = platforms.Length > 1 ? platforms : (string?[])[PlatformArguments.Read(arguments)];
            foreach (string? platform in wanted)
            {
                IBuildProgress progress = Progress(arguments, interrupts.Dispose);
                using (progress as IDisposable)
                {
                    BuildOptions options = BuildArgumentsReader.Read(arguments, source, ForEachRun, progress) with { Platform = platform };
                    using var build = new ImageBuild(images, new ContainerStore(context.Paths), options, progress, cancel.Token);
                    string result = output.Kind == BuildOutputKind.Image ? BuiltImage.Announce(context, images, arguments, output, build.Run(names), names, progress)
                        : output.IsImageArchive ? Archive(context, images, output, build.Run([]), names) : Export(output, build);
                    BudgetNote.Keep(context, result);
                }
            }

            if (platforms.Length > 1 && arguments.Has("push"))
            {
                BuiltImage.PushList(images, arguments);
            }

            return 0;
        }
        catch (OperationCanceledException)
        {
            throw new Failure("the build was interrupted", "steps that were done needn't be done again", Interrupted);
        }
    }

    /// <summary>Several images can't have one name, but a list may: they are built one after the other.</summary>
    private static void CheckPlatforms(Arguments arguments, string[] platforms, BuildOutput output, ImageName[] names)
    {
        if (platforms.Length > 1 && (arguments.Text("manifest") is null || names.Length > 0 || output.Kind != BuildOutputKind.Image))
        {
            throw new Failure($"--platform {string.Join(',', platforms)} makes {platforms.Length} images, which can only be in a list", "give the list a name by --manifest LIST, without --tag and --output; --push brings it to its registry");
        }
    }

    internal static int Prune(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        var images = ImageStore.Open(context.Paths);
        DateTimeOffset? before = Before(arguments.Texts("filter"));
        if (arguments.Text("keep-storage") is { } size)
        {
            DateTimeOffset? beyond = BuildCache.Beyond(images, arguments.Has("all"), ByteSize.Parse(size, "--keep-storage").Bytes);
            if (beyond is null)
            {
                return 0;
            }

            before = before < beyond ? before : beyond;
        }

        foreach (string line in BuildCache.Clear(images, arguments.Has("all"), before))
        {
            context.Out($"removed {line}");
        }

        return 0;
    }

    /// <summary>The earliest of the moments that <c>until=</c> names, as all filters have to match.</summary>
    private static DateTimeOffset? Before(IReadOnlyList<string> filters)
    {
        DateTimeOffset? earliest = null;
        foreach (string filter in filters)
        {
            const string until = "until=";
            DateTimeOffset moment = filter.StartsWith(until, StringComparison.Ordinal) ? Moment.Parse(filter[until.Length..], DateTimeOffset.UtcNow)
                : throw new Failure($"--filter: '{filter}' isn't a filter of what builds keep", "write until=24h: what was made before that goes");
            earliest = earliest is { } known && known < moment ? known : moment;
        }

        return earliest;
    }

    /// <summary>What is asked for and can't be had is said before anything is done.</summary>
    private static void CheckWords(Arguments arguments)
    {
        foreach (string attestation in (ReadOnlySpan<string>)["provenance", "sbom"])
        {
            if (arguments.Text(attestation) is { } wanted and not "false")
            {
                throw new Failure($"--{attestation}={wanted}: images are built without attestations", $"leave it out, or write --{attestation}=false");
            }
        }

        foreach ((string option, string[] known) in (ReadOnlySpan<(string, string[])>)[("isolation", ["default", "oci", ""]), ("format", ["oci", "docker"]), ("layers", ["true", "false"]), ("progress", ["auto", "plain", "tty", "quiet", "none"])])
        {
            if (arguments.Text(option) is { } wanted && Array.IndexOf(known, wanted) < 0)
            {
                throw new Failure($"--{option} {wanted} isn't known", $"use {string.Join(", ", known.Where(word => word.Length > 0))}");
            }
        }
    }

    /// <summary>The image is in the archive only, unless it was in the store before.</summary>
    private static string Archive(CommandContext context, ImageStore images, BuildOutput output, Image image, ImageName[] names)
    {
        output.Write(images, image, names);
        images.TryRemove(image, () => images.NamesOf(image.Id).Count > 0 || new ImageUse(new ContainerStore(context.Paths), images).ContainerOf(image.Id) is not null);
        return "";
    }

    private static string Export(BuildOutput output, ImageBuild build)
    {
        using Fd tree = build.RunToTree();
        output.Write(tree);
        return "";
    }

    private static IBuildProgress Progress(Arguments arguments, Action stepAside)
    {
        TerminalSize? size = Environment.GetEnvironmentVariable("TERM") is not (null or "dumb") ? Terminal.Size(Descriptors.Standard(2)) : null;
        if (arguments.Text("logfile") is { } file)
        {
            return new PlainBuild(stepAside, LogFile.Open(file));
        }

        return (arguments.Has("quiet"), arguments.Text("progress") ?? "auto") switch
        {
            (true, _) or (_, "quiet" or "none") => new QuietBuild(stepAside),
            (_, "plain") => new PlainBuild(stepAside),
            (_, "auto") when size is null => new PlainBuild(stepAside),
            _ => new TerminalBuild(size ?? new TerminalSize(24, 80), stepAside),
        };
    }

    /// <summary>Ctrl-C and TERM end the build in order: containers are killed, nothing is left.</summary>
    private sealed class Interrupts : IDisposable
    {
        private const int SignalKey = 1;
        private const int EndKey = 2;

        private readonly SignalPipe _signals = new(2, 15);
        private readonly (Fd Read, Fd Write) _end = Sockets.Pipe();
        private readonly Thread _thread;

        internal Interrupts(CancellationTokenSource cancel)
        {
            _thread = new Thread(() => Wait(cancel)) { IsBackground = true };
            _thread.Start();
        }

        public void Dispose()
        {
            if (!_thread.IsAlive)
            {
                return;
            }

            _end.Write.Dispose();
            _thread.Join();
            _signals.Dispose();
            _end.Read.Dispose();
        }

        private void Wait(CancellationTokenSource cancel)
        {
            using var epoll = new Epoll();
            epoll.Add(_signals.Descriptor, SignalKey);
            epoll.Add(_end.Read, EndKey);
            Span<(int Key, Ready Events)> events = stackalloc (int, Ready)[2];
            while (true)
            {
                int count = epoll.Wait(events);
                for (int i = 0; i < count; i++)
                {
                    if (events[i].Key == EndKey)
                    {
                        return;
                    }

                    _signals.Next();
                    cancel.Cancel();
                }
            }
        }
    }
}
