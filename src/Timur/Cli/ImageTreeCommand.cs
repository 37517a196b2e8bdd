using System.Text;
using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur image tree</c>: an image's layers, in the form that Podman prints.</summary>
internal static class ImageTreeCommand
{
    private const int ShownDigits = 12;

    internal static readonly Option[] Options = [Option.Flag("whatrequires", "also the layers of images that stand on this one")];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        var images = ImageStore.Open(context.Paths);
        Image image = images.Resolve(Operands.One(arguments, "image tree", "IMAGE"), ImageStore.NoSuchImage);
        var text = new StringBuilder($"Image ID: {image.Id[..ShownDigits]}\nTags:     {Names(images, image)}\nSize:     {StoreUsage.Text(ImageView.SizeOf(image))}\nImage Layers\n");
        List<Image> all = [.. images.All().Where(other => other.Config.DiffIds.Count > 0)];
        for (int i = 0; i < image.LayerDirectories.Count; i++)
        {
            text.Append(Line(images, all, image, i, isLast: i == image.LayerDirectories.Count - 1, depth: 0));
        }

        if (arguments.Has("whatrequires"))
        {
            AddChildren(text, images, all, image, depth: 1);
        }

        context.OutText(text.ToString());
        return 0;
    }

    /// <summary>Images that have all of the parent's layers and more, those that stand directly on it first.</summary>
    private static void AddChildren(StringBuilder text, ImageStore images, List<Image> all, Image parent, int depth)
    {
        List<Image> above = all.FindAll(other => StandsOn(other, parent));
        foreach (Image child in above.Where(child => !above.Exists(between => between.Id != child.Id && StandsOn(child, between))).OrderBy(child => child.Id, StringComparer.Ordinal))
        {
            for (int i = parent.LayerDirectories.Count; i < child.LayerDirectories.Count; i++)
            {
                text.Append(Line(images, all, child, i, isLast: i == child.LayerDirectories.Count - 1, depth));
            }

            AddChildren(text, images, all, child, depth + 1);
        }
    }

    private static bool StandsOn(Image image, Image parent)
        => image.Config.DiffIds.Count > parent.Config.DiffIds.Count && image.Config.DiffIds.Take(parent.Config.DiffIds.Count).SequenceEqual(parent.Config.DiffIds);

    private static string Line(ImageStore images, List<Image> all, Image image, int layer, bool isLast, int depth)
    {
        string[] chain = [.. image.Config.DiffIds.Take(layer + 1)];
        string top = string.Join(", ", all.Where(other => other.Config.DiffIds.SequenceEqual(chain)).Select(other => Names(images, other)));
        string id = chain.Length > 0 && chain[^1] is var diffId ? diffId[(diffId.IndexOf(':') + 1)..][..ShownDigits] : "";
        return $"{new string(' ', depth * 4)}{(isLast ? "└── " : "├── ")}ID: {id} Size: {StoreUsage.Text(Directories.Usage(image.LayerDirectories[layer])),7}{(top.Length > 0 ? $" Top Layer of: {top}" : "")}\n";
    }

    private static string Names(ImageStore images, Image image) => $"[{string.Join(' ', images.NamesOf(image.Id).Select(name => name.Familiar))}]";
}
