using System.Text;
using System.Text.Json;
using Timur.CommandLine;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur manifest</c>: lists of images for several platforms.</summary>
internal static class ManifestCommand
{
    private static readonly Option AllPlatforms = Option.Flag("all", "of docker://IMAGE those for every platform");

    internal static Option[] CreateOptions { get; } =
    [
        Option.Flag("amend", "add to a list of that name, if there is one", 'a'),
        AllPlatforms,
        .. RegistryArguments.Options,
    ];

    internal static Option[] AddOptions => [.. PlatformOptions, AllPlatforms, .. RegistryArguments.Options];

    internal static readonly Option[] PlatformOptions =
    [
        Option.Value("os", "OS", "operating system instead of the image's own"),
        Option.Value("arch", "ARCHITECTURE", "architecture instead of the image's own"),
        Option.Value("variant", "VARIANT", "variant of the architecture, such as v7"),
        Option.List("annotation", "KEY=VALUE", "annotation of its entry in the list"),
    ];

    internal static Option[] InspectOptions { get; } =
    [
        Option.Flag("raw", "exactly the bytes that the digest is of"),
        .. RegistryArguments.Options,
    ];

    internal static Option[] PushOptions { get; } =
    [
        Option.Flag("quiet", "print only the digest", 'q'),
        Option.Flag("purge", "remove the list when it was pushed", 'p'),
        Option.Flag("rm", "the same"),
        Option.Flag("all", "with its images (they always go along)"),
        Option.Value("digestfile", "FILE", "write the digest to a file"),
        RegistryArguments.FormatOption,
        Option.Taken("remove-signatures"),
        .. RegistryArguments.Options,
    ];

    internal static int Create(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        var images = ImageStore.Open(context.Paths);
        var lists = new ManifestLists(images);
        IReadOnlyList<string> operands = Operands.AtLeastOne(arguments, "manifest create", "LIST");
        ImageName name = ImageName.Parse(operands[0]);
        List<ListedImage> listed = [.. operands.Skip(1).SelectMany(reference => Listed(images, reference, arguments))];
        if (arguments.Has("amend") && lists.TryRead(name) is not null)
        {
            listed.ForEach(image => lists.Put(name, image));
            context.Out(name.Full);
            return 0;
        }

        lists.Create(name, replace: false);
        try
        {
            listed.ForEach(image => lists.Put(name, image));
        }
        catch
        {
            lists.Remove(name);
            throw;
        }

        context.Out(name.Full);
        return 0;
    }

    internal static int Add(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        (string list, string reference) = Operands.Two(arguments, "manifest add", "LIST", "IMAGE");
        var images = ImageStore.Open(context.Paths);
        ImageName name = ImageName.Parse(list);
        var lists = new ManifestLists(images);
        lists.Read(name);
        foreach (ListedImage image in Listed(images, reference, arguments))
        {
            lists.Put(name, image);
        }

        context.Out(name.Full);
        return 0;
    }

    internal static int Annotate(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        (ImageName list, ManifestLists lists, ListedImage listed) = Find(context, arguments, "manifest annotate");
        lists.Put(list, Given(listed, arguments));
        context.Out(list.Full);
        return 0;
    }

    internal static int Take(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        (ImageName list, ManifestLists lists, ListedImage listed) = Find(context, arguments, "manifest remove");
        lists.Take(list, listed.ImageId);
        context.Out(list.Full);
        return 0;
    }

    /// <summary>An image of a list by a name, its id, or the digest that the list has for it, as Podman wants it.</summary>
    private static (ImageName List, ManifestLists Lists, ListedImage Image) Find(CommandContext context, Arguments arguments, string command)
    {
        (string list, string reference) = Operands.Two(arguments, command, "LIST", "IMAGE");
        ImageName name = ImageName.Parse(list);
        var images = ImageStore.Open(context.Paths);
        var lists = new ManifestLists(images);
        return (name, lists, lists.Find(name, reference));
    }

