using Timur.CommandLine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur image bootstrap</c>: make an image from a distribution's packages.</summary>
internal static class BootstrapCommand
{
    internal static readonly Option[] Options =
    [
        Option.List("include", "PACKAGE[,PACKAGE...]", "packages beside the smallest set"),
        Option.Value("mirror", "URL", "where packages come from (default: this machine's own mirror, or the distribution's)"),
        Option.Value("tag", "NAME", "name of the image (default: the release's)"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        string release = Operands.One(arguments, "image bootstrap", "DISTRIBUTION:SUITE");
        List<string> packages = arguments.Texts("include").SelectMany(list => list.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries)).ToList();
        ImageName? name = arguments.Text("tag") is { } tag ? ImageName.Parse(tag) : null;
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Image image = new ImageBootstrap(ImageStore.Open(context.Paths)).Bootstrap(
            release, packages, arguments.Text("mirror"), name, line => CommandContext.Note($"[{clock.Elapsed.TotalSeconds,5:0.0} s] {line}"));
        CommandContext.Note($"[{clock.Elapsed.TotalSeconds,5:0.0} s] done: {image.Reference}");
        context.Out($"sha256:{image.Id}");
        BudgetNote.Keep(context, image.Id);
        return 0;
    }
}
