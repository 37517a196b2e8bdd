using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;

namespace Timur.Cli;

/// <summary><c>timur container|image|volume exists</c>, as in Podman: says it by the exit code, 0 or 1, and prints nothing.</summary>
internal static class ExistsCommand
{
    internal static int Container(CommandContext context, Arguments arguments)
        => Code(new ContainerStore(context.Paths).TryFindId(Operands.One(arguments, "container exists", "CONTAINER")) is not null);

    internal static int Image(CommandContext context, Arguments arguments)
        => Code(ImageStore.Open(context.Paths).TryResolve(Operands.One(arguments, "image exists", "IMAGE")) is not null);

    internal static int ManifestList(CommandContext context, Arguments arguments)
        => Code(new ManifestLists(ImageStore.Open(context.Paths)).TryRead(ImageName.Parse(Operands.One(arguments, "manifest exists", "LIST"))) is not null);

    internal static int Volume(CommandContext context, Arguments arguments)
        => Code(new VolumeCare(context.Paths).Exists(Operands.One(arguments, "volume exists", "NAME")));

    private static int Code(bool exists) => exists ? 0 : 1;
}
