using Timur.CommandLine;
using Timur.Kernel.Launcher;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>create</c>: a container whose process waits for <c>start</c>.</summary>
internal static class CreateCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Value("bundle", "DIR", "the bundle (default: the working directory)", 'b'),
        Option.Value("config", "FILE", "the configuration, instead of the bundle's config.json", 'f'),
        Option.Value("console-socket", "SOCKET", "a Unix socket that gets the terminal"),
        Option.Value("pid-file", "FILE", "a file that gets the process's id"),
        Option.Value("pidfd-socket", "SOCKET", "a Unix socket that gets a descriptor of the process"),
        Option.Value("preserve-fds", "N", "pass N descriptors from 3 on, beside those that LISTEN_FDS counts"),
        Option.Flag("no-pivot", "ignored: this runtime always pivots"),
        Option.Flag("no-new-keyring", "leave the process the session keyring it has"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        CreateOptions options = ParseOptions(context, arguments);
        Bundle bundle = ReadBundle(arguments, needsProcess: false);
        RequireConsoleSocket(bundle.Spec.Process is { Terminal: true }, options.ConsoleSocket, detached: true);
        Entering.Protect(Disguise.Suffices(bundle));
        using Launched launched = new Creation(context.Root, context.Log).Create(bundle, options, out _);
        return 0;
    }

    internal static CreateOptions ParseOptions(OciContext context, Arguments arguments)
    {
        int sockets = PassedSockets.Count();
        return new CreateOptions
        {
            Id = arguments.Operands[0],
            ConsoleSocket = arguments.Text("console-socket") is { Length: > 0 } socket ? socket : null,
            PidFile = arguments.Text("pid-file") is { Length: > 0 } file ? file : null,
            PidFdSocket = arguments.Text("pidfd-socket") is { Length: > 0 } descriptor ? descriptor : null,
            PreservedDescriptors = sockets + OciValues.Count(arguments, "preserve-fds"),
            Sockets = sockets,
            CgroupManager = context.CgroupManager,
            NoNewKeyring = arguments.Has("no-new-keyring"),
        };
    }

    internal static Bundle ReadBundle(Arguments arguments, bool needsProcess)
        => Bundle.Read(Path.GetFullPath(arguments.Text("bundle") is { Length: > 0 } directory ? directory : "."), needsProcess, arguments.Text("config") is { Length: > 0 } config ? config : Bundle.Document);

    internal static void RequireConsoleSocket(bool terminal, string? socket, bool detached)
    {
        if (terminal && detached && socket is null)
        {
            throw new Failure("cannot allocate tty if runc will detach without setting console socket", "give --console-socket, or set process.terminal to false", 1);
        }

        if (!(terminal && detached) && socket is not null)
        {
            throw new Failure("cannot use console socket if runc will not detach or allocate tty", exitCode: 1);
        }
    }
}
