using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur images</c>: images on this machine.</summary>
internal static class ImagesCommand
{
    internal static readonly Option[] Options = [Option.Flag("all", "all of them (there are no hidden ones)", 'a'), .. ListOutput.Options];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        var images = new ImageStore(context.Paths);
        bool truncate = !arguments.Has("no-trunc");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        var rows = new List<TemplateObject>();
        foreach ((ImageName? name, Image image) in images.List())
        {
            bool wanted = arguments.Operands.Count == 0 || arguments.Operands.Any(operand => name is { } known && (known.Repository == operand || known.Familiar == operand));
            if (wanted)
            {
                rows.Add(ImageView.Row(name, image, image.LayerDirectories.Sum(Directories.Usage), truncate, now));
            }
        }

        ListOutput.Print(context, arguments, rows, [("REPOSITORY", "Repository"), ("TAG", "Tag"), ("IMAGE ID", "ID"), ("CREATED", "CreatedSince"), ("SIZE", "Size")]);
        return 0;
    }
}
