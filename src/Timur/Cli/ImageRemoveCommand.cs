using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur rmi</c>: remove images, or one name of several.</summary>
internal static class ImageRemoveCommand
{
    private const int NoSuchImage = 1;
    private const int InUse = 2;

    internal static readonly Option[] Options = [Option.Flag("force", "remove all names at once; a missing image is fine", 'f')];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        var images = new ImageStore(context.Paths);
        List<Container> containers = new ContainerStore(context.Paths).List();
        foreach (string reference in Operands.AtLeastOne(arguments, "rmi", "IMAGE"))
        {
            Image? image = images.TryResolve(reference);
            if (image is null)
            {
                if (!arguments.Has("force"))
                {
                    throw new Failure($"there is no image '{reference}'", "timur images lists them", NoSuchImage);
                }

                continue;
            }

            Remove(context, images, containers, image, reference, arguments.Has("force"));
        }

        return 0;
    }

    private static void Remove(CommandContext context, ImageStore images, List<Container> containers, Image image, string reference, bool force)
    {
        IReadOnlyList<ImageName> names = images.NamesOf(image.Id);
        bool onlyName = names.Count > 1 && !force && !image.Id.StartsWith(reference, StringComparison.Ordinal);
        if (!onlyName && containers.Find(container => container.Record.ImageId == image.Id) is { } user)
        {
            throw new Failure($"image {reference} is used by container {user.Name}", $"remove that first: timur rm {user.Name}", InUse);
        }

        foreach (ImageName name in onlyName ? [ImageName.Parse(reference)] : names)
        {
            images.Untag(name);
            context.Out($"Untagged: {name.Familiar}");
        }

        if (!onlyName)
        {
            images.Remove(image);
            context.Out($"Deleted: sha256:{image.Id}");
        }
    }
}
