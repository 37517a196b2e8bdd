using Timur.Images;
using Timur.State;

namespace Timur.Engine;

/// <summary>Makes containers: the record, the name, the place for the root.</summary>
public sealed class ContainerCreation(ContainerStore store, ImageStore images)
{
    /// <summary>A new container, not started. What fails leaves nothing behind.</summary>
    public Container Create(RunOptions options)
    {
        RunOptionRules.Check(options);
        options = VolumesFrom.Expand(options, store, images);
        Image? image = options.Image is { } reference ? images.Resolve(reference) : null;
        using FileLock? held = image is { IsHost: false } ? images.TryHold(image) ?? throw new Failure($"image {options.Image} was removed meanwhile", "get it again") : null;
        options = ExposedPorts.Publish(options, image);
        IReadOnlyList<string> command = SpecBuilder.Command(options, image);
        ContainerId id = ContainerId.Create();
        using var undo = new UndoList();
        ContainerRecord record = Claim(options, image, command, id, undo);
        RootChoice.Prepare(options, store.Paths.Container(id), store.Paths);
        undo.Keep();
        return new Container(record, new ContainerState());
    }

    private ContainerRecord Claim(RunOptions options, Image? image, IReadOnlyList<string> command, ContainerId id, UndoList undo)
    {
        var record = new ContainerRecord
        {
            Id = id,
            Name = options.Text("name") ?? ContainerNames.Create(0),
            Created = DateTimeOffset.UtcNow,
            ImageId = image?.Id ?? "",
            Image = options.Image ?? options.Text("rootfs")!,
            Command = command,
            Options = options.Canonical,
            Labels = Labels(options, image),
        };
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                store.Create(record, undo);
                return record;
            }
            catch (Failure) when (options.Text("name") is null && attempt < 100 && store.TryFindId(record.Name) is not null)
            {
                undo.Dispose();
                record = record with { Name = ContainerNames.Create(attempt) };
            }
        }
    }

    private static Dictionary<string, string> Labels(RunOptions options, Image? image)
    {
        var labels = new Dictionary<string, string>(image?.Config.Labels ?? new Dictionary<string, string>());
        foreach (string label in options.Texts("label"))
        {
            int equals = label.IndexOf('=');
            labels[equals < 0 ? label : label[..equals]] = equals < 0 ? "" : label[(equals + 1)..];
        }

        return labels;
    }
}
