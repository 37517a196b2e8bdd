using System.Globalization;
using Timur.CommandLine;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur search</c>: repositories of a registry, or the tags of one.</summary>
internal static class SearchCommand
{
    private const int DefaultLimit = 25;
    private const int DescriptionWidth = 60;

    internal static Option[] Options { get; } =
    [
        Option.Value("limit", "COUNT", $"most results of each registry (default {DefaultLimit})"),
        Option.Flag("list-tags", "the tags of the repository of that name"),
        Option.List("filter", "KEY=VALUE", "stars=COUNT, is-official=true|false, is-automated=false", 'f'),
        Option.Value("format", "json|TEMPLATE", "JSON lines, a Go template, or 'table TEMPLATE'"),
        Option.Flag("no-trunc", "whole descriptions"),
        .. RegistryArguments.Options,
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        string term = Operands.One(arguments, "search", "[REGISTRY/]TERM");
        RegistrySettings settings = RegistryArguments.Settings(arguments);
        int limit = Limit(arguments);
        if (arguments.Has("list-tags"))
        {
            string repository = ImageName.Parse(term).Repository;
            List<TemplateObject> tags = [.. TagList.Get(settings, term).Take(limit).Select(tag => new TemplateObject().Add("Name", repository).Add("Tag", tag))];
            ListOutput.Print(context, arguments, tags, [("NAME", "Name"), ("TAG", "Tag")]);
            return 0;
        }

        var search = new ImageSearch(settings);
        Func<FoundImage, bool> filter = Filter(arguments.Texts("filter"));
        int slash = term.IndexOf('/');
        string first = slash < 0 ? "" : term[..slash];
        bool hasRegistry = first.AsSpan().IndexOfAny(".:") >= 0 || first == "localhost";
        var found = new List<FoundImage>();
        foreach (string registry in hasRegistry ? [first] : search.Registries)
        {
            found.AddRange(search.Search(registry, hasRegistry ? term[(slash + 1)..] : term, limit));
        }

        bool truncate = !arguments.Has("no-trunc");
        List<TemplateObject> rows = [.. found.Where(filter).Select(image => Row(image, truncate))];
        ListOutput.Print(context, arguments, rows, [("NAME", "Name"), ("DESCRIPTION", "Description"), ("STARS", "Stars"), ("OFFICIAL", "Official")]);
        return 0;
    }

    private static TemplateObject Row(FoundImage image, bool truncate)
    {
        string description = image.Description.ReplaceLineEndings(" ");
        return new TemplateObject()
            .Add("Name", image.Name)
            .Add("Description", truncate && description.Length > DescriptionWidth ? description[..(DescriptionWidth - 1)] + "…" : description)
            .Add("Stars", image.Stars)
            .Add("Official", image.IsOfficial ? "[OK]" : "")
            .Also("StarCount", () => image.Stars)
            .Also("IsOfficial", () => image.IsOfficial)
            .Also("IsAutomated", () => false)
            .Also("Automated", () => "");
    }

    private static int Limit(Arguments arguments)
        => arguments.Text("limit") is not { } text ? arguments.Has("list-tags") ? int.MaxValue : DefaultLimit
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit > 0 ? limit
            : throw new Failure($"--limit {text}: not a number of results", "for example: --limit 50");

    private static Func<FoundImage, bool> Filter(IReadOnlyList<string> filters)
    {
        long stars = 0;
        bool? official = null;
        foreach (string filter in filters)
        {
            string[] parts = filter.Split('=', 2);
            switch (parts)
            {
                case ["stars", { } count] when long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out stars): break;
                case ["is-official", "true"] or ["is-official"]: official = true; break;
                case ["is-official", "false"]: official = false; break;
                case ["is-automated", "false"]: break;
                default: throw new Failure($"--filter {filter}: no such filter", "there are stars=COUNT and is-official=true|false");
            }
        }

        return image => image.Stars >= stars && (official is null || image.IsOfficial == official);
    }
}
