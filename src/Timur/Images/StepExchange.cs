using Timur.Images.Registry;
using Timur.Kernel;
using Timur.Oci;

namespace Timur.Images;

/// <summary>
/// Steps of builds in registries and directories: a repository has an image for each, whose tag is the step's key and which has the layer that the step made, or none. A
/// reference with a tag keeps its steps apart from others of the repository: the tag stands before the key. A directory has an OCI layout for each, of that name.
/// </summary>
public sealed class StepExchange(ImageStore store, RegistrySettings settings, ITransferProgress progress)
{
    /// <summary>A tag has 128 characters at most (OCI distribution-spec, "Pulling manifests").</summary>
    private const int LongestPrefix = 63;

    private readonly HashSet<string> _unreachable = [];

    /// <summary>What a place knows of a step; its layer is here then, and held. Null when it knows nothing, or can't be asked, which is said once.</summary>
    public (CachedStep Step, KeptLayer? Layer)? TryGet(StepPlace place, string key, CancellationToken cancel)
    {
        if (_unreachable.Contains(place.ToString()))
        {
            return null;
        }

        try
        {
            ImageName? name = place.Repository is { } repository ? NameOf(repository, key) : null;
            if ((name is { } known ? new ImagePull(store, settings, progress).TryPull(known, cancel)?.Image : TryLoad($"{place.Directory}/{key}", cancel)) is not { } image)
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
            if (_unreachable.Add(place.ToString()))
            {
                progress.Say($"timur: warning: no steps from {place}: {e.Message}");
            }

            return null;
        }
    }

    /// <summary>Brings a step to a place, unless it is there.</summary>
    public void Put(StepPlace place, string key, CachedStep step, CancellationToken cancel)
    {
        ImageName? name = place.Repository is { } repository ? NameOf(repository, key) : null;
        if (name is { } known ? ImagePull.Exists(known, settings, cancel) : Files.Exists($"{place.Directory}/{key}"))
        {
            return;
        }

        var config = new ImageConfig { Os = Platform.Own.Os, Architecture = Platform.Own.Architecture, Created = step.Created, DiffIds = step.DiffId is null ? [] : [step.DiffId] };
        Image image = store.Add(config, null);
        try
        {
            if (name is { } target)
            {
                new ImagePush(store, settings, progress).Push(image, target, cancel);
            }
            else
            {
                Save(image, place.Directory!, key, cancel);
            }
        }
        finally
        {
            Forget(image, name);
        }
    }

    private Image? TryLoad(string layout, CancellationToken cancel)
        => Files.Exists(layout) ? new ImageLoad(store, progress).LoadDirectory(layout, cancel)[0].Image : null;

    /// <summary>Whole under its name or not at all: several builds may write into one directory.</summary>
    private void Save(Image image, string directory, string key, CancellationToken cancel)
    {
        string unfinished = $"{directory}/.{key}.{Processes.Self}";
        try
        {
            Directories.Create(unfinished);
            new ImageSave(store).SaveDirectory([(image, [])], unfinished, cancel);
            if (!Files.TryRename(unfinished, $"{directory}/{key}", out Errno why) && !Files.Exists($"{directory}/{key}"))
            {
                throw new SyscallException("rename", why, $"{directory}/{key}");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SyscallException)
        {
            throw new Failure($"--cache-to {directory}: {e.Message}", "give a directory that can be written", cause: e);
        }
        finally
        {
            Directories.RemoveTree(unfinished);
        }
    }

    private static ImageName NameOf(ImageName repository, string key)
    {
        string prefix = repository.Reference == "latest" ? "" : repository.Tag + "-";
        return repository.WithTag(prefix[..Math.Min(prefix.Length, LongestPrefix)] + key);
    }

    /// <summary>The step's image was only how its layer travelled; whoever needs the layer holds it.</summary>
    private void Forget(Image image, ImageName? name)
    {
        if (name is { } known)
        {
            store.Untag(known);
        }

        store.TryRemove(image, () => store.NamesOf(image.Id).Count > 0);
    }
}
