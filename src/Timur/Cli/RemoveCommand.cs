using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary><c>timur rm</c>: remove containers with everything that belongs to them.</summary>
internal static class RemoveCommand
{
    private const int NoSuchContainer = 1;

    internal static readonly Option[] Options =
    [
        Option.Flag("force", "kill it first when it runs; a missing one is fine", 'f'),
        Option.Flag("all", "every container", 'a'),
        Option.Flag("volumes", "with the volumes that were made for it alone", 'v'),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        bool force = arguments.Has("force");
        IReadOnlyList<string> names = Selection.Names(context, arguments, "rm", _ => true);
        if (force)
        {
            var store = new ContainerStore(context.Paths);
            names = [.. names.Where(name => store.TryFindId(name) is not null)];
        }

        return ForEach.Container(context, names, (store, container) => new ContainerRemoval(store).Remove(container, force, arguments.Has("volumes")), NoSuchContainer);
    }
}
