using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary><c>timur system prune</c> and <c>timur container prune</c>: remove what nobody needs.</summary>
internal static class PruneCommand
{
    private static readonly Option Filter = Option.List("filter", "KEY=VALUE", "only these: until=24h, label=KEY[=VALUE], label!=KEY[=VALUE]");

    internal static readonly Option[] ContainerOptions = [Filter, Confirmation.Force];

    internal static readonly Option[] SystemOptions =
    [
        Option.Flag("all", "also images with a name that no container was made of", 'a'),
        Option.Flag("volumes", "also volumes without a name of their own that no container has"),
        Option.Value("budget", "SIZE", "only so much that images and caches occupy no more than this; containers and volumes stay"),
        Filter,
        Confirmation.Force,
    ];

    internal static int Containers(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        Operands.None(arguments, "container prune");
        ContainerPrune.Check(arguments.Texts("filter"));
        if (!Confirmation.Given(arguments, "This removes every container that doesn't run."))
        {
            return 1;
        }

        PruneOutput.Print(context, new ContainerPrune(context.Paths).Run(arguments.Texts("filter")));
        return 0;
    }

    internal static int Everything(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        Operands.None(arguments, "system prune");
        IReadOnlyList<string> filters = arguments.Texts("filter");
        ContainerPrune.Check(filters);
        if (arguments.Text("budget") is { } budget)
        {
            return Shrink(context, arguments, ByteSize.Parse(budget, "--budget").Bytes);
        }

        bool all = arguments.Has("all");
        bool volumes = arguments.Has("volumes");
        string question = $"This removes every container that doesn't run, every image {(all ? "that no container was made of" : "without a name")}{(volumes ? ", volumes without a name" : "")} and caches.";
        if (!Confirmation.Given(arguments, question))
        {
            return 1;
        }

        long bytes = Print(context, "Deleted Containers:", new ContainerPrune(context.Paths).Run(filters))
            + (volumes ? Print(context, "Deleted Volumes:", new VolumeCare(context.Paths).Prune(all: false, filters)) : 0)
            + Print(context, "Deleted Images:", new ImagePrune(context.Paths).Run(all, filters))
            + (filters.Count == 0 ? Print(context, "Deleted Caches:", StoreCache.Prune(context.Paths)) : 0);
        context.Out($"Total reclaimed space: {StoreUsage.Text(bytes)}");
        return 0;
    }

    private static int Shrink(CommandContext context, Arguments arguments, long budget)
    {
        if (!Confirmation.Given(arguments, $"This removes caches, compressed layers and unused images until {StoreUsage.Text(budget)} are left."))
        {
            return 1;
        }

        PruneOutput.Print(context, new StoreBudget(context.Paths).Shrink(budget));
        return 0;
    }

    private static long Print(CommandContext context, string heading, PrunedThings pruned)
    {
        if (pruned.Removed.Count > 0)
        {
            context.Out($"{heading}\n{string.Join('\n', pruned.Removed)}\n");
        }

        return pruned.Bytes;
    }
}
