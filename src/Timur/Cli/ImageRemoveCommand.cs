using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur rmi</c>: remove images, or one name of several.</summary>
internal static class ImageRemoveCommand
{
    private const int InUse = 2;

    internal static readonly Option[] Options =
    [
        Option.Flag("all", "every image", 'a'),
        Option.Flag("force", "remove all names at once, even of a container that doesn't run; a missing image is fine", 'f'),
        Option.Flag("ignore", "a missing image is fine", 'i'),
        Option.Taken("no-prune"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        int code = 0;
        foreach (string reference in Wanted(context, arguments))
        {
            try
            {
                Remove(context, ImageStore.Open(context.Paths), reference, arguments.Has("force") || arguments.Has("all"), arguments.Has("force") || arguments.Has("ignore"), arguments.Has("force"));
            }
            catch (Exception e) when (e is Failure or SyscallException)
            {
                int failed = CommandContext.Report(e, context.Debug);
                code = code == 0 ? failed : code;
            }
        }

        return code;
    }

    private static IReadOnlyList<string> Wanted(CommandContext context, Arguments arguments)
    {
        if (!arguments.Has("all"))
        {
            return Operands.AtLeastOne(arguments, "rmi", "IMAGE");
        }

        Operands.None(arguments, "rmi --all");
        return [.. ImageStore.Open(context.Paths).All().Select(image => image.Id)];
    }

    /// <param name="allNames">An image goes with all its names, even where one was given.</param>
    /// <param name="mayMiss">A missing one is fine.</param>
    /// <param name="force">Also one that a container has.</param>
    private static void Remove(CommandContext context, ImageStore images, string reference, bool allNames, bool mayMiss, bool force)
    {
        if ((mayMiss ? images.TryResolve(reference) : images.Find(reference)) is not { } image)
        {
            return;
        }

        IReadOnlyList<ImageName> names = images.NamesOf(image.Id);
        ImageName? own = image.Id.StartsWith(reference.Replace("sha256:", ""), StringComparison.Ordinal) ? null : images.NameOf(reference);
        if (names.Count > 1 && own is null && !allNames)
        {
            throw new Failure(
                $"image {reference} has several names: {string.Join(", ", names.Select(name => name.Familiar))}", "remove one by its name, or the image with all of them: timur rmi -f", InUse);
        }

        if (names.Count > 1 && !allNames)
        {
            Untag(context, images, [own!.Value]);
            return;
        }

        Remove(context, images, image, names, reference, force);
    }

    private static void Remove(CommandContext context, ImageStore images, Image image, IReadOnlyList<ImageName> names, string reference, bool force)
    {
        Failure? objection = null;
        bool keepsContainer = false;
        bool removed = images.TryRemove(image, () =>
        {
            var use = new ImageUse(new ContainerStore(context.Paths), images);
            objection = use.Objection(image, reference);
            keepsContainer = use.ContainerOf(image.Id) is { State.IsAlive: false };
            return objection is not null;
        });
        if (!removed && !(force && keepsContainer))
        {
            throw objection!;
        }

        Untag(context, images, names);
        if (removed)
        {
            context.Out($"Deleted: sha256:{image.Id}");
            return;
        }

        CommandContext.Note($"timur: {objection!.Message}: the image stays without a name until that is removed, then timur image prune removes it");
    }

    private static void Untag(CommandContext context, ImageStore images, IReadOnlyList<ImageName> names)
    {
        foreach (ImageName name in names)
        {
            images.Untag(name);
            context.Out($"Untagged: {name.Familiar}");
        }
    }
}
