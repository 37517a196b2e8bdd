using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;
using Timur.Storage;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>Volumes as people handle them: make, list, show, remove, save, fill.</summary>
public sealed class VolumeCare(DataPaths paths)
{
    private const int InUse = 2;
    private readonly VolumeStore _volumes = new(paths);
    private readonly VolumeMounts _mounts = new(paths);

    /// <summary>Makes a volume; one of that name that is there already stays, if it is the same. A missing name is chosen.</summary>
    public string Create(string? name, IReadOnlyDictionary<string, string> labels, IReadOnlyDictionary<string, string> options, string driver)
    {
        VolumeCreation.CheckDriver(driver);
        VolumeCreation.CheckOptions(options);
        string chosen = name ?? ContainerId.Create().Text;
        if (!_volumes.Create(new VolumeRecord(chosen, DateTimeOffset.UtcNow, labels, options, name is null)) && _volumes.Find(chosen) is var there
            && options.Count > 0 && !there.Options.OrderBy(pair => pair.Key).SequenceEqual(options.OrderBy(pair => pair.Key)))
        {
            throw new Failure($"there is a volume '{chosen}' with other options", $"choose another name, or remove that one: timur volume rm {chosen}");
        }

        return chosen;
    }

    /// <summary>Volumes that match, as rows.</summary>
    public IReadOnlyList<TemplateObject> Rows(IReadOnlyList<string> filters)
    {
        var use = new VolumeUse(paths);
        var filter = new VolumeFilter(filters);
        return [.. _volumes.List().Where(volume => filter.Matches(volume, use.UsersOf(volume.Name).Any())).Select(volume => Describe(volume)
            .Also("CreatedAt", () => Created(volume))
            .Also("Label", key => volume.Labels.GetValueOrDefault(key, ""))
            .Add("Links", () => use.UsersOf(volume.Name).Count().ToString())
            .Add("Size", () => new ByteSize(Directories.Usage(_volumes.DataOf(volume.Name))).ToDecimalString()))];
    }

    /// <summary>Whether there is one of that name.</summary>
    public bool Exists(string name) => _volumes.TryFind(name) is not null;

    /// <summary>Everything about one.</summary>
    public TemplateObject Inspect(string name)
    {
        VolumeRecord volume = _volumes.Find(name);
        return Describe(volume, texts: false).Add("CreatedAt", Created(volume));
    }

    /// <summary>Removes a volume that no container has.</summary>
    public void Remove(string name, bool force)
    {
        if (_volumes.TryFind(name) is null && force)
        {
            return;
        }

        _volumes.Find(name);
        using FileLock? guard = _volumes.TryLock(name);
        if (new VolumeUse(paths).UsersOf(name).FirstOrDefault() is { } user)
        {
            throw new Failure($"volume {name} is used by container {user.Name}", $"remove that first: timur rm {(user.State.IsAlive ? "-f " : "")}{user.Name}", InUse);
        }

        _mounts.Forget(name);
        Discarded? trash = _volumes.Remove(name);
        guard?.Dispose();
        trash?.Dispose();
    }

    /// <summary>Removes what no container has any more; dispose the result to delete the files. A container whose record is damaged may have it.</summary>
    internal Discarded? TryRemove(string name)
    {
        using FileLock? guard = _volumes.TryLock(name);
        List<Container> containers = new ContainerStore(paths).ListReadable(out bool areAll);
        if (guard is null || !areAll || new VolumeUse(paths, containers).UsersOf(name).Any())
        {
            return null;
        }

        _mounts.Forget(name);
        return _volumes.Remove(name);
    }

    /// <summary>Removes volumes that no container has: those without a name of their own, or all.</summary>
    public PrunedThings Prune(bool all, IReadOnlyList<string> filters)
    {
        var filter = new VolumeFilter(filters);
        var removed = new List<string>();
        long bytes = 0;
        foreach (VolumeRecord volume in _volumes.List().Where(volume => (all || volume.IsAnonymous) && filter.Matches(volume, isUsed: false)))
        {
            long size = Directories.Usage(_volumes.DirectoryOf(volume.Name));
            if (TryRemove(volume.Name) is { } trash)
            {
                trash.Dispose();
                removed.Add(volume.Name);
                bytes += size;
            }
        }

        return new PrunedThings(removed, bytes);
    }

    /// <summary>Filters that make no sense are a <see cref="Failure"/>.</summary>
    public static void CheckFilters(IReadOnlyList<string> filters) => _ = new VolumeFilter(filters);

    /// <summary>Writes the content as an archive.</summary>
    public void Export(string name, Stream target)
    {
        using Fd root = _mounts.OpenData(_volumes.Find(name));
        bool isInUse = new VolumeUse(paths).UsersOf(name).Any(user => user.State.IsAlive);
        var packer = new TreePacker(new TarWriter(target)) { IsInUse = isInUse };
        TreeReader.Walk(root, packer.Write);
        packer.Finish();
    }

    /// <summary>Unpacks an archive into a volume; what is there and not in the archive stays.</summary>
    public void Import(string name, Stream archive)
    {
        using Fd root = _mounts.OpenData(_volumes.Find(name));
        Images.TreeImport.Unpack(archive, root);
    }

    private static string Created(VolumeRecord volume) => volume.Created.ToLocalTime().ToString("yyyy-MM-dd'T'HH:mm:sszzz");

    private TemplateObject Describe(VolumeRecord volume, bool texts = true) => new TemplateObject()
        .Add("Driver", "local")
        .Add("Labels", texts ? string.Join(',', volume.Labels.Select(label => $"{label.Key}={label.Value}")) : volume.Labels)
        .Add("Mountpoint", _volumes.DataOf(volume.Name))
        .Add("Name", volume.Name)
        .Add("Options", texts ? string.Join(',', volume.Options.Select(option => $"{option.Key}={option.Value}")) : volume.Options)
        .Add("Scope", "local")
        .Add("Anonymous", volume.IsAnonymous);
}

/// <summary><c>--filter</c> of volume lists.</summary>
internal sealed class VolumeFilter
{
    private static readonly string[] Keys = ["dangling", "driver", "label", "label!", "name", "until"];
    private readonly ILookup<string, string> _values;

    internal VolumeFilter(IReadOnlyList<string> filters)
        => _values = filters.Select(filter =>
        {
            int equals = filter.IndexOf('=');
            string key = equals < 0 ? filter : filter[..equals];
            if (equals < 0 || Array.IndexOf(Keys, key) < 0)
            {
                throw new Failure($"--filter: '{filter}' isn't a filter of volumes", $"write KEY=VALUE; keys: {string.Join(' ', Keys)}");
            }

            string value = filter[(equals + 1)..];
            if (key == "until")
            {
                Moment.Parse(value, DateTimeOffset.UtcNow);
            }

            return (key, value);
        }).ToLookup(pair => pair.key, pair => pair.value);

    internal bool Matches(VolumeRecord volume, bool isUsed) => _values.All(values => values.Key.StartsWith("label", StringComparison.Ordinal)
        ? values.All(value => Matches(volume, isUsed, values.Key, value)) : values.Any(value => Matches(volume, isUsed, values.Key, value)));

    private static bool Matches(VolumeRecord volume, bool isUsed, string key, string value) => key switch
    {
        "dangling" => isUsed != value is "true" or "1",
        "driver" => value == "local",
        "name" => volume.Name.Contains(value, StringComparison.Ordinal),
        "label" => LabelFilter.Matches(volume.Labels, value),
        "label!" => !LabelFilter.Matches(volume.Labels, value),
        _ => volume.Created < Moment.Parse(value, DateTimeOffset.UtcNow),
    };
}
