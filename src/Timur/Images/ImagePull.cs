using Timur.Digests;
using Timur.Images.Registry;
using Timur.Images.Registry.Configuration;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Images;

/// <summary>What a pull brought.</summary>
/// <param name="Name">In full, as it is known here now.</param>
/// <param name="Digest">Of what the tag names: the index when there is one.</param>
/// <param name="IsNew">The image wasn't here under this name before.</param>
/// <param name="Warning">Something the person should know, or null.</param>
public sealed record PulledImage(Image Image, ImageName Name, string Digest, bool IsNew, string? Warning);

/// <summary>Gets images from registries (OCI distribution-spec, "Pull").</summary>
public sealed class ImagePull(ImageStore store, RegistrySettings settings, ITransferProgress progress)
{
    /// <summary>Layers that are fetched side by side; more would take turns on the network and the processors.</summary>
    private const int LayersAtOnce = 3;

    /// <summary>An index may name indexes; deeper than that nobody means it.</summary>
    private const int DeepestIndex = 4;

    private readonly RegistriesConfig _config = RegistriesConfig.Load();

    /// <summary>
    /// Fetches what isn't here and gives the image its name; a failure leaves the store as it was, but for layers that are kept for the next try. Names without a
    /// registry, mirrors and other places are as <c>registries.conf</c> says.
    /// </summary>
    /// <param name="platform">Null: this machine's.</param>
    public PulledImage Pull(string reference, Platform? platform, CancellationToken cancel = default)
    {
        IReadOnlyList<ImageName> names = ShortNames.ToPull(_config, reference);
        return FirstThatWorks(names, name => name.Full, name => Pull(name, platform, cancel));
    }

    /// <summary>Every tag of the repository that <paramref name="reference"/> names, one after the other.</summary>
    public IEnumerable<PulledImage> PullAll(string reference, Platform? platform, CancellationToken cancel = default)
    {
        IReadOnlyList<ImageName> names = ShortNames.ToPull(_config, reference);
        (ImageName name, List<string> tags) = FirstThatWorks(names, name => name.Full, name => (name, TagList.Get(_config, settings, name, cancel)));
        foreach (string tag in tags)
        {
            yield return Pull(name.WithTag(tag), platform, cancel);
        }
    }

    private PulledImage Pull(ImageName name, Platform? platform, CancellationToken cancel)
        => FirstThatWorks(_config.Sources(name.Full, name.Digest is not null), source => source.Name, source => PullFrom(source, name, platform, cancel));

