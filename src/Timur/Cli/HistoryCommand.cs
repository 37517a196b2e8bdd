using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur history</c>: how an image was made.</summary>
internal static class HistoryCommand
{
    internal static readonly Option[] Options =
    [
        Option.Value("format", "json|TEMPLATE", "JSON lines, a Go template, or 'table TEMPLATE'"),
        Option.Flag("human", "sizes and times for people (default true)", 'H'),
        Option.Flag("no-trunc", "don't shorten ids and instructions"),
        Option.Flag("quiet", "only ids", 'q'),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        Image image = ImageStore.Open(context.Paths).Resolve(Operands.One(arguments, "history", "IMAGE"), ImageStore.NoSuchImage);
        bool human = arguments.Text("human") != "false";
        ListOutput.Print(context, arguments, ImageView.History(image, !arguments.Has("no-trunc"), human, DateTimeOffset.UtcNow),
            [("IMAGE", "ID"), ("CREATED", human ? "CreatedSince" : "CreatedAt"), ("CREATED BY", "CreatedBy"), ("SIZE", "Size"), ("COMMENT", "Comment")]);
        return 0;
    }
}
