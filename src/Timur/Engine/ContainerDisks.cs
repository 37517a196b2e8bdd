using Timur.Kernel;
using Timur.State;
using Timur.Storage;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>Disk images by their own names or by their containers'.</summary>
public sealed class ContainerDisks(DataPaths paths)
{
    private readonly ContainerStore _containers = new(paths);
    private readonly DiskStore _disks = new(paths);

    /// <summary>Rows for <c>disk ls</c>.</summary>
    public IEnumerable<TemplateObject> List()
    {
        List<Container> containers = _containers.List();
        foreach (Disk disk in _disks.List())
        {
            Container? owner = containers.Find(container => container.Id.Text == disk.Name || DiskOf(container) == disk.Path);
            yield return new TemplateObject()
                .Add("Name", owner is not null && owner.Id.Text == disk.Name ? owner.Name : disk.Name)
                .Add("Size", new ByteSize(disk.Size).ToString())
                .Add("Used", new ByteSize(disk.Used).ToString())
                .Add("Container", owner?.Name ?? "")
                .Add("Snapshots", string.Join(' ', disk.Snapshots))
                .Add("Path", disk.Path);
        }
    }

    public void Clone(string disk, string name) => _disks.Clone(Find(disk), name);

    public void Snapshot(string disk, string snapshot) => DiskStore.Snapshot(Find(disk), snapshot);

    public void Rollback(string disk, string snapshot)
    {
        string path = Find(disk);
        DiskStore.RequireUnused(path);
        DiskStore.Rollback(path, snapshot);
    }

    public void Resize(string disk, long size) => DiskStore.Resize(Find(disk), size);

    /// <summary>A disk of a container goes with its container; a snapshot is written <c>DISK@SNAPSHOT</c>.</summary>
    public void Remove(string reference)
    {
        int at = reference.IndexOf('@');
        string name = at < 0 ? reference : reference[..at];
        string path = Find(name);
        if (at < 0 && _containers.List().Find(container => DiskOf(container) == path) is { } user)
        {
            throw new Failure($"the disk '{name}' belongs to container {user.Name}", $"remove that: timur rm {user.Name}", 2);
        }

        DiskStore.Remove(path, at < 0 ? null : reference[(at + 1)..]);
    }

    private string? DiskOf(Container container) => container.Options.Text("disk") is not { } disk ? null
        : RootChoice.ParseDisk(disk).Name is { } name ? _disks.PathOf(name) : $"{paths.Container(container.Id)}/disk.img";

    private string Find(string name)
    {
        string named = _disks.PathOf(name);
        if (!name.Contains('/') && Files.Exists(named))
        {
            return named;
        }

        return _containers.TryFindId(name) is { } id && DiskOf(_containers.Find(name)) is { } path ? path
            : throw new Failure($"there is no disk '{name}'", "timur disk ls lists them", 1);
    }
}
