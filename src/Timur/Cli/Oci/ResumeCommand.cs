using Timur.CommandLine;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>resume</c>.</summary>
internal static class ResumeCommand
{
    internal static int Run(OciContext context, Arguments arguments)
    {
        Signalling.Resume(context.Root.Find(arguments.Operands[0]));
        return 0;
    }
}
