using Timur.CommandLine;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur load</c>: take saved images in.</summary>
internal static class LoadCommand
{
    internal static readonly Option[] Options =
    [
        Option.Value("input", "FILE|DIR", "an archive, compressed or not, or a directory in OCI layout (default: standard input)", 'i'),
        Option.Flag("quiet", "print only what was loaded", 'q'),
        Option.Value("platform", "OS/ARCH[/VARIANT]", "platform to take from an image for several (default this machine's)"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        Operands.None(arguments, "load");
        ITransferProgress progress = RegistryArguments.Progress(arguments);
        using var shown = progress as IDisposable;
        var load = new ImageLoad(ImageStore.Open(context.Paths), progress, arguments.Text("platform") is { } platform ? Platform.Parse(platform) : null);
        IReadOnlyList<LoadedImage> all = Load(load, arguments.Text("input"));
        shown?.Dispose();
        foreach (LoadedImage loaded in all)
        {
            if (loaded.Names.Count == 0)
            {
                context.Out($"Loaded image ID: sha256:{loaded.Image.Id}");
            }

            foreach (ImageName name in loaded.Names)
            {
                context.Out($"Loaded image: {name.Familiar}");
            }

            BudgetNote.Keep(context, loaded.Image.Id);
        }

        return 0;
    }

    private static IReadOnlyList<LoadedImage> Load(ImageLoad load, string? input)
    {
        if (input is null or "-")
        {
            if (Terminal.Is(Descriptors.Standard(0)))
            {
                throw new Failure("load: standard input is a terminal", "give a file with -i FILE, or a pipe");
            }

            using Stream standard = Console.OpenStandardInput();
            return load.Load(standard, "standard input");
        }

        if (Files.TryStatus(input, out Errno why, follow: true) is not { } status)
        {
            throw new Failure($"load -i {input}: {why.Describe()}", "give an archive that timur save, docker save or podman save wrote, or a directory in OCI layout");
        }

        if (status.Kind == FileKind.Directory)
        {
            return load.LoadDirectory(Path.GetFullPath(input));
        }

        using var file = new FileStream(input, FileMode.Open, FileAccess.Read, FileShare.Read, 128 * 1024);
        return load.Load(file, input);
    }
}
