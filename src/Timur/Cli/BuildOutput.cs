using Microsoft.Win32.SafeHandles;
using Timur.Build;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>--output</c>: what a build makes, and where it goes.</summary>
/// <param name="Kind">What is written.</param>
/// <param name="Destination">A directory, or a file; <c>-</c> is standard output. Null for the store.</param>
internal sealed record BuildOutput(BuildOutputKind Kind, string? Destination)
{
    private const string Advice = "write DIR, type=local,dest=DIR, type=tar,dest=FILE, type=oci,dest=FILE, type=docker,dest=FILE, or type=image,name=NAME";

    /// <summary>More names for the image, those of <c>name=</c>.</summary>
    internal IReadOnlyList<ImageName> Names { get; init; } = [];

    /// <summary><c>push=true</c>: the image goes to its registry, too.</summary>
    internal bool Pushes { get; init; }

    /// <summary>With <c>--push</c> the same as <c>type=image,push=true</c>.</summary>
    internal BuildOutput PushedIf(bool pushes, ImageName[] names)
    {
        BuildOutput result = this with { Pushes = Pushes || pushes };
        return !result.Pushes || Kind != BuildOutputKind.Image ? (pushes && Kind != BuildOutputKind.Image ? throw new Failure("--push brings an image to a registry, and --output makes none", "leave out one of them") : this)
            : names.Length > 0 ? result : throw new Failure("an image without a name can't be pushed", "give it one: -t registry.example/team/app:1");
    }

    /// <summary>The names that are pushed, of all that the image has.</summary>
    internal IReadOnlyList<ImageName> Pushed(ImageName[] all) => !Pushes ? [] : Names.Count > 0 ? Names : all;

    /// <summary>An archive of an image.</summary>
    internal bool IsImageArchive => Kind is BuildOutputKind.OciArchive or BuildOutputKind.OciDirectory or BuildOutputKind.DockerArchive;

    /// <summary>What the shortest form means: a directory, or an archive to standard output.</summary>
    internal static BuildOutput Parse(string text)
    {
        if (!text.Contains('='))
        {
            return new BuildOutput(text == "-" ? BuildOutputKind.Archive : BuildOutputKind.Directory, text);
        }

        var given = new Dictionary<string, string>();
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=');
            string key = equals < 0 ? part : part[..equals];
            if (key is not ("type" or "dest" or "name" or "push" or "tar"))
            {
                throw new Failure($"--output: '{part}' isn't known", Advice);
            }

            given[key] = equals < 0 ? "true" : part[(equals + 1)..];
        }

        string type = given.GetValueOrDefault("type", "local");
        string? destination = given.GetValueOrDefault("dest") is { Length: > 0 } path ? path : null;
        bool isArchive = given.GetValueOrDefault("tar", "true") != "false";
        BuildOutputKind kind = type switch
        {
            "local" => BuildOutputKind.Directory,
            "tar" => BuildOutputKind.Archive,
            "oci" => isArchive ? BuildOutputKind.OciArchive : BuildOutputKind.OciDirectory,
            "docker" => destination is null ? BuildOutputKind.Image : BuildOutputKind.DockerArchive,
            "image" or "registry" => BuildOutputKind.Image,
            _ => throw new Failure($"--output {text}: there is no type {type}", Advice),
        };
        if ((destination is null) != (kind == BuildOutputKind.Image))
        {
            throw new Failure($"--output {text}: {(destination is null ? "dest is missing" : $"type {type} has no dest: it stays in the store")}", Advice);
        }

        return new BuildOutput(kind, destination)
        {
            Names = [.. given.GetValueOrDefault("name", "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ImageName.Parse)],
            Pushes = type == "registry" || given.GetValueOrDefault("push", "false") == "true",
        };
    }

    /// <summary>Writes the files of a build.</summary>
    internal void Write(Fd tree)
    {
        if (Kind == BuildOutputKind.Directory)
        {
            string directory = Path.GetFullPath(Destination!);
            Directories.Create(directory);
            LayerMaking.CopyInto(tree, directory);
            return;
        }

        try
        {
            using Stream stream = Destination == "-" ? new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, 1) : new FileStream(Destination!, FileMode.Create, FileAccess.Write);
            using var buffered = new BufferedStream(stream, 128 * 1024);
            LayerMaking.Write(tree, buffered, SourceDateEpoch.Value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Failure($"--output {Destination}: {e.Message}", "give a file that can be written", cause: e);
        }
    }

    /// <summary>Writes an image with the names it is to have there.</summary>
    internal void Write(ImageStore images, Image image, IReadOnlyList<ImageName> names)
    {
        var save = new ImageSave(images);
        if (Kind == BuildOutputKind.OciDirectory)
        {
            SaveCommand.SaveDirectory(save, [(image, names)], Destination!);
            return;
        }

        ArchiveOutput.Write(Destination, "build", stream => save.SaveArchive([(image, names)], Kind == BuildOutputKind.OciArchive ? ArchiveFormat.OciArchive : ArchiveFormat.DockerArchive, stream));
    }
}

/// <summary>What a build is to come to.</summary>
internal enum BuildOutputKind
{
    /// <summary>An image of the store, with or without names.</summary>
    Image,

    /// <summary>The files, in a directory.</summary>
    Directory,

    /// <summary>The files, in a tar archive.</summary>
    Archive,

    OciArchive, OciDirectory, DockerArchive,
}
