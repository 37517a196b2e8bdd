using Timur.CommandLine;
using Timur.Engine;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur system df</c>: what the store occupies.</summary>
internal static class UsageCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("verbose", "each image, container and volume", 'v'),
        Option.Value("format", "json|TEMPLATE", "JSON lines, a Go template, or 'table TEMPLATE'"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        Operands.None(arguments, "system df");
        var usage = new StoreUsage(context.Paths);
        if (arguments.Has("verbose"))
        {
            PrintAll(context, arguments, usage);
            return 0;
        }

        ListOutput.Print(context, arguments, [.. usage.Rows().Select(Row)],
            [("TYPE", "Type"), ("TOTAL", "TotalCount"), ("ACTIVE", "Active"), ("SIZE", "Size"), ("RECLAIMABLE", "Reclaimable")]);
        return 0;
    }

    private static TemplateObject Row(UsageRow row) => new TemplateObject()
        .Add("Type", row.Type)
        .Add("TotalCount", row.Total.ToString())
        .Add("Active", row.Active.ToString())
        .Add("Size", StoreUsage.Text(row.Size))
        .Add("Reclaimable", row.Reclaimable == 0 || row.Size == 0 ? StoreUsage.Text(row.Reclaimable) : $"{StoreUsage.Text(row.Reclaimable)} ({100 * row.Reclaimable / row.Size}%)")
        .Add("Bytes", row.Size)
        .Add("ReclaimableBytes", row.Reclaimable);

    private static void PrintAll(CommandContext context, Arguments arguments, StoreUsage usage)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        context.Out("Images space usage:\n");
        ListOutput.Print(context, arguments, [.. usage.ImageRows(now)],
        [
            ("REPOSITORY", "Repository"), ("TAG", "Tag"), ("IMAGE ID", "ID"), ("CREATED", "CreatedSince"), ("SIZE", "TotalSize"), ("SHARED SIZE", "SharedSize"), ("UNIQUE SIZE", "UniqueSize"),
            ("CONTAINERS", "Containers"),
        ]);
        context.Out("\nContainers space usage:\n");
        ListOutput.Print(context, arguments, [.. usage.ContainerRows(now)],
            [("CONTAINER ID", "ID"), ("IMAGE", "Image"), ("COMMAND", "Command"), ("LOCAL VOLUMES", "LocalVolumes"), ("SIZE", "Size"), ("CREATED", "RunningFor"), ("STATUS", "Status"), ("NAMES", "Names")]);
        context.Out("\nLocal Volumes space usage:\n");
        ListOutput.Print(context, arguments, new VolumeCare(context.Paths).Rows([]), [("VOLUME NAME", "Name"), ("LINKS", "Links"), ("SIZE", "Size")]);
        context.Out("\nDisks space usage:\n");
        ListOutput.Print(context, arguments, [.. new ContainerDisks(context.Paths).List()], [("DISK", "Name"), ("SIZE", "Size"), ("USED", "Used"), ("CONTAINER", "Container")]);
    }
}
