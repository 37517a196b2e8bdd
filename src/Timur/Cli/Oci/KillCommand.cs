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
        if (arguments.Operands.Count is not (1 or 2))
        {
            throw new Failure("\"kill\" requires a minimum of 1 argument, and 2 at most", "timur oci kill ID [SIGNAL]", 1);
        }

        string name = arguments.Operands is [_, var given] ? given : "TERM";

        // 0 asks whether it could be signalled (kill(2)).
        if (!Signals.TryParse(name, out int signal) && name != "0")
        {
            throw new Failure($"unknown signal \"{name}\"", "signal(7) lists them", 1);
        }

        Signalling.Kill(context.Root.Find(arguments.Operands[0]), signal, arguments.Has("all"));
        return 0;
    }
}
