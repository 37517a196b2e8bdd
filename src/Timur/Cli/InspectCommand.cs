using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur inspect</c>: everything about containers or images.</summary>
internal static class InspectCommand
{
    internal static readonly Option[] Options =
    [
        Option.Value("format", "json|TEMPLATE", "a Go template instead of JSON", 'f'),
        Option.Value("type", "container|image|volume", "only this kind", 't'),
        Option.Value("as", "run", "the command that makes the same container"),
    ];

    /// <summary>Options of an inspect that knows what it looks for.</summary>
    internal static readonly Option[] KindOptions = [Options[0]];

    internal static int Run(CommandContext context, Arguments arguments) => Run(context, arguments, arguments.Text("type"));

    internal static int Run(CommandContext context, Arguments arguments, string? type)
    {
        if (type is not (null or "all" or "container" or "image" or "volume"))
        {
            throw new Failure($"--type {type} isn't known", "use container, image or volume");
        }

        var found = new List<TemplateObject>();
        int code = 0;
        foreach (string name in Operands.AtLeastOne(arguments, "inspect", "NAME"))
        {
            try
            {
                Find(context, arguments, type is "all" ? null : type, name, found);
            }
            catch (Failure e)
            {
                int failed = CommandContext.Report(e, context.Debug);
                code = code == 0 ? failed : code;
            }
        }

        if (arguments.Text("as") is null)
        {
            Print(context, arguments, found);
        }

        return code;
    }

    /// <summary>Adds what has that name: a container, or else an image, or else a volume.</summary>
    private static void Find(CommandContext context, Arguments arguments, string? type, string name, List<TemplateObject> found)
    {
        var store = new ContainerStore(context.Paths);
        if (type is null or "container" && store.TryFindId(name) is not null)
        {
            Container container = store.Find(name);
            if (arguments.Text("as") is "run")
            {
                context.Out(CommandText(container));
                return;
            }

            found.Add(ContainerInspection.Describe(store, container));
            return;
        }

        if (type is "container")
        {
            store.Find(name, 1);
        }

        var volumes = new VolumeCare(context.Paths);
        var images = ImageStore.Open(context.Paths);
        bool isVolume = type is "volume" || (type is null && name != "host" && volumes.Exists(name) && images.TryResolve(name) is null);
        found.Add(isVolume ? volumes.Inspect(name) : ImageView.Inspect(images, name == "host" ? images.Resolve(name) : type is "image" ? images.Find(name)
            : images.TryResolve(name) ?? throw new Failure($"there is no container or image '{name}'", "timur ps -a and timur images list them", ImageStore.NoSuchImage)));
    }

    /// <summary>An array of JSON, or a line for each by the template.</summary>
    internal static void Print(CommandContext context, Arguments arguments, List<TemplateObject> found)
    {
        if (arguments.Text("format") is { } format and not "json")
        {
            Template template = Template.Parse(format);
            found.ForEach(item => context.Out(template.Render(item)));
            return;
        }

        context.Out("[\n" + string.Join(",\n", found.Select(item => Indent(item.ToJson(indented: true)))) + "\n]");
    }

    private static string Indent(string text) => "    " + text.Replace("\n", "\n    ");

    /// <summary>Values that look like secrets are left out.</summary>
    private static string CommandText(Container container)
    {
        var words = new List<string> { "timur", "run", "-d" };
        foreach (string word in container.Record.Options)
        {
            bool secret = word.StartsWith("--env=", StringComparison.Ordinal)
                && (word.Contains("PASS", StringComparison.OrdinalIgnoreCase) || word.Contains("TOKEN", StringComparison.OrdinalIgnoreCase) || word.Contains("SECRET", StringComparison.OrdinalIgnoreCase) || word.Contains("KEY", StringComparison.OrdinalIgnoreCase));
            words.Add(Quote(secret ? word[..(word.IndexOf('=', 6) + 1)] + "***" : word));
        }

        return string.Join(' ', words);
    }

    private static string Quote(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_=/.,:@%+".Contains(c)) ? word : $"'{word.Replace("'", "'\\''")}'";
}
