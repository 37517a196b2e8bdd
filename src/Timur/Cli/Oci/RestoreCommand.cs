using Timur.CommandLine;
using Timur.Kernel.Launcher;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>restore</c>: a container comes back from a checkpoint; without <c>--detach</c> it waits, and deletes it after its end.</summary>
internal static class RestoreCommand
{
    internal static Option[] Options { get; } =
    [
        .. CheckpointCommand.Shared,
        Option.Value("bundle", "DIR", "the bundle (default: the working directory)", 'b'),
        Option.Value("console-socket", "SOCKET", "a Unix socket that gets the terminal"),
        Option.Value("pid-file", "FILE", "a file that gets the process's id"),
        Option.Flag("detach", "leave when it runs", 'd'),
        Option.Flag("no-subreaper", "ignored: orphans go to whoever adopts them anyway"),
        Option.Flag("no-pivot", "ignored: criu makes the root"),
        Option.Value("lsm-profile", "TYPE:NAME", "another profile of AppArmor's or SELinux's (criu 3.16)"),
        Option.Value("lsm-mount-context", "CONTEXT", "another context for mounts (criu 3.16)"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        var create = new CreateOptions
        {
            Id = arguments.Operands[0],
            ConsoleSocket = arguments.Text("console-socket") is { Length: > 0 } socket ? socket : null,
            CgroupManager = context.CgroupManager,
            PidFile = arguments.Text("pid-file") is { Length: > 0 } file ? file : null,
        };
        Bundle bundle = CreateCommand.ReadBundle(arguments, needsProcess: true);
        bool detach = arguments.Has("detach");
        CreateCommand.RequireConsoleSocket(bundle.Spec.Process!.Terminal, create.ConsoleSocket, detach);
        var restoration = new Restoration(context.Root, context.Log);
        using Launched launched = restoration.Restore(bundle, create, CheckpointCommand.ReadOptions(context, arguments) with
        {
            LsmProfile = arguments.Text("lsm-profile") is { Length: > 0 } profile ? profile : null,
            LsmMountContext = arguments.Text("lsm-mount-context") is { Length: > 0 } label ? label : null,
        }, out OciContainer container);
        if (detach)
        {
            return 0;
        }

        int code = Foreground.Wait(launched, restoration.Terminal);
        new Deletion(context.Log).DeleteIfThere(container);
        return code;
    }
}
