using Timur.Build;
using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur commit</c> and <c>timur diff</c>: what a container has changed, as an image and as a list; of an image what its topmost layer changes.</summary>
internal static class CommitCommand
{
    internal static readonly Option[] Options =
    [
        Option.Value("author", "TEXT", "who made it, such as \"Anna <anna@example.org>\"", 'a'),
        Option.List("change", "INSTRUCTION", "an instruction of a Dockerfile for the configuration, such as 'CMD [\"sh\"]'", 'c'),
        Option.Value("message", "TEXT", "note in the image's history", 'm'),
        Option.Flag("pause", "stop every process while the files are read (default true)", 'p'),
        Option.Flag("squash", "make one layer of all", 's'),
        Option.Value("iidfile", "FILE", "write the image's id to a file"),
        Option.Flag("quiet", "nothing but the id (as it is anyway)", 'q'),
        Option.Taken("format", "oci|docker") with { Short = 'f' },
    ];

    internal static readonly Option[] DiffOptions = [Option.Value("format", "json", "json: one object with the lists")];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count is 0 or > 2)
        {
            throw new Failure("commit needs CONTAINER [NAME[:TAG]]", "for example: timur commit web mysite:1");
        }

        ImageName? name = arguments.Operands.Count == 2 ? ImageName.Parse(arguments.Operands[1]) : null;
        var store = new ContainerStore(context.Paths);
        Container container = store.Find(arguments.Operands[0], notFound: 1);
        var options = new CommitOptions(arguments.Text("author") ?? "", arguments.Text("message") ?? "", arguments.Texts("change"), arguments.Text("pause") != "false", arguments.Has("squash"));
        Image image = new ContainerCommit(store, ImageStore.Open(context.Paths)).Commit(container, options, name);
        FileOption.Write(arguments, "iidfile", $"sha256:{image.Id}");
        context.Out($"sha256:{image.Id}");
        BudgetNote.Keep(context, image.Id);
        return 0;
    }

    internal static int Diff(CommandContext context, Arguments arguments) => Diff(context, arguments, mayBeContainer: true);

    internal static int ImageDiff(CommandContext context, Arguments arguments) => Diff(context, arguments, mayBeContainer: false);

    /// <summary>Of a container, or else of an image, as in Podman.</summary>
    private static int Diff(CommandContext context, Arguments arguments, bool mayBeContainer)
    {
        context.RequireRoot();
        string name = Operands.One(arguments, mayBeContainer ? "diff" : "image diff", mayBeContainer ? "CONTAINER|IMAGE" : "IMAGE");
        var store = new ContainerStore(context.Paths);
        var images = ImageStore.Open(context.Paths);
        using ContainerChanges changes = mayBeContainer && store.TryFindId(name) is not null ? ContainerChanges.Open(store, images, store.Find(name, notFound: 1))
            : ContainerChanges.OfImage(context.Paths, name == "host" ? images.Resolve(name) : !mayBeContainer ? images.Find(name)
                : images.TryResolve(name) ?? throw new Failure($"there is no container or image '{name}'", "timur ps -a and timur images list them", ImageStore.NoSuchImage));
        IReadOnlyList<Change> list = changes.List();
        context.OutText(arguments.Text("format") switch
        {
            null => string.Concat(list.Select(change => $"{change.Kind} {change.Path}\n")),
            "json" => Json(list),
            { } other => throw new Failure($"diff: --format {other} isn't known", "use --format json, or leave it out"),
        });
        return 0;
    }

    private static string Json(IReadOnlyList<Change> list)
    {
        using var stream = new MemoryStream();
        using (var json = new System.Text.Json.Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            foreach ((string name, char kind) in (ReadOnlySpan<(string, char)>)[("changed", 'C'), ("added", 'A'), ("deleted", 'D')])
            {
                json.WriteStartArray(name);
                foreach (Change change in list.Where(change => change.Kind == kind))
                {
                    json.WriteStringValue(change.Path);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
