using Timur.CommandLine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur tag</c>: one more name for an image.</summary>
internal static class TagCommand
{
    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        (string source, string target) = Operands.Two(arguments, "tag", "IMAGE", "NEW_NAME");
        var images = ImageStore.Open(context.Paths);
        images.Tag(images.Resolve(source), ImageName.Parse(target));
        images.Settling.FinishInBackground();
        return 0;
    }
}