    /// <summary>Tries one after the other; what is left behind is said, and the last one's failure counts.</summary>
    private TResult FirstThatWorks<T, TResult>(IReadOnlyList<T> places, Func<T, string> nameOf, Func<T, TResult> attempt)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                return attempt(places[i]);
            }
            catch (Failure e) when (i < places.Count - 1)
            {
                progress.Say($"timur: {e.Message}; trying {nameOf(places[i + 1])}");
            }
        }
    }

    /// <summary>As <see cref="Pull(string, Platform?, CancellationToken)"/> from the very place that a full name leads to; null when there is nothing of that name.</summary>
    internal PulledImage? TryPull(ImageName name, CancellationToken cancel)
    {
        RegistrySource place = PlaceOf(_config, name);
        using RegistryConnection connection = Connect(place, settings, out Repository repository);
        return repository.TryGetManifest(name.Reference, repository.PullScope, out _, cancel) is { } document ? Bring(repository, document, name, null, cancel) : null;
    }

    private PulledImage PullFrom(RegistrySource source, ImageName name, Platform? platform, CancellationToken cancel)
    {
        using RegistryConnection connection = Connect(source, settings, out Repository repository);
        return Bring(repository, repository.GetManifest(name.Reference, cancel), name, platform, cancel);
    }

    private PulledImage Bring(Repository repository, Document document, ImageName name, Platform? platform, CancellationToken cancel)
    {
        Manifest manifest = Choose(repository, document, platform ?? Platform.Own, cancel);
        byte[] bytes = repository.GetSmall(manifest.Config, $"the configuration of {name.Familiar}", cancel);
        ImageConfig config = ImageConfigJson.Read(bytes, $"the configuration of {name.Familiar}");
        List<Digest> diffIds = [.. config.DiffIds.Select(text => Digest.Parse(text, $"the configuration of {name.Familiar}"))];
        if (diffIds.Count != manifest.Layers.Count || diffIds.Exists(diffId => diffId.Algorithm != "sha256"))
        {
            throw new Failure($"{name.Familiar} has {manifest.Layers.Count} layers, but its configuration names {diffIds.Count}", "the image is wrong: ask whoever made it");
        }

        string? warning = CheckPlatform(name, config, platform, isListed: MediaTypes.IsIndex(document.MediaType));
        string? before = store.TryResolve(name.Full)?.Id;
        RemoveAbandoned();
        List<HeldLayer> held = FetchLayers(repository, manifest.Layers, diffIds, cancel);
        try
        {
            string id = Digest.Of(bytes).Hex;
            store.Blobs.Add(id, manifest.Bytes.Span);
            Image image = store.Add(bytes, name);
            store.RepositoryDigests.Add(id, name.WithDigest(document.Digest.ToString()));
            return new PulledImage(image, name, document.Digest.ToString(), before != id, warning);
        }
        finally
        {
            held.ForEach(one => one.Dispose());
            store.Settling.FinishInBackground();
        }
    }

    /// <summary>What a registry has under a name, byte for byte: an index or a manifest.</summary>
    public static byte[] Document(ImageName name, RegistrySettings settings, CancellationToken cancel = default)
    {
        using RegistryConnection connection = Connect(PlaceOf(RegistriesConfig.Load(), name), settings, out Repository repository);
        return repository.GetManifest(name.Reference, cancel).Bytes;
    }

    /// <summary>Whether a registry has something under a name.</summary>
    internal static bool Exists(ImageName name, RegistrySettings settings, CancellationToken cancel)
    {
        using RegistryConnection connection = Connect(PlaceOf(RegistriesConfig.Load(), name), settings, out Repository repository);
        return repository.TryGetManifest(name.Reference, repository.PullScope, out _, cancel) is not null;
    }

    /// <summary>The place itself, which stands behind its mirrors.</summary>
    private static RegistrySource PlaceOf(RegistriesConfig config, ImageName name) => config.Sources(name.Full, name.HasDigest)[^1];

    private static RegistryConnection Connect(RegistrySource source, RegistrySettings settings, out Repository repository)
    {
        var there = new ImageName(source.Name);
        var connection = new RegistryConnection(there.Registry, settings.For(source));
        repository = new Repository(connection, there.Path);
        return connection;
    }

    private static Manifest Choose(Repository repository, Document document, Platform platform, CancellationToken cancel)
    {
        string what = repository.Name;
        for (int depth = 0; MediaTypes.IsIndex(document.MediaType); depth++)
        {
            if (depth == DeepestIndex)
            {
                throw new Failure($"{what} is an index of indexes of indexes", "the image is wrong: ask whoever made it");
            }

            Descriptor chosen = ImageIndex.Read(document.Bytes, what).Choose(platform, what);
            document = repository.GetManifest(chosen.Digest.ToString(), cancel);
            if (document.Bytes.Length != chosen.Size)
            {
                throw new Failure($"{what}@{chosen.Digest} has {document.Bytes.Length} bytes, but the index says {chosen.Size}", "the image is wrong: ask whoever made it");
            }
        }

        return Manifest.Read(document.Bytes, document.MediaType, what);
    }

    /// <summary>
    /// An image for one platform only may be for another than this machine's: asked for by name that is an error, else a warning. An index may contradict the image that it
    /// names, which happens to people who build on another machine: a warning, as in Podman.
    /// </summary>
    private static string? CheckPlatform(ImageName name, ImageConfig config, Platform? wanted, bool isListed)
    {
        var platform = new Platform(config.Os, config.Architecture);
        if ((wanted ?? Platform.Own).Fit(platform) > 0 || config.Architecture.Length == 0)
        {
            return null;
        }

        return isListed ? $"{name.Familiar} names an image for {wanted ?? Platform.Own}, which says of itself that it is for {platform}"
            : wanted is null ? $"{name.Familiar} is for {platform}, and this machine is {Platform.Own}"
            : throw new Failure($"{name.Familiar} has no image for {wanted}", $"it has: {platform}; choose one with --platform");
    }

    private List<HeldLayer> FetchLayers(Repository repository, IReadOnlyList<Descriptor> layers, List<Digest> diffIds, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var fetch = new LayerFetch(store, repository, progress, stop.Token);
        List<(Descriptor, Digest)> wanted = [.. layers.Zip(diffIds).DistinctBy(pair => (pair.First.Digest, pair.Second))];
        var held = new List<HeldLayer>();
        try
        {
            Transfers.Run(wanted, LayersAtOnce, stop, layer =>
            {
                HeldLayer one = fetch.Fetch(layer.Item1, layer.Item2);
                lock (held)
                {
                    held.Add(one);
                }
            });
            return held;
        }
        catch (Exception e)
        {
            held.ForEach(one => one.Dispose());
            if (e is SyscallException { Errno: Errno.ENOSPC or Errno.EDQUOT })
            {
                // What isn't finished is kept to be resumed, but not where it takes the last room that everybody else needs.
                wanted.ForEach(layer => store.Blobs.ForgetPart(layer.Item1.Digest));
            }

            throw;
        }
    }

    /// <summary>Half-unpacked layers of pulls that were interrupted: their process, whose number ends the name, is gone.</summary>
    private void RemoveAbandoned()
    {
        foreach (DirectoryEntry entry in Directories.List(store.Layers))
        {
            string path = $"{store.Layers}/{entry.Name}";
            bool isGone = !Files.Exists($"/proc/{entry.Name[(entry.Name.LastIndexOf('.') + 1)..]}");
            if (entry.Name.StartsWith(".unpack.", StringComparison.Ordinal) && (isGone ? !InProgress.IsHeld(path) : InProgress.IsAbandoned(path)))
            {
                store.Discard(path);
            }
        }
    }
}
