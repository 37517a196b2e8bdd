using Timur.CommandLine;
using Timur.Images;
using Timur.Images.Registry;

namespace Timur.Cli;

/// <summary><c>timur pull</c>: get images from registries.</summary>
internal static class PullCommand
{
    internal static Option[] Options { get; } =
    [
        .. PlatformArguments.Options,
        Option.Flag("all-tags", "every tag of the repository", 'a'),
        Option.Flag("quiet", "print only the image's id", 'q'),
        .. RegistryArguments.Options,
        Option.Taken("disable-content-trust"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count == 0)
        {
            throw new Failure("pull needs NAME", "for example: timur pull debian:bookworm");
        }

        Platform? platform = PlatformArguments.Read(arguments) is { } wanted ? Platform.Parse(wanted) : null;
        foreach (string text in arguments.Operands.Select(RegistryArguments.WithoutTransport))
        {
            Check(text, arguments.Has("all-tags"));
            ITransferProgress progress = RegistryArguments.Progress(arguments);
            using (progress as IDisposable)
            {
                var pull = new ImagePull(ImageStore.Open(context.Paths), RegistryArguments.Settings(arguments), progress);
                foreach (PulledImage pulled in arguments.Has("all-tags") ? pull.PullAll(text, platform) : [pull.Pull(text, platform)])
                {
                    Report(context, progress, pulled, arguments.Has("quiet"));
                }
            }
        }

        return 0;
    }

    private static void Check(string text, bool allTags)
    {
        if (text == "host")
        {
            throw new Failure("'host' is this machine itself and comes from no registry", "timur run host starts a copy of it");
        }

        if (allTags && text.AsSpan(text.LastIndexOf('/') + 1).IndexOfAny(":@") >= 0)
        {
            throw new Failure($"--all-tags gets every tag, and '{text}' names one", "leave the tag out, or --all-tags");
        }
    }

    private static void Report(CommandContext context, ITransferProgress progress, PulledImage pulled, bool quiet)
    {
        if (pulled.Warning is { } warning)
        {
            progress.Say($"timur: warning: {warning}");
        }

        if (!quiet)
        {
            progress.Say($"{pulled.Name.Familiar}: {(pulled.IsNew ? "new image" : "up to date")}, {pulled.Digest}");
        }

        context.Out($"sha256:{pulled.Image.Id}");
        BudgetNote.Keep(context, pulled.Image.Id);
    }
}
