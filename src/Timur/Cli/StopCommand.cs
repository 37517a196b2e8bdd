using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary><c>timur stop</c>: ask containers to end, and end them when they don't.</summary>
internal static class StopCommand
{
    internal static readonly Option[] Options =
    [
        Option.Value("time", "SECONDS", "wait this long before KILL (default 10, or --stop-timeout); -1 waits for ever", 't'),
        Option.Value("signal", "SIGNAL", "send this instead of the container's stop signal", 's'),
        Option.Flag("all", "every running container", 'a'),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        IReadOnlyList<string> names = Selection.Names(context, arguments, "stop", container => container.State.IsAlive);
        return ForEach.Container(context, names, (store, container) => new ContainerStop(store).Stop(container, (int?)arguments.Number("time"), arguments.Text("signal")));
    }
}
