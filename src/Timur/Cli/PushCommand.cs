using Timur.CommandLine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur push</c>: bring an image to a registry.</summary>
internal static class PushCommand
{
    internal static Option[] Options { get; } = [Option.Flag("quiet", "print only the digest", 'q'), .. RegistryArguments.Options];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count is 0 or > 2)
        {
            throw new Failure("push needs IMAGE [NAME]", "for example: timur push registry.example/team/app:1.2");
        }

        string source = arguments.Operands[0];
        var images = ImageStore.Open(context.Paths);
        Image image = images.TryResolve(source) ?? throw new Failure($"there is no image '{source}'", "timur images lists them", 1);
        ImageName target = ImageName.Parse(arguments.Operands[^1]);
        ITransferProgress progress = RegistryArguments.Progress(arguments);
        using (progress as IDisposable)
        {
            context.Out(new ImagePush(images, RegistryArguments.Settings(arguments), progress).Push(image, target));
        }

        return 0;
    }
}
