using Timur.CommandLine;
using Timur.Images;
using Timur.Images.Registry;

namespace Timur.Cli;

/// <summary><c>timur pull</c>: get an image from a registry.</summary>
internal static class PullCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Value("platform", "OS/ARCH[/VARIANT]", "platform of the image (default this machine's)"),
        Option.Flag("quiet", "print only the image's id", 'q'),
        .. RegistryArguments.Options,
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        string text = Operands.One(arguments, "pull", "NAME");
        if (text == "host")
        {
            throw new Failure("'host' is this machine itself and comes from no registry", "timur run host starts a copy of it");
        }

        ImageName name = ImageName.Parse(text);
        Platform? platform = arguments.Text("platform") is { } wanted ? Platform.Parse(wanted) : null;
        ITransferProgress progress = RegistryArguments.Progress(arguments);
        PulledImage pulled;
        using (progress as IDisposable)
        {
            pulled = new ImagePull(new ImageStore(context.Paths), RegistryArguments.Settings(arguments), progress).Pull(name, platform);
        }

        if (pulled.Warning is { } warning)
        {
            context.Warn([warning]);
        }

        if (!arguments.Has("quiet"))
        {
            CommandContext.Note($"{name.Familiar}: {(pulled.IsNew ? "new image" : "up to date")}, {pulled.Digest}");
        }

        context.Out($"sha256:{pulled.Image.Id}");
        return 0;
    }
}
