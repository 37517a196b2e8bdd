using Timur.Images.Registry;
using Timur.Kernel;
using Timur.Oci;

namespace Timur.Images;

/// <summary>One image of a list and the platform it is for.</summary>
public sealed record ListedImage(string ImageId, Platform Platform)
{
    /// <summary>Of its entry in the index.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}

/// <summary>Lists of images for several platforms under one name, before they are pushed as an index (OCI image-spec image-index.md): <c>lists/NAME</c>.</summary>
public sealed class ManifestLists(ImageStore store)
{
    private readonly string _directory = store.Paths.Images + "/lists";

    /// <summary>An empty list; one of that name is a <see cref="Failure"/> unless it may be replaced.</summary>
    public void Create(ImageName name, bool replace)
    {
        if (!replace && TryRead(name) is not null)
        {
            throw new Failure($"there is a manifest list {name.Familiar} already", $"add to it: timur manifest add {name.Familiar} IMAGE; or remove it: timur manifest rm {name.Familiar}");
        }

        Write(name, []);
    }

    /// <summary>Whether a word, perhaps of an image, is the name of a list.</summary>
    internal bool Has(string reference) => !reference.StartsWith("sha256:", StringComparison.Ordinal) && Files.Exists(PathOf(ImageName.Parse(reference)));

    /// <summary>The images of a list; null when there is none of that name.</summary>
    public IReadOnlyList<ListedImage>? TryRead(ImageName name)
        => Files.TryReadAll(PathOf(name), out _) is not { } bytes ? null
            : JsonPart.Parse(bytes, $"manifest list {name.Familiar}").List("images", entry => new ListedImage(
                entry.RequireText("image"), new Platform(entry.RequireText("os"), entry.RequireText("architecture"), entry.Text("variant") ?? "")) { Annotations = entry.TextMap("annotations") });

    /// <summary>As <see cref="TryRead"/>; an unknown name is a <see cref="Failure"/>.</summary>
    public IReadOnlyList<ListedImage> Read(ImageName name)
        => TryRead(name) ?? throw new Failure($"there is no manifest list {name.Familiar}", $"make one: timur manifest create {name.Familiar} IMAGE...", 1);

    /// <summary>An image of a list by a name, its id, or the digest that the list has for it; a <see cref="Failure"/> when it has none such.</summary>
    public ListedImage Find(ImageName name, string reference)
    {
        IReadOnlyList<ListedImage> all = Read(name);
        bool isDigest = reference.StartsWith("sha256:", StringComparison.Ordinal);
        string? id = isDigest && store.TryResolve(reference) is null
            ? all.Zip(ImageIndex.Read(ImagePush.IndexOf(store, all), name.Familiar).Entries).FirstOrDefault(pair => pair.Second.Descriptor.Digest.ToString() == reference).First?.ImageId : store.Find(reference).Id;
        return all.FirstOrDefault(image => image.ImageId == id)
            ?? throw new Failure($"{name.Familiar} has no image '{reference}'", $"timur manifest inspect {name.Familiar} shows what it has", ImageStore.NoSuchImage);
    }

    /// <summary>Adds an image, or gives one that is there another platform; two for one platform make no sense.</summary>
    public void Put(ImageName name, ListedImage image)
    {
        List<ListedImage> images = [.. Read(name).Where(other => other.ImageId != image.ImageId)];
        if (images.Find(other => other.Platform == image.Platform) is { } other)
        {
            throw new Failure($"{name.Familiar} has an image for {image.Platform} already: sha256:{other.ImageId}", "say which platform this one is for: --os, --arch, --variant");
        }

        Write(name, [.. images, image]);
    }

    /// <summary>Takes an image out of a list.</summary>
    public void Take(ImageName name, string imageId) => Write(name, [.. Read(name).Where(other => other.ImageId != imageId)]);

    public void Remove(ImageName name)
    {
        Read(name);
        Files.TryUnlink(PathOf(name), out _);
    }

    /// <summary>The names of all lists.</summary>
    public IReadOnlyList<ImageName> Names() => [.. Directories.List(_directory).Where(entry => !entry.Name.StartsWith('.')).Select(entry => ImageName.FromFileName(entry.Name))];

    /// <summary>Which list needs an image, or null.</summary>
    public ImageName? UserOf(string imageId)
    {
        foreach (ImageName name in Names())
        {
            if (TryRead(name)?.Any(image => image.ImageId == imageId) == true)
            {
                return name;
            }
        }

        return null;
    }

    private void Write(ImageName name, IReadOnlyList<ListedImage> images)
    {
        Directories.Create(_directory);
        store.Record(PathOf(name), ManifestJson.Written(json =>
        {
            json.WriteStartArray("images");
            foreach (ListedImage image in images)
            {
                json.WriteStartObject();
                json.WriteString("image", image.ImageId);
                ManifestJson.WritePlatform(json, image.Platform);
                ImageAnnotations.WriteMember(json, image.Annotations);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }));
        store.Settling.FinishInBackground();
    }

    private string PathOf(ImageName name) => $"{_directory}/{name.FileName}";
}
