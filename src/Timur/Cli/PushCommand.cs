using Timur.CommandLine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur push</c>: bring an image to a registry.</summary>
internal static class PushCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Flag("all-tags", "every name of this repository that an image has", 'a'),
        Option.Flag("quiet", "print only the digest", 'q'),
        Option.Value("digestfile", "FILE", "write the digest to a file"),
        RegistryArguments.FormatOption,
        .. RegistryArguments.Options,
        Option.Taken("disable-content-trust"),
        Option.Taken("remove-signatures"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count is 0 or > 2)
        {
            throw new Failure("push needs IMAGE [NAME]", "for example: timur push registry.example/team/app:1.2");
        }

        string source = arguments.Operands[0];
        var images = ImageStore.Open(context.Paths);
        if (arguments.Has("all-tags"))
        {
            return PushAll(context, arguments, images, source);
        }

        Image image = images.Find(source);
        ImageName target = ImageName.Parse(RegistryArguments.WithoutTransport(arguments.Operands[^1]));
        ITransferProgress progress = RegistryArguments.Progress(arguments);
        using (progress as IDisposable)
        {
            string digest = Pushing(images, arguments, progress).Push(image, target);
            FileOption.Write(arguments, "digestfile", digest);
            context.Out(digest);
        }

        return 0;
    }

    private static ImagePush Pushing(ImageStore images, Arguments arguments, ITransferProgress progress)
        => new(images, RegistryArguments.Settings(arguments), progress) { Format = RegistryArguments.Format(arguments) };

    /// <summary>As <c>docker push -a</c>.</summary>
    private static int PushAll(CommandContext context, Arguments arguments, ImageStore images, string repository)
    {
        if (arguments.Operands.Count > 1 || repository.AsSpan(repository.LastIndexOf('/') + 1).IndexOfAny(":@") >= 0)
        {
            throw new Failure("--all-tags pushes every name of one repository", "for example: timur push -a registry.example/team/app");
        }

        string wanted = ImageName.Parse(repository).Repository;
        (ImageName Name, Image Image)[] chosen = [.. images.All().SelectMany(image => images.NamesOf(image.Id).Where(name => !name.HasDigest && name.Repository == wanted).Select(name => (name, image)))];
        if (chosen.Length == 0)
        {
            throw new Failure($"there is no image of the repository '{repository}'", "timur images lists them", ImageStore.NoSuchImage);
        }

        ITransferProgress progress = RegistryArguments.Progress(arguments);
        using (progress as IDisposable)
        {
            foreach ((ImageName name, Image image) in chosen)
            {
                progress.Say(name.Familiar);
                context.Out(Pushing(images, arguments, progress).Push(image, name));
            }
        }

        return 0;
    }
}
