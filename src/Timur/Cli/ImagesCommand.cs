using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur images</c>: images on this machine.</summary>
internal static class ImagesCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("all", "all of them (there are no hidden ones)", 'a'),
        Option.Flag("digests", "what the registry calls them"),
        Option.Value("sort", "created|id|repository|size|tag", "in which order (default created: the newest first)"),
        .. ListOutput.Options.Select(option => option.Name == "noheading" ? option with { Short = 'n' } : option),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        if (arguments.Operands.Count > 1)
        {
            throw new Failure($"images takes one NAME, but was given {string.Join(' ', arguments.Operands)}", "for several use --filter reference=NAME, repeated");
        }

        var images = ImageStore.Open(context.Paths);
        bool truncate = !arguments.Has("no-trunc");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string? wanted = arguments.Operands.Count == 0 ? null : arguments.Operands[0];
        var filter = new ImageFilter(images, arguments.Texts("filter"), now);
        var use = new Lazy<ImageUse>(() => new ImageUse(new ContainerStore(context.Paths), images));
        var rows = new List<TemplateObject>();
        var shown = new HashSet<string>();
        foreach ((ImageName? name, Image image) in Sorted(images.List(), arguments.Text("sort") ?? "created"))
        {
            bool matches = (wanted is null || (name is { } known && ImageFilter.MatchesName(known, wanted))) && filter.Matches(name, image);

            // Ids alone say nothing of names.
            if (matches && (!arguments.Has("quiet") || shown.Add(image.Id)))
            {
                rows.Add(ImageView.Row(images, name, image, truncate, now, id => use.Value.CountOf(id)));
            }
        }

        List<(string, string)> columns = [("REPOSITORY", "Repository"), ("TAG", "Tag"), ("IMAGE ID", "ID"), ("CREATED", "CreatedSince"), ("SIZE", "Size")];
        if (arguments.Has("digests"))
        {
            columns.Insert(2, ("DIGEST", "Digest"));
        }

        ListOutput.Print(context, arguments, rows, columns);
        return 0;
    }

    /// <summary>The words and orders of Podman: the newest first, the smallest first, the rest as names are ordered.</summary>
    private static IEnumerable<(ImageName? Name, Image Image)> Sorted(IReadOnlyList<(ImageName? Name, Image Image)> all, string order) => order switch
    {
        "created" => all.OrderByDescending(entry => entry.Image.Config.Created),
        "id" => all.OrderBy(entry => entry.Image.Id, StringComparer.Ordinal),
        "repository" => all.OrderBy(entry => entry.Name?.Repository, StringComparer.Ordinal),
        "tag" => all.OrderBy(entry => entry.Name?.Tag, StringComparer.Ordinal),
        "size" => all.OrderBy(entry => ImageView.SizeOf(entry.Image)),
        _ => throw new Failure($"--sort {order} isn't known", "use created, id, repository, size or tag"),
    };
}
