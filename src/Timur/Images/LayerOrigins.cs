using System.Globalization;
using System.Text;
using Timur.Digests;
using Timur.Images.Registry;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>A layer and the compressed form that it came in.</summary>
/// <param name="DiffId">Digest of its plain archive, such as <c>sha256:...</c>.</param>
public sealed record LayerOrigin(string DiffId, Descriptor Blob);

/// <summary>
/// How the layers came that an image made on this machine has from another one: <c>origins/IMAGEID</c>, a line for each. With it such an image is saved and pushed in
/// the same way whether the other one is still here or not.
/// </summary>
internal sealed class LayerOrigins(DataPaths paths)
{
    internal string Place { get; } = paths.Images + "/origins";

    internal string PathOf(string imageId) => $"{Place}/{imageId}";

    /// <summary>What was recorded; a line that can't be read counts as none, and its layer is packed anew.</summary>
    internal IReadOnlyList<LayerOrigin> Read(string imageId)
        => [.. (Files.TryReadText(PathOf(imageId), out _) ?? "").Split('\n').Select(TryParse).OfType<LayerOrigin>()];

    /// <summary>How an image's layers came, for somebody who makes another image of them: the blobs stay as long as what <paramref name="hold"/> gets isn't disposed.</summary>
    internal static IReadOnlyList<LayerOrigin> Keep(ImageStore store, Image image, Action<IDisposable> hold)
    {
        IReadOnlyList<LayerOrigin> origins = store.Blobs.OriginsOf(image);
        foreach (LayerOrigin origin in origins)
        {
            if (UnfinishedLayer.TryHold(store.Blobs.PathOf(origin.Blob.Digest)) is { } held)
            {
                hold(held);
            }
        }

        return origins;
    }

    internal void Write(string imageId, IReadOnlyCollection<LayerOrigin> origins)
    {
        string text = string.Concat(origins.Select(origin => string.Create(CultureInfo.InvariantCulture, $"{origin.DiffId} {origin.Blob.Digest} {origin.Blob.Size} {origin.Blob.MediaType}\n")));
        Directories.Create(Place);
        AtomicFile.Write(PathOf(imageId), Encoding.UTF8.GetBytes(text), 0x1A4);
    }

    private static LayerOrigin? TryParse(string line)
        => line.Split(' ') is [var diffId, var digest, var size, var type] && Digest.TryParse(diffId, out _) && Digest.TryParse(digest, out Digest blob)
            && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? new LayerOrigin(diffId, new Descriptor(type, blob, bytes)) : null;
}
