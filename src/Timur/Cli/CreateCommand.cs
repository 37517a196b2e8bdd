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
        var store = new ContainerStore(context.Paths);
        var images = ImageStore.Open(context.Paths);
        RunOptionRules.Check(options);
        ImageSupply.Ensure(images, options, () => RegistryArguments.Supply(arguments));

        // What makes no sense is refused now, not at the start.
        new ContainerStart(store, images).Explain(options, out _);
        Container container = new ContainerCreation(store, images).Create(options);
        context.Out(container.Id.Text);
        return 0;
    }
}
