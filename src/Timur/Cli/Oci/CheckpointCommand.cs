using Timur.CommandLine;
using Timur.Runtime.Containers;
using Timur.Runtime.Criu;

namespace Timur.Cli.Oci;

/// <summary><c>checkpoint</c>: a running container becomes files, by criu.</summary>
internal static class CheckpointCommand
{
    /// <summary>What both this and <c>restore</c> take.</summary>
    internal static Option[] Shared { get; } =
    [
        Option.Value("image-path", "DIR", "where the checkpoint is (default: checkpoint, in the working directory)"),
        Option.Value("work-path", "DIR", "where criu's logs go (default: with the checkpoint)"),
        Option.Flag("tcp-established", "open TCP connections too"),
        Option.Flag("ext-unix-sk", "Unix sockets whose other end is outside, too"),
        Option.Flag("shell-job", "a process that belongs to a terminal's session"),
        Option.Flag("file-locks", "file locks too"),
        Option.Value("manage-cgroups-mode", "soft|full|strict|ignore", "how criu treats cgroups"),
        Option.List("empty-ns", "network", "leave what is in the namespace out"),
        Option.Flag("auto-dedup", "drop from earlier images what is written anew"),
        Option.Flag("lazy-pages", "memory is fetched when it is used"),
    ];

    internal static Option[] Options { get; } =
    [
        .. Shared,
        Option.Flag("leave-running", "go on after the checkpoint"),
        Option.Flag("pre-dump", "memory only, the container goes on"),
        Option.Value("parent-path", "DIR", "images of an earlier pre-dump, relative to --image-path"),
        Option.Flag("tcp-skip-in-flight", "leave connections out that are being made"),
        Option.Flag("link-remap", "files without a name, by making names"),
        Option.Value("status-fd", "N", "a descriptor that gets a NUL byte when pages can be fetched"),
        Option.Value("page-server", "ADDRESS:PORT", "send pages there"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        OciContainer container = context.Root.Find(arguments.Operands[0]);
        CheckpointOptions options = ReadOptions(context, arguments);
        new Checkpoint(context.Log).Write(container, options with
        {
            LeaveRunning = arguments.Has("leave-running"),
            PreDump = arguments.Has("pre-dump"),
            ParentPath = Parent(arguments, options.ImagePath),
            TcpSkipInFlight = arguments.Has("tcp-skip-in-flight"),
            LinkRemap = arguments.Has("link-remap"),
            StatusDescriptor = (int?)arguments.Number("status-fd"),
            PageServer = arguments.Text("page-server") is { Length: > 0 } server ? Address(server) : null,
        });
        return 0;
    }

    internal static CheckpointOptions ReadOptions(OciContext context, Arguments arguments) => new()
    {
        Program = context.Criu,
        ImagePath = Path.GetFullPath(arguments.Text("image-path") is { Length: > 0 } images ? images : "checkpoint"),
        WorkPath = arguments.Text("work-path") is { Length: > 0 } work ? Path.GetFullPath(work) : null,
        TcpEstablished = arguments.Has("tcp-established"),
        ExternalUnixSockets = arguments.Has("ext-unix-sk"),
        ShellJob = arguments.Has("shell-job"),
        FileLocks = arguments.Has("file-locks"),
        AutoDedup = arguments.Has("auto-dedup"),
        LazyPages = arguments.Has("lazy-pages"),
        Cgroups = arguments.Text("manage-cgroups-mode") switch
        {
            null or "" or "soft" => CriuCgroups.Soft,
            "full" => CriuCgroups.Full,
            "strict" => CriuCgroups.Strict,
            "ignore" => CriuCgroups.Ignore,
            { } other => throw new Failure($"--manage-cgroups-mode: '{other}' is none of soft, full, strict, ignore", exitCode: 1),
        },
        EmptyNetwork = arguments.Texts("empty-ns").Count > 0 && arguments.Texts("empty-ns").All(name => name == "network" ? true : throw new Failure($"namespace {name} is not supported", "--empty-ns takes network", 1)),
    };

    private static string? Parent(Arguments arguments, string images) => arguments.Text("parent-path") switch
    {
        null or "" => null,
        ['/', ..] => throw new Failure("--parent-path must be relative", "it is looked for from --image-path, such as ../parent", 1),
        { } path when !Directory.Exists(Path.Join(images, path)) => throw new Failure($"--parent-path {path}: {Path.GetFullPath(path, images)}: no such directory", "it is looked for from --image-path, such as ../parent", 1),
        { } path => path,
    };

    private static (string Address, int Port) Address(string text)
    {
        int colon = text.LastIndexOf(':');
        return colon > 0 && int.TryParse(text.AsSpan(colon + 1), out int port) && port is > 0 and < 65536 ? (text[..colon], port)
            : throw new Failure("Use --page-server ADDRESS:PORT to specify page server", "for example 10.0.0.2:1234", 1);
    }
}
