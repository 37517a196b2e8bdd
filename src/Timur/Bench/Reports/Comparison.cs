using System.Text;
using Timur.Bench.Figures;

namespace Timur.Bench.Reports;

/// <summary>Two benchmarks side by side. Only ratios within each are compared: times of two days, or of two machines, aren't.</summary>
internal static class Comparison
{
    internal static string Write(Findings before, Findings after)
    {
        var rows = new List<string[]> { new[] { "load", "candidate", "before", "after", "" } };
        foreach (LoadFinding now in after.Loads)
        {
            LoadFinding? then = before.Loads.FirstOrDefault(finding => finding.Load.Name == now.Load.Name && finding.Baseline == now.Baseline);
            foreach (CandidateFinding candidate in now.Candidates.Where(candidate => candidate.Ratio is not null))
            {
                Ratio? old = then?.Find(candidate.Who.Name)?.Ratio;
                rows.Add([now.Load.Name, candidate.Who.Title, old?.ToString() ?? "-", candidate.Ratio!.Value.ToString(), Change(old, candidate.Ratio.Value, now.Load.Main)]);
            }
        }

        return rows.Count == 1 ? throw new Failure("the two benchmarks have no load in common that could be compared", "compare folders that were measured with the same --only") : Differences(before, after) + Table(rows);
    }

    /// <summary>Nothing is called a change while the intervals overlap.</summary>
    private static string Change(Ratio? before, Ratio after, Metric metric)
    {
        if (before is not { } old)
        {
            return "only in the second";
        }

        return after.Low > old.High ? metric.HigherIsBetter ? "better" : "worse"
            : after.High < old.Low ? metric.HigherIsBetter ? "worse" : "better"
            : "no change found";
    }

    /// <summary>What makes them hard to compare.</summary>
    private static string Differences(Findings before, Findings after)
    {
        var text = new StringBuilder();
        Dictionary<string, string> old = before.Run.Facts.ToDictionary(fact => fact.Key, fact => fact.Value);
        foreach ((string name, string value) in after.Run.Facts.Where(fact => !fact.Key.StartsWith("load average", StringComparison.Ordinal)))
        {
            if (old.TryGetValue(name, out string? was) && was != value)
            {
                text.AppendLine($"{name}: {was} -> {value}");
            }
        }

        if (before.Run.Pace != after.Run.Pace)
        {
            text.AppendLine($"pace: {before.Run.Pace} -> {after.Run.Pace}");
        }

        return text.ToString();
    }

    private static string Table(List<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        return string.Concat(rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd() + "\n"));
    }
}
