using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary><c>timur ps</c>, <c>list</c>, <c>ls</c>: containers.</summary>
internal static class ListCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("all", "those that don't run, too", 'a'),
        Option.Value("last", "N", "the N newest, running or not", 'n'),
        Option.Flag("latest", "the newest, running or not", 'l'),
        Option.Flag("size", "how much each has written", 's'),
        .. ListOutput.Options,
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        Operands.None(arguments, "ps");
        long? last = arguments.Has("latest") ? 1 : arguments.Number("last");
        IReadOnlyList<string> filters = arguments.Texts("filter");
        bool all = arguments.Has("all") || last is not null || filters.Any(filter => filter.StartsWith("status=", StringComparison.Ordinal) || filter.StartsWith("exited=", StringComparison.Ordinal));
        List<Container> containers = new ContainerStore(context.Paths).List(onlyActive: !all && filters.Count == 0);
        if (filters.Count > 0)
        {
            containers = ContainerFilter.Apply(context.Paths, containers, filters);
        }

        containers = containers.FindAll(container => all || container.State.IsAlive || container.State.Status == ContainerStatus.Restarting);
        if (last is { } count && count < containers.Count)
        {
            containers = containers.GetRange(0, (int)count);
        }

        DateTimeOffset now = DateTimeOffset.UtcNow;
        bool truncate = !arguments.Has("no-trunc");
        bool onlyIds = arguments.Has("quiet");
        ListOutput.Print(context, arguments, containers.ConvertAll(container => onlyIds ? ContainerView.IdRow(container, truncate) : ContainerView.Row(context.Paths, container, truncate, now)),
        [
            ("CONTAINER ID", "ID"), ("IMAGE", "Image"), ("COMMAND", "Command"), ("CREATED", "RunningFor"), ("STATUS", "Status"), ("PORTS", "Ports"), ("NAMES", "Names"),
        ]);
        return 0;
    }
}
