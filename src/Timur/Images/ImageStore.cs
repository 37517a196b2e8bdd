using System.Text;
using Timur.Digests;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// Images on this machine: <c>configs/ID.json</c> (bytes whose sha256 is the id), <c>layers/DIFFID</c> (unpacked), <c>names/NAME</c> (a file with an id).
/// </summary>
public sealed class ImageStore
{
    /// <summary>Exit code of commands about an image that isn't there (docs/exit-codes.md).</summary>
    public const int NoSuchImage = 1;

    private const string HostName = "host";

    private ImageStore(DataPaths paths, bool settles)
    {
        Paths = paths;
        Layers = paths.Images + "/layers";
        Configs = paths.Images + "/configs";
        Names = paths.Images + "/names";
        Downloads = paths.Images + "/downloads";
        Stacks = paths.Images + "/stacks";
        Blobs = new BlobStore(paths);
        Settling = new Settling(paths, settles);
        Cache = new StepCache(paths);
    }

    /// <summary>The images below <see cref="DataPaths.Images"/>; what the machine left in doubt when it last went down is put right first.</summary>
    /// <param name="settles">False for a program that isn't timur itself and can't be started to wait for the disk: marks stay for the next command then.</param>
    public static ImageStore Open(DataPaths paths, bool settles = true)
    {
        var store = new ImageStore(paths, settles);
        PowerCut.Mend(store);
        return store;
    }

    internal string Layers { get; }

    internal string Configs { get; }

    internal string Names { get; }

    internal BlobStore Blobs { get; }

    /// <summary>What isn't on the disk yet. Whoever adds layers, images or names ends with <see cref="Settling.FinishInBackground"/>.</summary>
    internal Settling Settling { get; }

    /// <summary>What ADD fetched from addresses.</summary>
    internal string Downloads { get; }

    internal ImageAnnotations Annotations => new(Paths);

    public RepositoryDigests RepositoryDigests => new(this);

    internal DataPaths Paths { get; }

    /// <summary>Steps of builds that needn't be done again, and the layers they keep.</summary>
    internal StepCache Cache { get; }

    internal LayerStacking Stacking => new(this);

    internal string Stacks { get; }

    /// <summary>
    /// The image of that name, id or id prefix; built-in images are made when they are missing. Unknown ones are a <see cref="Failure"/>.
    /// </summary>
    /// <param name="notFound">The exit code when there is none of that name.</param>
    public Image Resolve(string reference, int notFound = 125)
    {
        if (reference == HostName)
        {
            return HostImage.Create();
        }

        if (TryResolve(reference) is { } image)
        {
            return image;
        }

        if (ImageName.Parse(reference).Full == BusyboxImage.Name.Full)
        {
            if (Processes.EffectiveUser != 0)
            {
                throw new Failure("the image busybox isn't made yet, and making images needs root", "try again with sudo", notFound);
            }

            BusyboxImage.Create(this);
            return TryResolve(reference) ?? throw new Failure("the busybox image was made but can't be found", "run timur system check");
        }

        throw new Failure($"there is no image '{reference}' on this machine", Advice(), notFound);
    }

    /// <summary>Whether <see cref="Resolve"/> would find or make something, without reading it.</summary>
    public bool Has(string reference)
        => reference == HostName || (IsIdPrefix(reference) && FindByPrefix(reference) is not null)
            || reference.StartsWith("sha256:", StringComparison.Ordinal)
            || ImageName.Parse(reference).Full == BusyboxImage.Name.Full || IdOf(reference) is not null;

    /// <summary>As <see cref="Resolve"/>, without making or failing.</summary>
    public Image? TryResolve(string reference)
    {
        string? id = IsIdPrefix(reference) ? FindByPrefix(reference) : null;
        if (id is null && !reference.StartsWith("sha256:", StringComparison.Ordinal))
        {
            id = IdOf(reference);
        }

        return id is null ? null : Load(id, reference);
    }

    /// <summary>As <see cref="TryResolve"/>, for commands that neither make nor fetch what is missing: that is a <see cref="Failure"/>.</summary>
    public Image Find(string reference)
        => TryResolve(reference) ?? throw new Failure($"there is no image '{reference}'", new ManifestLists(this).Has(reference) ? $"it is a manifest list: timur manifest --help" : "timur images lists them", NoSuchImage);

