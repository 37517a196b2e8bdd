using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur create</c>: make a container without starting it.</summary>
internal static class CreateCommand
{
    internal static Option[] Options { get; } = [.. RunCommand.Own, .. RunOptionTable.All];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        RunOptions options = RunOptions.FromCommandLine("create", arguments);
        Container container = new ContainerCreation(new ContainerStore(context.Paths), new ImageStore(context.Paths)).Create(options);
        context.Out(container.Id.Text);
        return 0;
    }
}
