using Timur.CommandLine;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur save</c>: write images into an archive or directory.</summary>
internal static class SaveCommand
{
    internal static readonly Option[] Options =
    [
        Option.Value("output", "FILE|DIR", "where to (default: standard output)", 'o'),
        Option.Value("format", "docker-archive|oci-archive|oci-dir", "how it is laid out (default docker-archive)"),
        Option.Flag("quiet", "say nothing", 'q'),
        Option.Taken("compress"),
        Option.Taken("uncompressed"),
        Option.Taken("multi-image-archive") with { Short = 'm' },
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        ArchiveFormat format = arguments.Text("format") switch
        {
            null or "docker-archive" => ArchiveFormat.DockerArchive,
            "oci-archive" => ArchiveFormat.OciArchive,
            "oci-dir" => ArchiveFormat.OciDirectory,
            { } other => throw new Failure($"--format: '{other}' is unknown", "use docker-archive, oci-archive or oci-dir"),
        };
        var images = ImageStore.Open(context.Paths);
        IReadOnlyList<(Image, IReadOnlyList<ImageName>)> chosen = Choose(images, Operands.AtLeastOne(arguments, "save", "IMAGE"));
        var save = new ImageSave(images);
        string? output = arguments.Text("output");
        if (format == ArchiveFormat.OciDirectory)
        {
            SaveDirectory(save, chosen, output ?? throw new Failure("save: an oci-dir needs a directory", "give one with -o DIR"));
            return 0;
        }

        ArchiveOutput.Write(output, "save", stream => save.SaveArchive(chosen, format, stream));
        return 0;
    }

    /// <summary>An image asked for by name keeps that name, one asked for by id has none; each image is saved once.</summary>
    private static List<(Image, IReadOnlyList<ImageName>)> Choose(ImageStore images, IReadOnlyList<string> references)
    {
        var chosen = new List<(Image Image, IReadOnlyList<ImageName> Names)>();
        foreach (string reference in references)
        {
            Image image = images.Resolve(reference, ImageStore.NoSuchImage);
            bool byId = image.Id.StartsWith(reference.Replace("sha256:", ""), StringComparison.Ordinal);
            IReadOnlyList<ImageName> names = !byId && images.NameOf(reference) is { } name ? [name] : [];
            int known = chosen.FindIndex(other => other.Image.Id == image.Id);
            if (known >= 0)
            {
                chosen[known] = (image, [.. chosen[known].Names.Union(names)]);
                continue;
            }

            chosen.Add((image, names));
        }

        return chosen;
    }

    /// <summary>Whole under its name or not at all.</summary>
    internal static void SaveDirectory(ImageSave save, IReadOnlyList<(Image, IReadOnlyList<ImageName>)> images, string directory)
    {
        string whole = Path.GetFullPath(directory);
        if (Files.Exists(whole) && (Files.TryStatus(whole, out _) is not { Kind: FileKind.Directory } || Directories.List(whole).Count > 0))
        {
            throw new Failure($"save: {directory} is there and not empty", "choose another directory, or empty that one");
        }

        string unfinished = $"{Path.GetDirectoryName(whole)}/.{Path.GetFileName(whole)}.{Processes.Self}";
        try
        {
            Directories.Create(unfinished);
            save.SaveDirectory(images, unfinished);
            Directories.TryRemove(whole, out _);
            Files.Rename(unfinished, whole);
        }
        catch (Exception e) when (FileTrouble.Of(e) is { } trouble)
        {
            throw new Failure($"save -o {directory}: {trouble.Why}", trouble.Advice, cause: e);
        }
        finally
        {
            Directories.RemoveTree(unfinished);
        }
    }
}
