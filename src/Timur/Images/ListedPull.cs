using Timur.Images.Registry;

namespace Timur.Images;

/// <summary>Fetches images for a list. The name under which they are in a registry stays with the image that has it here, if there is one.</summary>
public sealed class ListedPull(ImageStore store, RegistrySettings settings, ITransferProgress progress)
{
    /// <param name="wanted">Null is every platform that there is one for.</param>
    public IReadOnlyList<ListedImage> Get(string reference, Platform? wanted)
    {
        if (wanted is not null)
        {
            Image image = Pull(reference, wanted);
            return [new ListedImage(image.Id, new Platform(image.Config.Os, image.Config.Architecture, wanted.Variant.Length > 0 ? wanted.Variant : image.Config.Variant ?? ""))];
        }

        byte[] document = ImagePull.Document(ImageName.Parse(reference), settings);
        if (!MediaTypes.IsIndex(Manifest.TypeOf(document, "", reference)))
        {
            Image only = Pull(reference, null);
            return [new ListedImage(only.Id, new Platform(only.Config.Os, only.Config.Architecture, only.Config.Variant ?? ""))];
        }

        IEnumerable<Platform> platforms = ImageIndex.Read(document, reference).Entries.Select(entry => entry.Platform).OfType<Platform>().Where(platform => platform.Os != "unknown").Distinct();
        return [.. platforms.Select(platform => new ListedImage(Pull(reference, platform).Id, platform))];
    }

    private Image Pull(string reference, Platform? platform)
    {
        string? before = store.TryResolve(reference)?.Id;
        PulledImage pulled = new ImagePull(store, settings, progress).Pull(reference, platform);
        if (before != pulled.Image.Id)
        {
            // As long as the list is there it keeps the image, with a name or without.
            if (before is not null && store.TryResolve("sha256:" + before) is { } former)
            {
                store.Tag(former, pulled.Name);
            }
            else
            {
                store.Untag(pulled.Name);
            }
        }

        return pulled.Image;
    }
}
