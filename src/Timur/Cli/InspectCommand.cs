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
        Option.Value("type", "container|image", "only this kind"),
        Option.Value("as", "run", "the command that makes the same container"),
    ];

    /// <summary>Options of an inspect that knows what it looks for.</summary>
    internal static readonly Option[] KindOptions = [Options[0]];

    internal static int Run(CommandContext context, Arguments arguments) => Run(context, arguments, arguments.Text("type"));

    internal static int Run(CommandContext context, Arguments arguments, string? type)
    {
        var found = new List<TemplateObject>();
        var store = new ContainerStore(context.Paths);
        foreach (string name in Operands.AtLeastOne(arguments, "inspect", "NAME"))
        {
            if (type is not "image" && store.TryFindId(name) is not null)
            {
                Container container = store.Find(name);
                if (arguments.Text("as") is "run")
                {
                    context.Out(CommandText(container));
                    continue;
                }

                found.Add(ContainerInspection.Describe(store, container));
                continue;
            }

            if (type is "container")
            {
                store.Find(name, 1);
            }

            found.Add(Describe(ImageStore.Open(context.Paths), name));
        }

        if (arguments.Text("as") is null)
        {
            Print(context, arguments, found);
        }

        return 0;
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

    private static TemplateObject Describe(ImageStore images, string name)
    {
        Image image = images.TryResolve(name) ?? (name == "host" ? images.Resolve(name) : null)
            ?? throw new Failure($"there is no container or image '{name}'", "timur ps -a and timur images list them", 1);
        return ImageView.Inspect(images, image);
    }
}
