using Timur.CommandLine;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>pause</c>.</summary>
internal static class PauseCommand
{
    internal static int Run(OciContext context, Arguments arguments)
    {
        Signalling.Pause(context.Root.Find(arguments.Operands[0]));
        return 0;
    }
}