    /// <summary>The name that a reference means, of those that images have: without a registry it may stand for several. Null for an id, and for a digest under which no image was asked for.</summary>
    public ImageName? NameOf(string reference)
        => reference.StartsWith("sha256:", StringComparison.Ordinal) ? null
            : ImageName.Parse(reference) is var name && IsName(name) ? name : ShortNames.Others(reference).Where(IsName).Select(other => (ImageName?)other).FirstOrDefault();

    private bool IsName(ImageName name) => Files.Exists($"{Names}/{name.FileName}");

    private string? IdOf(string reference)
        => NameOf(reference) is { } name ? Files.TryReadText($"{Names}/{name.FileName}", out _)
            : ImageName.Parse(reference) is { HasDigest: true } digested ? RepositoryDigests.FindId(digested) : null;

    /// <summary>Every image with every name it has; nameless ones once, with an empty name.</summary>
    public IReadOnlyList<(ImageName? Name, Image Image)> List()
    {
        var list = new List<(ImageName?, Image)>();
        var named = new HashSet<string>();
        foreach (DirectoryEntry entry in Directories.List(Names))
        {
            ImageName name = ImageName.FromFileName(entry.Name);
            if (!entry.Name.StartsWith('.') && Files.TryReadText($"{Names}/{entry.Name}", out _) is { } id && Load(id, name.Familiar) is { } image)
            {
                named.Add(id);
                list.Add((name, image));
            }
        }

        foreach (DirectoryEntry entry in Directories.List(Configs))
        {
            string id = Path.GetFileNameWithoutExtension(entry.Name);
            if (id.Length == 64 && !named.Contains(id) && Load(id, id) is { } image)
            {
                list.Add((null, image));
            }
        }

        list.Sort((a, b) => string.CompareOrdinal(a.Item1?.Full, b.Item1?.Full));
        return list;
    }

    /// <summary>Gives an image one more name.</summary>
    public void Tag(Image image, ImageName name)
    {
        Directories.Create(Names);
        Record($"{Names}/{name.FileName}", Encoding.UTF8.GetBytes(image.Id));
    }

    /// <summary>Takes a name away; true when there was one.</summary>
    public bool Untag(ImageName name) => Files.TryUnlink($"{Names}/{name.FileName}", out _);

    /// <summary>The digest of the manifest that an image came with, or null for one that was made here.</summary>
    public string? DigestOf(string id) => Blobs.ManifestOf(id) is { } manifest ? Digest.Of(manifest.Bytes.Span).ToString() : null;

    /// <summary>Annotations of the manifest that an image came with, or that it is to get.</summary>
    public IReadOnlyDictionary<string, string> AnnotationsOf(string id) => Blobs.ManifestOf(id) is { } manifest ? ImageAnnotations.Of(manifest.Bytes) : Annotations.Read(id);

    /// <summary>Every image once.</summary>
    public IReadOnlyList<Image> All() => [.. List().Select(entry => entry.Image).DistinctBy(image => image.Id)];

    /// <summary>Names that an image has.</summary>
    public IReadOnlyList<ImageName> NamesOf(string id) => [.. List().Where(entry => entry.Image.Id == id).Select(entry => entry.Name).OfType<ImageName>()];

    /// <summary>Stores a configuration whose layers are in place; returns the image.</summary>
    /// <param name="origins">How layers came that it may have from other images.</param>
    internal Image Add(ImageConfig config, ImageName? name, IEnumerable<LayerOrigin>? origins = null)
        => Add(ImageConfigJson.Write(config), name, origins?.Where(origin => config.DiffIds.Contains(origin.DiffId)));

    /// <summary>Stores a configuration as it came, byte for byte; returns the image.</summary>
    internal Image Add(byte[] bytes, ImageName? name, IEnumerable<LayerOrigin>? origins = null)
    {
        string id = Sha256.Hex(bytes);
        var held = new List<FileLock>();
        try
        {
            Stack(id, bytes, held);
            Blobs.AddOrigins(id, origins ?? [], held);
            return Add(id, bytes, name);
        }
        finally
        {
            held.ForEach(one => one.Dispose());
        }
    }

    /// <summary>Directories that stay while the image does: those it is stacked of, and those they were made from.</summary>
    internal IEnumerable<string> DirectoriesOf(Image image)
        => image.LayerDirectories.Concat(image.Config.DiffIds.Select(diffId => $"{Layers}/{Hex(diffId)}")).Distinct();

