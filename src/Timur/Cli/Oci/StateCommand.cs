using Timur.CommandLine;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>state</c>.</summary>
internal static class StateCommand
{
    internal static int Run(OciContext context, Arguments arguments)
    {
        OciContext.Line(StateJson.ForCallers(context.Root.Find(arguments.Operands[0]), indented: true, owner: ""));
        return 0;
    }
}
