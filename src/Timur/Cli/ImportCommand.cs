using Timur.Build;
using Timur.CommandLine;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Oci;

namespace Timur.Cli;

/// <summary><c>timur import</c>: make an image from an archive of a root file system.</summary>
internal static class ImportCommand
{
    internal static readonly Option[] Options =
    [
        Option.List("change", "INSTRUCTION", "an instruction of a Dockerfile for the configuration, such as 'CMD [\"sh\"]'", 'c'),
        Option.Flag("quiet", "nothing but the id (as it is anyway)", 'q'),
        Option.Value("message", "TEXT", "note in the image's history", 'm'),
        .. PlatformArguments.Options,
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count is 0 or > 2)
        {
            throw new Failure("import needs FILE|ADDRESS|- [NAME]", "for example: timur import rootfs.tar.gz myimage");
        }

        string file = arguments.Operands[0];
        Platform platform = PlatformArguments.Read(arguments) is { } wanted ? Platform.Parse(wanted) : Platform.Own;
        var plain = new ImageConfig { Os = platform.Os, Architecture = platform.Architecture, Variant = platform.Variant.Length > 0 ? platform.Variant : null, Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] };
        ImageConfig config = arguments.Texts("change").Aggregate(plain, (before, change) => ConfigChange.Apply(before, change, "--change"));
        ImageName? name = arguments.Operands.Count == 2 ? ImageName.Parse(arguments.Operands[1]) : null;
        using Stream archive = Open(file);
        Image image = new ImageImport(ImageStore.Open(context.Paths)).Import(archive, config, name, arguments.Text("message") ?? $"timur import {file}");
        context.Out($"sha256:{image.Id}");
        BudgetNote.Keep(context, image.Id);
        return 0;
    }

    /// <summary>A file, what is at an address, or standard input for <c>-</c>.</summary>
    internal static Stream Open(string file)
    {
        try
        {
            return file == "-" ? Console.OpenStandardInput() : RemoteFile.IsAddress(file) ? RemoteFile.Open(file) : new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 128 * 1024);
        }
        catch (Exception e) when (FileTrouble.Of(e) is { } trouble)
        {
            throw new Failure($"import {file}: {trouble.Why}", "give a tar archive, compressed or not, its address, or - for standard input", cause: e);
        }
    }
}