    private void Stack(string id, byte[] config, List<FileLock> held)
    {
        string[] diffIds = [.. ImageConfigJson.Read(config, $"image {id[..12]}").DiffIds.Select(Hex)];
        IReadOnlyList<string> names = Stacking.Stack(diffIds, held);
        if (!names.SequenceEqual(diffIds))
        {
            Directories.Create(Stacks);
            Record($"{Stacks}/{id}", Encoding.ASCII.GetBytes(string.Join('\n', names)));
        }
    }

    private Image Add(string id, byte[] bytes, ImageName? name)
    {
        Directories.Create(Configs);
        Record($"{Configs}/{id}.json", bytes);
        Image image = Load(id, name?.Familiar ?? id) ?? throw new Failure($"image {id} was stored but can't be read");
        if (name is { } known)
        {
            Tag(image, known);
        }

        return image;
    }

    /// <summary>Writes one of the small files that say what there is.</summary>
    internal void Record(string path, ReadOnlySpan<byte> bytes) => AtomicFile.Write(path, bytes, 0x1A4, beforeName: () => Settling.Mark(Settling.Records));

    /// <summary>Keeps an image from being removed until it is disposed; null when it is gone already.</summary>
    public FileLock? TryHold(Image image) => UnfinishedLayer.TryHold($"{Configs}/{image.Id}.json");

    /// <summary>Removes a configuration, and the layers and blobs that nobody else has: out of sight when it returns, deleted in the background.</summary>
    /// <param name="isWanted">Asked when nobody can begin to use the image any more; true leaves it.</param>
    public bool TryRemove(Image image, Func<bool> isWanted)
    {
        string config = $"{Configs}/{image.Id}.json";
        using FileLock? guard = Files.Exists(config) ? FileLock.OnExisting(config, wait: true) : null;
        if (guard is not null && isWanted())
        {
            return false;
        }

        Files.TryUnlink(config, out _);
        Files.TryUnlink($"{Stacks}/{image.Id}", out _);
        Blobs.Remove(image.Id);
        Annotations.Write(image.Id, new Dictionary<string, string>());
        RepositoryDigests.Remove(image.Id);
        using var trash = new TrashCan(Paths);
        trash.TakeUnused([.. DirectoriesOf(image)], UsedLayers);
        Stacking.Forget();
        trash.EmptyInBackground();
        return true;
    }

    /// <summary>Removes those of the layers that no image and no step of a build has, and nobody is about to use.</summary>
    internal int DiscardUnused(IEnumerable<string> layers)
    {
        HashSet<string> kept = UsedLayers();
        int count = 0;
        foreach (string layer in layers)
        {
            if (!kept.Contains(layer) && !InProgress.IsHeld(layer))
            {
                Discard(layer);
                count++;
            }
        }

        return count;
    }

    /// <summary>Forgets what builds keep for the next one; how many steps, and how many layers that nobody else has.</summary>
    /// <param name="before">Only steps that were done before then; null is all.</param>
    public (int Steps, int Layers) ForgetSteps(DateTimeOffset? before = null)
    {
        string[] layers = [.. Cache.DiffIds().Select(DirectoryOf).Where(Files.Exists)];
        int steps = Cache.Clear(before);
        return (steps, DiscardUnused(layers));
    }

    internal HashSet<string> UsedLayers()
    {
        var used = new HashSet<string>(Cache.DiffIds().Select(DirectoryOf));
        foreach ((_, Image image) in List())
        {
            used.UnionWith(DirectoriesOf(image));
        }

        return used;
    }

    /// <summary>Removes a layer that was made on the way to another one, unless somebody else has it by now.</summary>
    internal void Discard(KeptLayer layer)
    {
        layer.Dispose();
        DiscardUnused([layer.Directory]);
    }

    /// <summary>The directory that a layer's own archive was unpacked into.</summary>
    internal string DirectoryOf(string diffId) => $"{Layers}/{Hex(diffId)}";

    /// <summary>Makes anew what was made of an image's layers because they need others below them.</summary>
    internal void Restack(Image image)
    {
        foreach (string made in image.LayerDirectories.Except(image.Config.DiffIds.Select(DirectoryOf)).Where(Files.Exists))
        {
            Discard(made);
        }

        Add(Files.ReadAll($"{Configs}/{image.Id}.json"), null);
    }

    /// <summary>Configurations whose bytes aren't those that their name is the digest of.</summary>
    internal IEnumerable<string> DamagedConfigs() => Directories.List(Configs).Where(entry => !entry.Name.StartsWith('.')).Select(entry => $"{Configs}/{entry.Name}")
        .Where(path => Files.TryReadAll(path, out _) is { } bytes && Sha256.Hex(bytes) != Path.GetFileNameWithoutExtension(path));

