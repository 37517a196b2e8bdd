using System.Text.Json;
using Timur.Kernel;
using Timur.State;

namespace Timur.Storage;

/// <summary>What a volume is, fixed when it is made.</summary>
/// <param name="Options">Of the driver <c>local</c>: type, device, o, as mount(8) takes them; empty for an ordinary directory.</param>
/// <param name="IsAnonymous">Made for one container; goes with it when that is asked for.</param>
public sealed record VolumeRecord(
    string Name, DateTimeOffset Created, IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> Options, bool IsAnonymous)
{
    private static readonly Dictionary<string, string> Nothing = [];

    /// <summary>A volume without labels and options.</summary>
    public static VolumeRecord Plain(string name, bool isAnonymous = false) => new(name, DateTimeOffset.UtcNow, Nothing, Nothing, isAnonymous);
}

/// <summary>Volumes: <c>volumes/NAME/_data</c> is the content, <c>volume.json</c> beside it the record. Each appears whole, with its record, or not at all.</summary>
public sealed class VolumeStore(DataPaths paths)
{
    private const string NameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

    public string DirectoryOf(string name) => $"{paths.Volumes}/{name}";

    /// <summary>Where the content is.</summary>
    public string DataOf(string name) => $"{paths.Volumes}/{name}/_data";

    /// <summary>A name that can't be one is a <see cref="Failure"/>.</summary>
    public static void CheckName(string name)
    {
        if (name.Length is < 2 or > 200 || name.AsSpan().IndexOfAnyExcept(NameCharacters) >= 0 || !char.IsAsciiLetterOrDigit(name[0]))
        {
            throw new Failure($"'{name}' isn't a volume name", "a path starts with '/' or './'; names have two characters or more: a letter or digit, then letters, digits, '_', '.' and '-'");
        }
    }

    /// <summary>Every volume, by name.</summary>
    public IReadOnlyList<VolumeRecord> List()
        => [.. Directories.List(paths.Volumes).Where(entry => !entry.Name.StartsWith('.')).Select(entry => TryFind(entry.Name)).OfType<VolumeRecord>().OrderBy(volume => volume.Name, StringComparer.Ordinal)];

    /// <summary>Null when there is none of that name; damage is a <see cref="Failure"/>.</summary>
    public VolumeRecord? TryFind(string name)
    {
        if (name.Contains('/') || name.StartsWith('.') || Files.TryStatus(DirectoryOf(name), out _) is not { Kind: FileKind.Directory } status)
        {
            return null;
        }

        string path = $"{DirectoryOf(name)}/volume.json";
        if (Files.TryReadAll(path, out _) is not { } bytes)
        {
            // Made before there were records.
            return VolumeRecord.Plain(name) with { Created = DateTimeOffset.FromUnixTimeSeconds(status.ModifiedSeconds) };
        }

        try
        {
            using JsonDocument json = JsonDocument.Parse(bytes);
            JsonElement root = json.RootElement;
            return new VolumeRecord(
                name, DateTimeOffset.FromUnixTimeMilliseconds(root.GetProperty("created").GetInt64()), Texts(root.GetProperty("labels")), Texts(root.GetProperty("options")),
                root.GetProperty("anonymous").GetBoolean());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new Failure($"{path} is damaged: {e.Message}", "timur system check --repair forgets its labels and options; the content stays", cause: e);
        }
    }

    /// <summary>As <see cref="TryFind"/>; an unknown name is a <see cref="Failure"/> with exit code 1.</summary>
    public VolumeRecord Find(string name) => TryFind(name) ?? throw new Failure($"there is no volume '{name}'", "timur volume ls lists them", 1);

    /// <summary>Makes a volume; false when there is one of that name, which stays as it is.</summary>
    public bool Create(VolumeRecord volume)
    {
        CheckName(volume.Name);
        string unfinished = $"{paths.Volumes}/.{volume.Name}.{Processes.Self}.tmp";
        Directories.Create(paths.Volumes, 0x1C9);
        Directories.RemoveTree(unfinished);
        if (!Directories.TryCreate(unfinished, out Errno why))
        {
            throw new SyscallException("mkdir", why, unfinished);
        }

        using FileLock held = InProgress.Hold(unfinished);
        try
        {
            Directories.Create(unfinished + "/_data");
            Files.WriteAll(unfinished + "/volume.json", ToJson(volume));
            return Files.TryRename(unfinished, DirectoryOf(volume.Name), out why, noReplace: true) || (why == Errno.EEXIST ? false : throw new SyscallException("rename", why, volume.Name));
        }
        finally
        {
            Directories.RemoveTree(unfinished);
        }
    }

    /// <summary>Keeps others from removing a volume or from filling it, until it is disposed; null when it is gone.</summary>
    public FileLock? TryLock(string name) => FileLock.TryTakeDirectory(DirectoryOf(name), wait: true);

    /// <summary>Removes it; dispose the result to delete its files. Null when it is gone already.</summary>
    public Discarded? Remove(string name)
    {
        Directories.Create(paths.Trash);
        Discarded? trash = Discarded.TryMove(paths, DirectoryOf(name), $"{name}.{Processes.Self}", out Errno why);
        return trash is not null || why == Errno.ENOENT ? trash : throw new SyscallException("rename", why, DirectoryOf(name));
    }

    /// <summary>Forgets a damaged record.</summary>
    public void MendRecord(string name) => Files.TryUnlink($"{DirectoryOf(name)}/volume.json", out _);

    private static byte[] ToJson(VolumeRecord volume)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteNumber("created", volume.Created.ToUnixTimeMilliseconds());
            json.WriteBoolean("anonymous", volume.IsAnonymous);
            WriteTexts(json, "labels", volume.Labels);
            WriteTexts(json, "options", volume.Options);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string> texts)
    {
        json.WriteStartObject(name);
        foreach ((string key, string value) in texts)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static Dictionary<string, string> Texts(JsonElement map) => map.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.GetString() ?? "");
}
