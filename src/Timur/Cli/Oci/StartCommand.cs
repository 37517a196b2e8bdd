using Timur.CommandLine;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>start</c>.</summary>
internal static class StartCommand
{
    internal static int Run(OciContext context, Arguments arguments)
    {
        OciContainer container = context.Root.Find(arguments.Operands[0]);

        // A hook of the container's own may be executed inside.
        Entering.Protect(!container.Record.HasHooks || Disguise.Suffices(container.Record));
        new Starting(context.Log).Start(container);
        return 0;
    }
}
