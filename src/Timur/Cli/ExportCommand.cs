using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur export</c>: write a container's files into an archive.</summary>
internal static class ExportCommand
{
    internal static readonly Option[] Options = [Option.Value("output", "FILE", "where to (default: standard output)", 'o')];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        var store = new ContainerStore(context.Paths);
        Container container = store.Find(Operands.One(arguments, "export", "CONTAINER"), 1);
        using ContainerTree tree = ContainerTree.OpenRoot(store, ImageStore.Open(context.Paths), container);
        ArchiveOutput.Write(arguments.Text("output"), "export", tree.Export);
        return 0;
    }
}
