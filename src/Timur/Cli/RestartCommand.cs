using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur restart</c>: stop and start.</summary>
internal static class RestartCommand
{
    internal static readonly Option[] Options = [Option.Value("time", "SECONDS", "wait this long before KILL", 't')];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        return ForEach.Container(context, Operands.AtLeastOne(arguments, "restart", "CONTAINER"), (store, container) =>
        {
            new ContainerStop(store).Stop(container, (int?)arguments.Number("time"));
            using MonitorStart monitor = MonitorStart.Begin();
            var start = new ContainerStart(store, ImageStore.Open(context.Paths));
            start.Start(store.Find(container.Name), monitor, attached: false);
            context.Warn(start.Warnings);
        });
    }
}
