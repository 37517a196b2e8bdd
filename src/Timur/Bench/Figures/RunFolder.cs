using System.Text;
using System.Text.Json;
using Timur.Kernel;
using Timur.State;

namespace Timur.Bench.Figures;

/// <summary>A benchmark's results on the disk: <c>run.json</c>, <c>raw.jsonl</c>, and the reports made from them.</summary>
internal sealed class RunFolder
{
    private RunFolder(string directory, RunDescription description, IReadOnlyList<RunRecord> records) => (Directory, Description, Records) = (directory, description, records);

    internal string Directory { get; }

    internal RunDescription Description { get; }

    internal IReadOnlyList<RunRecord> Records { get; }

    internal static RunFolder Read(string directory)
    {
        string file = $"{directory}/run.json";
        byte[] description = Files.TryReadAll(file, out Errno why)
            ?? throw new Failure($"{directory} holds no benchmark: {file}: {why.Describe()}", "name a folder that timur bench has written, such as timur-bench-2026-01-31-1200");
        RunDescription run = Parse(description, file, RecordJson.Default.RunDescription);
        var records = new List<RunRecord>();
        string raw = $"{directory}/raw.jsonl";
        byte[] lines = Files.TryReadAll(raw, out why) ?? throw new Failure($"{raw}: {why.Describe()}", "a folder without it can't be rendered again");
        int end = Array.LastIndexOf(lines, (byte)'\n');
        int number = 0;
        foreach (string line in Encoding.UTF8.GetString(lines, 0, Math.Max(end, 0)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            records.Add(Parse(Encoding.UTF8.GetBytes(line), $"{raw} line {++number}", RecordJson.Default.RunRecord));
        }

        return new RunFolder(directory, run, records);
    }

    /// <summary>Writes what the run is, in one rename.</summary>
    internal static void Describe(string directory, RunDescription description)
        => AtomicFile.Write($"{directory}/run.json", JsonSerializer.SerializeToUtf8Bytes(description, new RecordJson(new JsonSerializerOptions(RecordJson.Default.Options) { WriteIndented = true }).RunDescription), mode: 0x1A4);

    private static T Parse<T>(byte[] bytes, string what, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw new Failure($"{what} is empty", "it isn't what timur bench wrote");
        }
        catch (JsonException e)
        {
            throw new Failure($"{what}: {e.Message}", "it isn't what timur bench wrote", cause: e);
        }
    }
}
