using Timur.Images.Registry;
using Timur.Oci;

namespace Timur.Images;

/// <summary>
/// Steps of builds in registries: a repository has an image for each, whose tag is the step's key and which has the layer that the step made, or none. A reference with a
/// tag keeps its steps apart from others of the repository: the tag stands before the key.
/// </summary>
public sealed class StepExchange(ImageStore store, RegistrySettings settings, ITransferProgress progress)
{
    /// <summary>A tag has 128 characters at most (OCI distribution-spec, "Pulling manifests").</summary>
    private const int LongestPrefix = 63;

    private readonly HashSet<string> _unreachable = [];

    /// <summary>What a registry knows of a step; its layer is here then, and held. Null when it knows nothing, or can't be asked, which is said once.</summary>
    public (CachedStep Step, KeptLayer? Layer)? TryGet(ImageName repository, string key, CancellationToken cancel)
    {
        ImageName name = NameOf(repository, key);
        if (_unreachable.Contains(repository.Full))
        {
            return null;
        }

        try
        {
            if (new ImagePull(store, settings, progress).TryPull(name, cancel) is not { Image: { } image })
            {
                return null;
            }

            KeptLayer? layer = image.Config.DiffIds is [var diffId] ? new LayerMaking(store).TryKeep(diffId) : null;
            Forget(image, name);
            return image.Config.DiffIds.Count > 1 || (image.Config.DiffIds.Count == 1 && layer is null) ? null
                : (new CachedStep(layer?.DiffId, image.Config.Created ?? DateTimeOffset.UnixEpoch), layer);
        }
        catch (Failure e)
        {
            if (_unreachable.Add(repository.Full))
            {
                progress.Say($"timur: warning: no steps from {repository.Full}: {e.Message}");
            }

            return null;
        }
    }

    /// <summary>Brings a step to a repository, unless it is there.</summary>
    public void Put(ImageName repository, string key, CachedStep step, CancellationToken cancel)
    {
        ImageName name = NameOf(repository, key);
        if (ImagePull.Exists(name, settings, cancel))
        {
            return;
        }

        var config = new ImageConfig { Os = Platform.Own.Os, Architecture = Platform.Own.Architecture, Created = step.Created, DiffIds = step.DiffId is null ? [] : [step.DiffId] };
        Image image = store.Add(config, null);
        try
        {
            new ImagePush(store, settings, progress).Push(image, name, cancel);
        }
        finally
        {
            Forget(image, name);
        }
    }

    private static ImageName NameOf(ImageName repository, string key)
    {
        string prefix = repository.Reference == "latest" ? "" : repository.Tag + "-";
        return repository.WithTag(prefix[..Math.Min(prefix.Length, LongestPrefix)] + key);
    }

    /// <summary>The step's image was only how its layer travelled; whoever needs the layer holds it.</summary>
    private void Forget(Image image, ImageName name)
    {
        store.Untag(name);
        store.TryRemove(image, () => store.NamesOf(image.Id).Count > 0);
    }
}
