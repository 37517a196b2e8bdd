using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary><c>timur pause</c> and <c>timur unpause</c>: freeze every process, and let them go on.</summary>
internal static class PauseCommand
{
    internal static readonly Option[] Options = [Option.Flag("all", "every container it applies to", 'a')];

    internal static int Pause(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        IReadOnlyList<string> names = Selection.Names(context, arguments, "pause", container => container.State.Status == ContainerStatus.Running);
        return ForEach.Container(context, names, (store, container) => new ContainerStop(store).Pause(container));
    }

    internal static int Unpause(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        IReadOnlyList<string> names = Selection.Names(context, arguments, "unpause", container => container.State.Status == ContainerStatus.Paused);
        return ForEach.Container(context, names, (store, container) => new ContainerStop(store).Unpause(container));
    }
}
