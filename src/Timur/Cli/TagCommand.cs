using Timur.CommandLine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur tag</c> and <c>timur untag</c>: names of an image.</summary>
internal static class TagCommand
{
    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count < 2)
        {
            throw new Failure("tag needs IMAGE NEW_NAME...", "for example: timur tag web registry.example/team/web:1");
        }

        ImageName[] names = [.. arguments.Operands.Skip(1).Select(ImageName.Parse)];
        var images = ImageStore.Open(context.Paths);
        Image image = images.Resolve(arguments.Operands[0], ImageStore.NoSuchImage);
        foreach (ImageName name in names)
        {
            images.Tag(image, name);
        }

        images.Settling.FinishInBackground();
        return 0;
    }

    /// <summary>The image stays, by its id. Without names all of its names go, as in Podman.</summary>
    internal static int Untag(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        string reference = Operands.AtLeastOne(arguments, "untag", "IMAGE [NAME]")[0];
        var images = ImageStore.Open(context.Paths);
        Image image = images.Find(reference);
        IReadOnlyList<ImageName> has = images.NamesOf(image.Id);
        ImageName[] wanted = [.. arguments.Operands.Skip(1).Select(ImageName.Parse)];
        ImageName[] strange = [.. wanted.Where(name => !has.Any(own => own.Full == name.Full))];
        if (strange.Length > 0)
        {
            throw new Failure($"{strange[0].Familiar} isn't a name of image {reference}", $"it has: {string.Join(", ", has.Select(name => name.Familiar))}");
        }

        foreach (ImageName name in wanted.Length > 0 ? wanted : has)
        {
            images.Untag(name);
        }

        return 0;
    }
}
