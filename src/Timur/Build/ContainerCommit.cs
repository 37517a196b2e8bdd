using Timur.Engine;
using Timur.Images;
using Timur.Kernel;
using Timur.Oci;
using Timur.Storage;

namespace Timur.Build;

/// <summary>How a container becomes an image.</summary>
/// <param name="Changes">Instructions that are applied to the configuration.</param>
/// <param name="Pauses">Every process stands still while its files are read.</param>
/// <param name="Squashes">One layer in place of the image's and the container's.</param>
public sealed record CommitOptions(string Author, string Message, IReadOnlyList<string> Changes, bool Pauses, bool Squashes);

/// <summary>Makes an image of a container and what it has changed.</summary>
public sealed class ContainerCommit(ContainerStore store, ImageStore images)
{
    /// <summary>The image; what fails leaves nothing behind.</summary>
    public Image Commit(Container container, CommitOptions options, ImageName? name)
    {
        Image image = images.Resolve(container.Record.ImageId.Trim('0').Length == 0 ? "host" : container.Record.ImageId);
        if (image.IsHost)
        {
            throw new Failure($"container {container.Name} is a copy of this machine, which is no image", "timur diff shows what it has changed, and timur cp brings it out");
        }

        DateTimeOffset? epoch = SourceDateEpoch.Value;
        ImageConfig config = options.Changes.Aggregate(ConfigOf(container, image), (before, change) => ConfigChange.Apply(before, change, "--change"));
        using KeptLayer layer = Layer(container, image, options, epoch);
        var history = new ImageHistory(epoch ?? DateTimeOffset.UtcNow, string.Join(' ', container.Record.Command), options.Message, EmptyLayer: false) { Author = options.Author };
        bool keeps = !options.Squashes;
        config = config with
        {
            Created = history.Created,
            Author = options.Author.Length > 0 ? options.Author : config.Author,
            DiffIds = keeps ? [.. image.Config.DiffIds, layer.DiffId] : [layer.DiffId],
            History = keeps ? [.. image.Config.History, history] : [history],
        };
        Image made = images.Add(config, name, images.Blobs.OriginsOf(image));
        images.Settling.FinishInBackground();
        return made;
    }

    private KeptLayer Layer(Container container, Image image, CommitOptions options, DateTimeOffset? epoch)
    {
        bool pauses = options.Pauses && container.State.Status == ContainerStatus.Running;
        var stop = new ContainerStop(store);
        if (pauses)
        {
            stop.Pause(container);
        }

        try
        {
            using ContainerChanges changes = ContainerChanges.Open(store, images, container);
            var making = new LayerMaking(images);
            KeptLayer own = making.Copy(changes.Upper, changes.Adjust, epoch);
            if (!options.Squashes)
            {
                return own;
            }

            using (own)
            using (Fd whole = LayerTree.Open([.. image.LayerDirectories, own.Directory], store.Paths.Stage))
            {
                KeptLayer flat = making.Copy(whole, latest: epoch);
                images.Discard(own);
                return flat;
            }
        }
        finally
        {
            if (pauses)
            {
                stop.Unpause(container);
            }
        }
    }

    /// <summary>The image's configuration with what the container was started with.</summary>
    private static ImageConfig ConfigOf(Container container, Image image)
    {
        RunOptions options = container.Options;
        ImageConfig config = image.Config;
        bool ownEntrypoint = options.Text("entrypoint") is not null;
        return config with
        {
            Env = SpecBuilder.OwnVariables(options, image),
            Entrypoint = options.Text("entrypoint") is not { } entrypoint ? config.Entrypoint : entrypoint.Length == 0 ? [] : [entrypoint],
            Cmd = options.Command.Count > 0 ? options.Command : ownEntrypoint ? [] : config.Cmd,
            User = options.Text("user") ?? config.User,
            WorkingDir = options.Text("workdir") ?? config.WorkingDir,
            StopSignal = options.Text("stop-signal") ?? config.StopSignal,
            Labels = container.Record.Labels,
        };
    }
}
