using System.Text;
using System.Text.Json;
using Timur.Build;
using Timur.CommandLine;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>An image that <c>build</c> has made: where it goes, and what is said of it.</summary>
internal static class BuiltImage
{
    /// <returns>The id of the image, which stays.</returns>
    internal static string Announce(CommandContext context, ImageStore images, Arguments arguments, BuildOutput output, Image image, ImageName[] names, IBuildProgress progress)
    {
        (progress as IDisposable)?.Dispose();
        string? pushed = null;
        foreach (ImageName name in output.Pushed(names))
        {
            pushed = new ImagePush(images, RegistryArguments.Settings(arguments), new BuildTransfers(progress)).Push(image, name);
        }

        if (arguments.Text("manifest") is { } list)
        {
            AddToList(new ManifestLists(images), ImageName.Parse(list), image);
        }

        FileOption.Write(arguments, "iidfile", $"sha256:{image.Id}");
        FileOption.Write(arguments, "metadata-file", Facts(image, names, pushed ?? images.DigestOf(image.Id)));
        if (!arguments.Has("quiet") && names.Length > 0)
        {
            CommandContext.Note($"built {string.Join(", ", names.Select(name => name.Familiar))}");
        }

        context.Out($"sha256:{image.Id}");
        return image.Id;
    }

    /// <summary>The list that <c>--manifest</c> names, with all its images.</summary>
    internal static void PushList(ImageStore images, Arguments arguments)
    {
        ImageName list = ImageName.Parse(arguments.Text("manifest")!);
        ITransferProgress progress = RegistryArguments.Progress(arguments);
        using (progress as IDisposable)
        {
            string digest = new ImagePush(images, RegistryArguments.Settings(arguments), progress).PushList(new ManifestLists(images).Read(list), list);
            CommandContext.Note($"pushed {list.Familiar}, {digest}");
        }
    }

    private static void AddToList(ManifestLists lists, ImageName name, Image image)
    {
        if (lists.TryRead(name) is null)
        {
            lists.Create(name, replace: false);
        }

        lists.Put(name, new ListedImage(image.Id, new Platform(image.Config.Os, image.Config.Architecture, image.Config.Variant ?? "")));
    }

    /// <summary>The keys are those of <c>docker buildx build --metadata-file</c>.</summary>
    private static string Facts(Image image, ImageName[] names, string? digest)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options with { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("containerimage.config.digest", $"sha256:{image.Id}");
            json.WriteString("containerimage.digest", digest ?? $"sha256:{image.Id}");
            if (names.Length > 0)
            {
                json.WriteString("image.name", string.Join(',', names.Select(name => name.Full)));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
