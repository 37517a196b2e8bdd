using Timur.CommandLine;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>list</c>.</summary>
internal static class ListCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Value("format", "table|json", "how to print", 'f'),
        Option.Flag("quiet", "ids only", 'q'),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        IReadOnlyList<OciContainer> containers = context.Root.All();
        if (arguments.Has("quiet"))
        {
            OciContext.Text(string.Concat(containers.Select(container => container.Id + "\n")));
            return 0;
        }

        if (OciOperands.IsJson(arguments))
        {
            OciContext.Line($"[{string.Join(',', containers.Select(StateJson.ForCallers))}]");
        }
        else
        {
            PrintTable(containers);
        }

        return 0;
    }

    private static void PrintTable(IReadOnlyList<OciContainer> containers)
    {
        int width = Math.Max(containers.Select(container => container.Id.Length).DefaultIfEmpty().Max(), 10) + 2;
        OciContext.Line($"{"ID".PadRight(width)}{"PID",-12}{"STATUS",-12}{"BUNDLE",-24}{"CREATED",-32}OWNER");
        foreach (OciContainer container in containers)
        {
            OciStatus status = container.Status;
            int pid = status == OciStatus.Stopped ? 0 : container.Record.Pid;
            OciContext.Line($"{container.Id.PadRight(width)}{pid,-12}{status.Name(),-12}{container.Record.Bundle,-24}{container.Record.Created,-32}root");
        }
    }
}
