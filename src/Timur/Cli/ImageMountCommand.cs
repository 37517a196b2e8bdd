using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur image mount</c> and <c>timur image unmount</c>: an image's files in a directory of this machine.</summary>
internal static class ImageMountCommand
{
    internal static readonly Option[] Options = [Option.Flag("all", "every image", 'a'), Option.Value("format", "json", "json: ids, names and directories")];

    internal static readonly Option[] UnmountOptions = [Option.Flag("all", "every image that is mounted", 'a'), Option.Flag("force", "also while a program has files of it open", 'f')];

    /// <summary>One image's directory, or a line for each of several; without an image those that are mounted.</summary>
    internal static int Mount(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        var images = ImageStore.Open(context.Paths);
        var mounts = new ImageMounts(context.Paths);
        if (arguments.Text("format") is { } other and not "json")
        {
            throw new Failure($"image mount: --format {other} isn't known", "use --format json, or leave it out");
        }

        List<Image> wanted = [.. arguments.Operands.Select(reference => images.Resolve(reference, ImageStore.NoSuchImage)), .. arguments.Has("all") ? images.All() : []];
        List<(string Id, string Directory)> mounted = wanted.Count == 0 && !arguments.Has("all") ? [.. mounts.List()] : wanted.ConvertAll(image => (image.Id, mounts.Mount(images, image)));
        if (arguments.Text("format") is not null)
        {
            context.Out($"[{string.Join(',', mounted.Select(one => new TemplateObject().Add("id", one.Id).Add("Repositories", Names(images, one.Id).Cast<object?>().ToList()).Add("mountpoint", one.Directory).ToJson()))}]");
            return 0;
        }

        foreach ((string id, string directory) in mounted)
        {
            context.Out(wanted.Count == 1 ? directory : $"{Names(images, id).FirstOrDefault(id[..12])} {directory}");
        }

        return 0;
    }

    internal static int Unmount(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        var images = ImageStore.Open(context.Paths);
        var mounts = new ImageMounts(context.Paths);
        if (arguments.Has("all"))
        {
            Operands.None(arguments, "image unmount --all");
        }

        foreach (string id in arguments.Has("all") ? [.. mounts.List().Select(one => one.Id)] : Operands.AtLeastOne(arguments, "image unmount", "IMAGE").Select(reference => images.Resolve(reference, ImageStore.NoSuchImage).Id).ToArray())
        {
            mounts.Unmount(id, arguments.Has("force"));
            context.Out(id);
        }

        return 0;
    }

    private static string[] Names(ImageStore images, string id) => [.. images.NamesOf(id).Select(name => name.Familiar)];
}
