using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary>The commands in the order help shows them, and other names for them.</summary>
internal static partial class CommandTable
{
    private static readonly Option[] NoOptions = [];

    private static readonly Dictionary<string, string> Aliases = new()
    {
        ["list"] = "ps",
        ["ls"] = "ps",
        ["remove"] = "rm",
        ["container run"] = "run",
        ["container create"] = "create",
        ["container start"] = "start",
        ["container stop"] = "stop",
        ["container restart"] = "restart",
        ["container kill"] = "kill",
        ["container pause"] = "pause",
        ["container unpause"] = "unpause",
        ["container ls"] = "ps",
        ["container list"] = "ps",
        ["container ps"] = "ps",
        ["container rm"] = "rm",
        ["container rename"] = "rename",
        ["container exec"] = "exec",
        ["container attach"] = "attach",
        ["container logs"] = "logs",
        ["container inspect"] = "inspect",
        ["container top"] = "top",
        ["container stats"] = "stats",
        ["container wait"] = "wait",
        ["image ls"] = "images",
        ["image list"] = "images",
        ["image rm"] = "rmi",
        ["image tag"] = "tag",
        ["image import"] = "import",
        ["image pull"] = "pull",
        ["image push"] = "push",
        ["image save"] = "save",
        ["image load"] = "load",
        ["image history"] = "history",
        ["container export"] = "export",
        ["container cp"] = "cp",
        ["volume list"] = "volume ls",
        ["volume remove"] = "volume rm",
        ["image build"] = "build",
        ["builder build"] = "build",
        ["buildx build"] = "build",
        ["buildx prune"] = "builder prune",
        ["image untag"] = "untag",
        ["image search"] = "search",
        ["image umount"] = "image unmount",
        ["system info"] = "info",
        ["container commit"] = "commit",
        ["container diff"] = "diff",
        ["bootstrap"] = "image bootstrap",
    };

