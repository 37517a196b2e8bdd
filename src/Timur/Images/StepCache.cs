using System.Globalization;
using System.Text;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>What a step of a build came to.</summary>
/// <param name="DiffId">The layer it made; null when it changed no file.</param>
/// <param name="Created">When it was made.</param>
public sealed record CachedStep(string? DiffId, DateTimeOffset Created);

/// <summary>
/// What steps of builds came to, so that they needn't be done again: <c>cache/KEY</c> names a layer, which stays as long as the record does, unless a power cut
/// takes it.
/// </summary>
public sealed class StepCache(DataPaths paths)
{
    private readonly string _directory = paths.Images + "/cache";

    /// <param name="key">64 hexadecimal digits.</param>
    public CachedStep? TryGet(string key) => Read($"{_directory}/{key}");

    public void Add(string key, CachedStep step)
    {
        Directories.Create(_directory);
        AtomicFile.Write($"{_directory}/{key}", Encoding.ASCII.GetBytes($"{step.DiffId ?? "none"} {step.Created.ToUnixTimeMilliseconds()}\n"));
    }

    /// <summary>Everything that is known.</summary>
    internal IEnumerable<CachedStep> All() => Directories.List(_directory).Select(entry => Read($"{_directory}/{entry.Name}")).OfType<CachedStep>();

    /// <summary>DiffIDs of the layers that records name.</summary>
    public IReadOnlySet<string> DiffIds() => All().Select(step => step.DiffId).OfType<string>().ToHashSet();

    /// <summary>Forgets everything, or what was made before then; the count of records. Layers that nobody else has are leftovers then.</summary>
    public int Clear(DateTimeOffset? before = null)
    {
        int count = 0;
        foreach (DirectoryEntry entry in Directories.List(_directory))
        {
            string path = $"{_directory}/{entry.Name}";
            count += (before is null || Read(path)?.Created < before) && Files.TryUnlink(path, out _) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Unfinished files, and records that a power cut left empty.</summary>
    internal IEnumerable<string> Leftovers() => Directories.List(_directory).Select(entry => $"{_directory}/{entry.Name}").Where(path => Read(path) is null);

    private static CachedStep? Read(string path)
        => Files.TryReadText(path, out _)?.Split(' ') is [var diffId, var created] && !Path.GetFileName(path).StartsWith('.')
            && long.TryParse(created, NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds)
            ? new CachedStep(diffId == "none" ? null : diffId, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)) : null;
}
