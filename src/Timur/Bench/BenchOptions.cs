using Timur.Bench.Candidates;
using Timur.Bench.Figures;

namespace Timur.Bench;

/// <summary>What is to be measured.</summary>
/// <param name="Rounds">Instead of each load's own number; 0 leaves it.</param>
/// <param name="Candidates">By name; the host and the host again are always among them.</param>
/// <param name="Image">Whose programs are run.</param>
/// <param name="Output">The folder that gets the results.</param>
/// <param name="Limit">How long a program may take beyond what it was told to.</param>
/// <param name="Version">Of this program.</param>
/// <param name="Command">The command line, for the report.</param>
internal sealed record BenchOptions(
    Pace Pace, int Rounds, IReadOnlyList<Load> Loads, IReadOnlyList<string> Candidates, string? Image, string Output, int Seed, TimeSpan Limit, string Version, string Command)
{
    private static readonly string[] Default = [CandidateNames.Host, CandidateNames.Timur];

    internal static IReadOnlyList<Load> ChooseLoads(string? only, Pace pace)
    {
        if (only is null)
        {
            return [.. LoadTable.All.Where(load => load.DoseAt(pace).Rounds > 0)];
        }

        string[] words = only.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Check("--only", words, LoadTable.Words);
        return words.Length == 0 ? throw new Failure("bench: --only names no load", $"choose of {string.Join(", ", LoadTable.Words)}") : [.. LoadTable.All.Where(load => words.Contains(load.Name) || words.Contains(load.Group))];
    }

    internal static IReadOnlyList<string> ChooseCandidates(string? against, bool layers)
    {
        string[] words = against?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? Default;
        Check("--against", words, CandidateTable.Names);
        return [.. new[] { CandidateNames.Host, CandidateNames.HostAgain }.Concat(words).Concat(layers ? CandidateNames.Layers.Prepend(CandidateNames.Timur) : []).Distinct()];
    }

    internal Dose DoseOf(Load load)
    {
        Dose dose = load.DoseAt(Pace);
        return dose with { Rounds = load.Name == "resident" ? 1 : Rounds > 0 ? Rounds : Math.Max(dose.Rounds, 7) };
    }

    private static void Check(string option, string[] words, IEnumerable<string> known)
    {
        string? unknown = words.FirstOrDefault(word => !known.Contains(word));
        if (unknown is not null)
        {
            string? near = CommandLine.Spelling.Nearest(unknown, known);
            throw new Failure($"bench: {option}: there is no '{unknown}'", (near is null ? "" : $"did you mean {near}? ") + $"Choose of {string.Join(", ", known)}");
        }
    }
}
