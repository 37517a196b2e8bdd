using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary>Containers by name, or with <c>--all</c>.</summary>
internal static class Selection
{
    internal static IReadOnlyList<string> Names(CommandContext context, Arguments arguments, string command, Predicate<Container> suits)
        => arguments.Has("all")
            ? new ContainerStore(context.Paths).List().FindAll(suits).ConvertAll(container => container.Name)
            : Operands.AtLeastOne(arguments, command, "CONTAINER");
}
