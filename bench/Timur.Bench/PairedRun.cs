using System.Text.Json;

namespace Timur.Bench;

/// <summary>A candidate: its name in the table, and what one round of it takes in milliseconds.</summary>
internal sealed record Candidate(string Name, Func<double> Measure);

/// <summary>
/// Rounds in which every candidate runs once, in a new random order each time: what disturbs the machine for a while disturbs all of them, and ratios
/// are taken within a round.
/// </summary>
internal sealed class PairedRun(string title, IReadOnlyList<Candidate> candidates, string baseline)
{
    private const int WarmUp = 5;

    private readonly Dictionary<string, double[]> _times = [];

    internal void Measure(int rounds, TextWriter raw)
    {
        var random = new Random(rounds);
        foreach (Candidate candidate in candidates)
        {
            _times[candidate.Name] = new double[rounds];
        }

        for (int round = -WarmUp; round < rounds; round++)
        {
            Candidate[] order = [.. candidates];
            random.Shuffle(order);
            foreach (Candidate candidate in order)
            {
                double milliseconds = candidate.Measure();
                if (round >= 0)
                {
                    _times[candidate.Name][round] = milliseconds;
                    raw.WriteLine(JsonSerializer.Serialize(new { experiment = title, round, candidate = candidate.Name, milliseconds }));
                }
            }

            if (!Console.IsErrorRedirected)
            {
                Console.Error.Write($"\rbench: {title}: round {Math.Max(round + 1, 0)} of {rounds} ");
            }
        }

        Console.Error.WriteLine(Console.IsErrorRedirected ? $"bench: {title}: {rounds} rounds" : "");
    }

    /// <summary>A Markdown table: median, 95th percentile, and the ratio to the baseline within each round with its 95 % interval.</summary>
    internal string Table()
    {
        int rounds = _times[baseline].Length;
        var lines = new List<string>
        {
            $"### {title}",
            "",
            $"{rounds} rounds in random order.",
            "",
            $"| | median, ms | 95th percentile, ms | times {baseline} (95 % interval) |",
            "|---|---:|---:|---:|",
        };
        foreach (Candidate candidate in candidates)
        {
            double[] sorted = [.. _times[candidate.Name].Order()];
            string ratio = candidate.Name == baseline ? "1" : Statistics.PairedRatio(_times[candidate.Name], _times[baseline]).ToString();
            lines.Add($"| {candidate.Name} | {Statistics.Percentile(sorted, 0.5):0.0} | {Statistics.Percentile(sorted, 0.95):0.0} | {ratio} |");
        }

        return string.Join('\n', lines) + "\n";
    }
}
