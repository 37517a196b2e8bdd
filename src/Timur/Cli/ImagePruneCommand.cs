using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary><c>timur image prune</c>: remove images that nobody needs.</summary>
internal static class ImagePruneCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("all", "also those with a name that no container was made of", 'a'),
        Option.List("filter", "KEY=VALUE", "only these: until=24h, label=KEY[=VALUE], label!=KEY[=VALUE]"),
        Confirmation.Force,
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        Operands.None(arguments, "image prune");
        bool all = arguments.Has("all");
        var prune = new ImagePrune(context.Paths);
        IReadOnlyList<string> filters = arguments.Texts("filter");
        prune.Check(filters);
        if (!Confirmation.Given(arguments, all ? "This removes every image that no container was made of." : "This removes every image without a name that no container was made of."))
        {
            return 1;
        }

        PruneOutput.Print(context, prune.Run(all, filters));
        return 0;
    }
}
