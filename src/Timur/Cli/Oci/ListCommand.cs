using Timur.CommandLine;
using Timur.Kernel;
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

    /// <summary>Whoever else made them couldn't have.</summary>
    private const string Owner = "root";

    internal static void Broken(string id, Exception why) => CommandContext.Note($"load container {id}: {why.Message}");

    internal static int Run(OciContext context, Arguments arguments)
    {
        IReadOnlyList<OciContainer> containers = Files.Exists(context.Root.Path) || context.Root.Path == StateRoot.Default ? context.Root.All(Broken)
            : throw new SyscallException("open", Errno.ENOENT, context.Root.Path);
        if (arguments.Has("quiet"))
        {
            OciContext.Text(string.Concat(containers.Select(container => container.Id + "\n")));
            return 0;
        }

        if (OciValues.IsJson(arguments))
        {
            OciContext.Line($"[{string.Join(',', containers.Select(container => StateJson.ForCallers(container, indented: false, Owner)))}]");
        }
        else
        {
            PrintTable(containers);
        }

        return 0;
    }

    /// <summary>Columns as wide as their longest cell and three more, twelve at least.</summary>
    private static void PrintTable(IReadOnlyList<OciContainer> containers)
    {
        const int gap = 3;
        const int narrowest = 12;
        List<string[]> lines = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]];
        foreach (OciContainer container in containers)
        {
            OciStatus status = container.Status;
            string pid = (status == OciStatus.Stopped ? 0 : container.Record.Pid).ToString();
            lines.Add([container.Id, pid, status.Name(), container.Record.Bundle, container.Record.Created, Owner]);
        }

        int[] widths = [.. Enumerable.Range(0, lines[0].Length).Select(column => Math.Max(narrowest, lines.Max(cells => cells[column].Length) + gap))];
        foreach (string[] cells in lines)
        {
            OciContext.Line(string.Concat(cells.Select((cell, column) => column == cells.Length - 1 ? cell : cell.PadRight(widths[column]))));
        }
    }
}
