using System.Text;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// What registries call images: <c>digests/IMAGEID</c>, a line such as <c>docker.io/library/debian@sha256:…</c> for each that a pull found, of the index where there is one, and
/// that a push left there.
/// </summary>
public sealed class RepositoryDigests(ImageStore store)
{
    private string Place { get; } = store.Paths.Images + "/digests";

    internal string PathOf(string imageId) => $"{Place}/{imageId}";

    /// <summary>What the registry calls an image that has this name: as it was pulled or pushed, the last first, which may be an index, and by the manifest that it came with.</summary>
    public IReadOnlyList<ImageName> Of(string imageId, ImageName name)
        => [.. Read(imageId).Where(known => known.Repository == name.Repository).Concat(store.DigestOf(imageId) is { } own ? [name.WithDigest(own)] : []).Distinct()];

    /// <summary>The id of an image that is known by this name with a digest; null when there is none.</summary>
    internal string? FindId(ImageName digested) => store.List().FirstOrDefault(entry => entry.Name is { } name && Of(entry.Image.Id, name).Contains(digested)).Image?.Id;

    /// <summary>The newest first; a line that can't be read counts as none.</summary>
    private IReadOnlyList<ImageName> Read(string imageId)
        => [.. (Files.TryReadText(PathOf(imageId), out _) ?? "").Split('\n').Select(TryParse).OfType<ImageName>()];

    /// <param name="name">With a digest.</param>
    internal void Add(string imageId, ImageName name)
    {
        Directories.Create(Place);

        // Of two pushes of an image that end together, neither forgets what the other one found.
        using FileLock? alone = FileLock.OnExisting(Place, wait: true);
        IReadOnlyList<ImageName> known = Read(imageId);
        if (known is [var newest, ..] && newest == name)
        {
            return;
        }

        AtomicFile.Write(PathOf(imageId), Encoding.UTF8.GetBytes(string.Concat(known.Prepend(name).Distinct().Select(one => one.Full + "\n"))), 0x1A4);
    }

    internal void Remove(string imageId) => Files.TryUnlink(PathOf(imageId), out _);

    /// <summary>Those whose image is gone, and files on their way.</summary>
    internal IEnumerable<string> Leftovers(string configs)
        => Directories.List(Place).Where(entry => !Files.Exists($"{configs}/{entry.Name}.json")).Select(entry => $"{Place}/{entry.Name}");

    private static ImageName? TryParse(string line)
    {
        try
        {
            return line.Contains('@') ? ImageName.Parse(line) : null;
        }
        catch (Failure)
        {
            return null;
        }
    }
}
