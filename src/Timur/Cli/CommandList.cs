using Timur.CommandLine;

namespace Timur.Cli;

/// <summary>The commands in the order help shows them, and other names for them.</summary>
internal static partial class CommandTable
{
    private static readonly Option[] NoOptions = [];

    private static readonly Dictionary<string, string> Aliases = new()
    {
        ["container run"] = "run",
    };

    internal static IReadOnlyList<Command> All { get; } =
    [
        new("run", "[OPTIONS] IMAGE [COMMAND [ARG...]]", "make a container and start it", () => RunCommand.Options, RunCommand.Run, StopAtOperand: true)
        {
            Examples = ["timur run -it busybox", "timur run -d --name web -p 8080:80 -m 256m busybox httpd -f", "timur run --rm --explain busybox true"],
        },
        new("attach", "[OPTIONS] CONTAINER", "connect this terminal to a running container", () => AttachCommand.Options, AttachCommand.Run),
        new("version", "", "show the version", () => NoOptions, VersionCommand.Run),
    ];
}