    internal static IReadOnlyList<Command> All { get; } =
    [
        new("run", "[OPTIONS] IMAGE [COMMAND [ARG...]]", "make a container and start it", () => RunCommand.Options, RunCommand.Run, StopAtOperand: true)
        {
            Examples = ["timur run -it busybox", "timur run -d --name web -p 8080:80 -m 256m busybox httpd -f", "timur run --rm --explain busybox true"],
        },
        new("exec", "[OPTIONS] CONTAINER COMMAND [ARG...]", "run one more process in a running container", () => ExecSession.Options, ExecCommand.Run, StopAtOperand: true)
        {
            Examples = ["timur exec -it web sh", "timur exec -u nobody web id"],
        },
        new("ps", "[OPTIONS]", "list containers (also: list, ls)", () => ListCommand.Options, ListCommand.Run)
        {
            Examples = ["timur ps -a", "timur ps -q --filter status=exited", "timur ps --format '{{.Names}}\\t{{.Status}}'"],
        },
        new("logs", "[OPTIONS] CONTAINER", "show what a container has written", () => LogsCommand.Options, LogsCommand.Run) { Examples = ["timur logs -f --tail 20 web"] },
        new("attach", "[OPTIONS] CONTAINER", "connect this terminal to a running container", () => AttachCommand.Options, AttachCommand.Run),
        new("create", "[OPTIONS] IMAGE [COMMAND [ARG...]]", "make a container without starting it", () => CreateCommand.Options, CreateCommand.Run, StopAtOperand: true),
        new("start", "[OPTIONS] CONTAINER...", "start containers", () => StartCommand.Options, StartCommand.Run),
        new("stop", "[OPTIONS] CONTAINER...", "ask containers to end, and end them when they don't", () => StopCommand.Options, StopCommand.Run) { Examples = ["timur stop -t 2 web"] },
        new("restart", "[OPTIONS] CONTAINER...", "stop and start containers", () => RestartCommand.Options, RestartCommand.Run),
        new("kill", "[OPTIONS] CONTAINER...", "send a signal to containers", () => KillCommand.Options, KillCommand.Run) { Examples = ["timur kill -s HUP web"] },
        new("pause", "CONTAINER...", "freeze every process of containers", () => PauseCommand.Options, PauseCommand.Pause),
        new("unpause", "CONTAINER...", "let frozen containers go on", () => PauseCommand.Options, PauseCommand.Unpause),
        new("wait", "CONTAINER...", "wait until containers end, print their exit codes", () => NoOptions, WaitCommand.Run),
        new("rename", "CONTAINER NEW_NAME", "give a container another name", () => NoOptions, RenameCommand.Run),
        new("rm", "[OPTIONS] CONTAINER...", "remove containers (also: remove)", () => RemoveCommand.Options, RemoveCommand.Run) { Examples = ["timur rm -f web", "timur rm -af"] },
        new("inspect", "[OPTIONS] NAME...", "everything about containers, images or volumes", () => InspectCommand.Options, InspectCommand.Run)
        {
            Examples = ["timur inspect --format '{{.State.Pid}}' web", "timur inspect --as run web"],
        },
        new("top", "CONTAINER", "the processes of a container", () => NoOptions, TopCommand.Run),
        new("stats", "[OPTIONS] [CONTAINER...]", "what containers use: CPU, memory, I/O, processes", () => StatsCommand.Options, StatsCommand.Run),
        new("pull", "[OPTIONS] NAME[:TAG|@DIGEST]...", "get an image from a registry", () => PullCommand.Options, PullCommand.Run)
        {
            Examples = ["timur pull debian:bookworm", "timur pull --platform linux/arm64 registry.example:5000/team/app:1.2", "timur pull -a registry.example/team/app"],
        },
        new("search", "[OPTIONS] [REGISTRY/]TERM", "find images in a registry", () => SearchCommand.Options, SearchCommand.Run)
        {
            Examples = ["timur search nginx", "timur search registry.example/team", "timur search --list-tags debian"],
        },
        new("push", "[OPTIONS] IMAGE [NAME]", "bring an image to a registry", () => PushCommand.Options, PushCommand.Run)
        {
            Examples = ["timur push registry.example/team/app:1.2", "timur push debian:bookworm registry.example/base/debian:12"],
        },
        new("login", "[OPTIONS] [REGISTRY]", "keep the user name and password for a registry", () => LoginCommand.Options, LoginCommand.Run)
        {
            Examples = ["timur login registry.example", "pass show registry | timur login -u anna --password-stdin registry.example"],
        },
        new("logout", "[OPTIONS] [REGISTRY]", "forget the password for a registry", () => LogoutCommand.Options, LogoutCommand.Run),
        new("images", "[OPTIONS] [NAME]", "list images", () => ImagesCommand.Options, ImagesCommand.Run),
        new("import", "[OPTIONS] FILE|ADDRESS|- [NAME]", "make an image from an archive, compressed or not", () => ImportCommand.Options, ImportCommand.Run)
        {
            Examples = ["timur import rootfs.tar.gz myimage", "timur import --change 'CMD [\"nginx\"]' - web < web.tar"],
        },
        new("image bootstrap", "[OPTIONS] DISTRIBUTION:SUITE", "make an image from a distribution's packages", () => BootstrapCommand.Options, BootstrapCommand.Run)
        {
            Examples = ["timur image bootstrap debian:bookworm", "timur image bootstrap debian:bookworm --include sysbench --tag bench"],
        },
        .. Building,
        new("tag", "IMAGE NEW_NAME...", "more names for an image", () => NoOptions, TagCommand.Run),
        new("untag", "IMAGE [NAME...]", "take names from an image, all without NAME", () => NoOptions, TagCommand.Untag) { Examples = ["timur untag web", "timur untag web web:old"] },
        new("rmi", "[OPTIONS] IMAGE...", "remove images", () => ImageRemoveCommand.Options, ImageRemoveCommand.Run),
        .. Keeping,
        new("disk ls", "[OPTIONS]", "list disk images", () => ListOutput.Options, DiskCommand.List),
        new("disk snapshot", "DISK SNAPSHOT", "keep a disk's present content", () => NoOptions, DiskCommand.Snapshot) { Examples = ["timur disk snapshot web before-upgrade"] },
        new("disk rollback", "DISK SNAPSHOT", "put a snapshot's content back", () => NoOptions, DiskCommand.Rollback),
        new("disk clone", "DISK NEW_NAME", "copy a disk to a named one", () => NoOptions, DiskCommand.Clone) { Examples = ["timur disk clone web copy && timur run --disk copy busybox"] },
        new("disk resize", "DISK SIZE", "grow or shrink a disk", () => NoOptions, DiskCommand.Resize),
        new("disk rm", "DISK[@SNAPSHOT]...", "remove named disks or snapshots", () => NoOptions, DiskCommand.Remove),
        new("bench", "[OPTIONS]", "measure what isolation costs on this machine", () => BenchCommand.Options, BenchCommand.Run)
        {
            Examples = ["timur bench --quick", "timur bench --only fileio --against timur,timur-disk", "timur bench --only life --against timur,runc,crun,podman", "timur bench --layers"],
        },
        new("bench report", "DIR", "render a benchmark's report again", () => NoOptions, BenchCommand.Report),
        new("bench compare", "BEFORE AFTER", "set two benchmarks side by side", () => NoOptions, BenchCommand.Compare),
        new("info", "[OPTIONS]", "this machine: what it offers and what it lacks", () => InfoCommand.Options, InfoCommand.Run) { Examples = ["timur info --format '{{.CgroupMode}}'"] },
        new("init", "", "prepare this machine (happens by itself at first use)", () => NoOptions, SystemCommand.Initialise),
        new("clear", "[OPTIONS]", "remove every container, link and rule of ours", () => SystemCommand.ClearOptions, SystemCommand.Clear),
        new("system check", "[OPTIONS]", "find what an interrupted command left", () => SystemCommand.CheckOptions, SystemCommand.Check) { Examples = ["timur system check --repair"] },
        new("oci", "[GLOBAL OPTIONS] VERB [OPTIONS] [ARG...]", "be the OCI runtime of another engine: create, start, exec, ... (also: timur-runc)", () => NoOptions, NotAfterOptions, StopAtOperand: true)
        {
            Examples = ["timur oci spec", "timur oci run --bundle /containers/web web", "timur oci --help"],
        },
        new("completion", "bash|zsh|fish|man", "print a shell's completion script, or the man page", () => NoOptions, CompletionCommand.Run),
        new("version", "[OPTIONS]", "show the version", () => VersionCommand.Options, VersionCommand.Run),
    ];

    /// <summary>What follows <c>oci</c> is another command line altogether, and read before this table is.</summary>
    private static int NotAfterOptions(CommandContext context, Arguments arguments)
        => throw new Failure("oci takes no options before it: it has global options of its own", "write them behind: timur oci --root DIR VERB ...");
}