    /// <summary>Removes the compressed layers that an image has and no other; it runs as before, and a push packs its layers anew. False when it has none.</summary>
    public bool DropBlobs(Image image)
    {
        bool has = Blobs.BlobsOf(image.Id).Any();
        Blobs.Remove(image.Id);
        return has;
    }

    /// <summary>Every image that has this compressed layer becomes one without any.</summary>
    internal void GiveUpBlob(string path)
    {
        foreach (Image image in All().Where(image => Blobs.BlobsOf(image.Id).Any(layer => Blobs.PathOf(layer.Digest) == path)))
        {
            DropBlobs(image);
        }

        Files.TryUnlink(path, out _);
    }

    /// <summary>Everything that an image has on the disk: layers, blobs, manifest, configuration. Other images may have the same layers and blobs.</summary>
    internal IEnumerable<string> PathsOf(Image image)
    {
        IEnumerable<string> blobs = Blobs.BlobsOf(image.Id).Select(blob => Blobs.PathOf(blob.Digest)).Append(Blobs.Origins.PathOf(image.Id));
        IEnumerable<string> names = NamesOf(image.Id).Select(name => $"{Names}/{name.FileName}");
        IEnumerable<string> needs = image.Config.DiffIds.Select(diffId => Stacking.RecordOf(Hex(diffId)));
        return DirectoriesOf(image).Concat(blobs).Concat(names).Concat(needs).Append($"{Stacks}/{image.Id}").Append(Annotations.PathOf(image.Id)).Append(RepositoryDigests.PathOf(image.Id)).Append($"{Configs}/{image.Id}.json").Append($"{Blobs.Manifests}/{image.Id}.json").Where(Files.Exists).Distinct();
    }

    /// <summary>Bytes that all images occupy.</summary>
    public long Occupied() => Directories.Usage(Paths.Images);

    /// <summary>Out of the way at once, deleted after: a crash leaves it in the trash.</summary>
    internal void Discard(string directory)
    {
        Directories.Create(Paths.Trash);
        Discarded.TryMove(Paths, directory, $"{Path.GetFileName(directory)}.{Processes.Self}", out _)?.Dispose();
    }

    private Image? Load(string id, string reference)
    {
        if (Files.TryReadAll($"{Configs}/{id}.json", out _) is not { } bytes)
        {
            return null;
        }

        ImageConfig config = ImageConfigJson.Read(bytes, $"image {id[..12]}");
        IEnumerable<string> names = Files.TryReadText($"{Stacks}/{id}", out _)?.Split('\n') ?? config.DiffIds.Select(Hex);
        return new Image(id, reference, [.. names.Select(layer => $"{Layers}/{layer}")], config);
    }

    private static string Hex(string diffId) => diffId[(diffId.IndexOf(':') + 1)..];

    private static bool IsIdPrefix(string text)
    {
        string digits = text.StartsWith("sha256:", StringComparison.Ordinal) ? text[7..] : text;
        return digits.Length is >= 4 and <= 64 && digits.AsSpan().IndexOfAnyExcept("0123456789abcdef") < 0;
    }

    private string? FindByPrefix(string text)
    {
        string prefix = text.StartsWith("sha256:", StringComparison.Ordinal) ? text[7..] : text;
        var found = new List<string>();
        foreach (DirectoryEntry entry in Directories.List(Configs))
        {
            if (entry.Name.StartsWith(prefix, StringComparison.Ordinal))
            {
                found.Add(entry.Name[..64]);
            }
        }

        return found.Count switch
        {
            0 => null,
            1 => found[0],
            _ => throw new Failure($"the image id {prefix} is ambiguous: {string.Join(", ", found.ConvertAll(id => id[..12]))}", "write more digits"),
        };
    }

    /// <summary>What there is, and how to make more: for a reference that leads nowhere.</summary>
    public string Advice()
    {
        var names = new List<string> { "busybox", HostName };
        foreach ((ImageName? name, _) in List())
        {
            if (name is { } known && known.Full != BusyboxImage.Name.Full)
            {
                names.Add(known.Familiar);
            }
        }

        return $"there are: {string.Join(", ", names)}; make one with timur image bootstrap debian:bookworm, or timur import FILE.tar";
    }
}
