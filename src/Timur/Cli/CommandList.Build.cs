namespace Timur.Cli;

/// <summary>Commands that make images of containers and of Dockerfiles.</summary>
internal static partial class CommandTable
{
    private static Command[] Building =>
    [
        new("build", "[OPTIONS] [DIR|ADDRESS|-]", "make an image from a Dockerfile", () => BuildCommand.Options, BuildCommand.Run)
        {
            Examples = ["timur build -t web .", "timur build --target test --build-arg VERSION=2 .", "timur build --on-error=shell .", "timur build -f - . < Dockerfile"],
        },
        new("builder prune", "[OPTIONS]", "forget what builds keep for the next one", () => BuildCommand.PruneOptions, BuildCommand.Prune),
        new("commit", "[OPTIONS] CONTAINER [NAME[:TAG]]", "make an image of a container and what it has changed", () => CommitCommand.Options, CommitCommand.Run)
        {
            Examples = ["timur commit web mysite:1", "timur commit -m 'with vim' -c 'CMD [\"vim\"]' box editor"],
        },
        new("diff", "CONTAINER|IMAGE", "what a container, or an image's last layer, has changed: A added, C changed, D deleted", () => CommitCommand.DiffOptions, CommitCommand.Diff) { Examples = ["timur diff web"] },
        new("image diff", "IMAGE", "what an image's last layer has changed", () => CommitCommand.DiffOptions, CommitCommand.ImageDiff),
    ];
}