    /// <summary>With the platform and the annotations that the options say.</summary>
    private static ListedImage Given(ListedImage image, Arguments arguments)
    {
        (string? os, string? architecture, string? variant) = (arguments.Text("os"), arguments.Text("arch"), arguments.Text("variant"));
        var annotations = new Dictionary<string, string>(image.Annotations);
        foreach (string[] pair in arguments.Texts("annotation").Select(text => text.Split('=', 2)))
        {
            annotations[pair[0]] = pair is [_, var value] && pair[0].Length > 0 ? value : throw new Failure($"--annotation {string.Join('=', pair)}: no KEY=VALUE", "for example: --annotation org.example.kind=debug");
        }

        var platform = new Platform(os ?? image.Platform.Os, architecture ?? image.Platform.Architecture, variant ?? (architecture is null ? image.Platform.Variant : ""));
        return image with { Platform = platform, Annotations = annotations };
    }

    internal static int Inspect(CommandContext context, Arguments arguments)
    {
        ImageName name = ImageName.Parse(Operands.One(arguments, "manifest inspect", "NAME"));
        var images = ImageStore.Open(context.Paths);
        byte[] document = new ManifestLists(images).TryRead(name) is { } listed ? ImagePush.IndexOf(images, listed)
            : ImagePull.Document(name, RegistryArguments.Settings(arguments));
        context.OutText(arguments.Has("raw") ? Encoding.UTF8.GetString(document) : Indented(document) + "\n");
        return 0;
    }

    private static string Indented(byte[] document)
    {
        using JsonDocument parsed = JsonDocument.Parse(document);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options with { Indented = true, IndentSize = 4 }))
        {
            parsed.WriteTo(json);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    internal static int Push(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count is 0 or > 2)
        {
            throw new Failure("manifest push needs LIST [NAME]", "for example: timur manifest push registry.example/team/app:1.2");
        }

        var images = ImageStore.Open(context.Paths);
        var lists = new ManifestLists(images);
        ImageName list = ImageName.Parse(arguments.Operands[0]);
        IReadOnlyList<ListedImage> listed = lists.Read(list);
        if (listed.Count == 0)
        {
            throw new Failure($"the manifest list {list.Familiar} is empty", $"add an image first: timur manifest add {list.Familiar} IMAGE");
        }

        ITransferProgress progress = RegistryArguments.Progress(arguments);
        using (progress as IDisposable)
        {
            string digest = new ImagePush(images, RegistryArguments.Settings(arguments), progress) { Format = RegistryArguments.Format(arguments) }
                .PushList(listed, ImageName.Parse(RegistryArguments.WithoutTransport(arguments.Operands[^1])));
            FileOption.Write(arguments, "digestfile", digest);
            context.Out(digest);
        }

        if (arguments.Has("purge") || arguments.Has("rm"))
        {
            lists.Remove(list);
        }

        return 0;
    }

    internal static int Remove(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        var lists = new ManifestLists(ImageStore.Open(context.Paths));
        foreach (string list in Operands.AtLeastOne(arguments, "manifest rm", "LIST"))
        {
            lists.Remove(ImageName.Parse(list));
            context.Out(ImageName.Parse(list).Full);
        }

        return 0;
    }

    /// <summary>The image here, or, behind <c>docker://</c>, what a registry has for the platform that is asked for, or for all.</summary>
    private static IReadOnlyList<ListedImage> Listed(ImageStore images, string reference, Arguments arguments)
    {
        if (RegistryArguments.WithoutTransport(reference) is var there && there != reference)
        {
            ITransferProgress progress = RegistryArguments.Progress(arguments);
            using (progress as IDisposable)
            {
                Platform? platform = arguments.Has("all") ? null : Platform.Parse(PlatformArguments.Read(arguments) ?? Platform.Own.ToString());
                return [.. new ListedPull(images, RegistryArguments.Settings(arguments), progress).Get(there, platform).Select(image => Given(image, arguments) with { Platform = image.Platform })];
            }
        }

        Image image = images.Resolve(reference, ImageStore.NoSuchImage);
        if (image.IsHost)
        {
            throw new Failure("the image 'host' is this machine itself and can't be pushed", "make an image with timur image bootstrap or timur import");
        }

        return [Given(new ListedImage(image.Id, new Platform(image.Config.Os, image.Config.Architecture, image.Config.Variant ?? "")), arguments)];
    }
}
