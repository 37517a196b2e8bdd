using Timur.CommandLine;
using Timur.Kernel;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>kill</c>.</summary>
internal static class KillCommand
{
    internal static Option[] Options { get; } = [Option.Flag("all", "every process of the container", 'a')];

    internal static int Run(OciContext context, Arguments arguments)
    {
        string name = arguments.Operands is [_, { Length: > 0 } given] ? given : "TERM";
        OciContainer container = context.Root.Find(arguments.Operands[0]);

        // What a number means is the kernel's to say: 0 asks whether it could be signalled (kill(2)).
        if (!Signals.TryParse(name, out int signal) && !int.TryParse(name, out signal))
        {
            throw new Failure($"unknown signal \"{name}\"", "signal(7) lists them", 1);
        }

        Signalling.Kill(container, signal, arguments.Has("all"));
        return 0;
    }
}
