using System.Text.Json.Serialization;

namespace Timur.Bench.Figures;

/// <summary>One run of one load by one candidate: a line of <c>raw.jsonl</c>.</summary>
/// <param name="Window">Which part of the benchmark it belongs to; test files are made anew for each.</param>
/// <param name="Round">Within the load, counted through all windows.</param>
/// <param name="Order">Its place within the round, from 0.</param>
/// <param name="At">Seconds after the benchmark's start.</param>
/// <param name="Values">By metric key; empty when it failed.</param>
/// <param name="Histogram">Latencies as sysbench groups them: pairs of milliseconds and count.</param>
/// <param name="Failure">Why it failed, or null.</param>
internal sealed record RunRecord(
    string Load, string Candidate, int Window, int Round, int Order, double At, IReadOnlyDictionary<string, double> Values, double[][]? Histogram = null, string? Failure = null);

/// <summary>A candidate as the report names it.</summary>
/// <param name="Storage">What its test files stood on.</param>
/// <param name="Failure">Why it couldn't run here, or null.</param>
internal sealed record CandidateRecord(string Name, string Title, string Version, string Storage, string? Failure);

/// <summary>A load as it was run.</summary>
/// <param name="Command">The words inside, or null for loads of a container's life.</param>
internal sealed record LoadRecord(string Name, string Title, int Rounds, string? Command);

/// <summary>What <c>run.json</c> holds: all that must be known to read the raw records.</summary>
/// <param name="Facts">About the machine, in the order they are shown.</param>
/// <param name="Ended">Null while it runs, and when it was killed.</param>
/// <param name="Interrupted">Somebody stopped it early.</param>
internal sealed record RunDescription(
    string Version, string Command, string Pace, int Seed, DateTimeOffset Started, DateTimeOffset? Ended, bool Interrupted, string Image, string Sysbench,
    IReadOnlyList<CandidateRecord> Candidates, IReadOnlyList<LoadRecord> Loads, IReadOnlyList<KeyValuePair<string, string>> Facts);

/// <summary>How the records are written and read, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RunRecord))]
[JsonSerializable(typeof(RunDescription))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class RecordJson : JsonSerializerContext;
