using System.Text.Json.Serialization;
using Timur.Bench.Figures;

namespace Timur.Bench.Reports;

/// <summary>One candidate at one load, as the page draws it.</summary>
/// <param name="Ratio">Value, low end, high end; null for the baseline.</param>
/// <param name="Points">Seconds after the start and the main figure of each run.</param>
/// <param name="Histogram">Milliseconds and the share of events.</param>
internal sealed record PageSeries(
    string Name, string Title, double? Median, string Shown, double[]? Ratio, string Judgement, string Verdict, double[][] Points, double[][] Histogram, int Failed, string? Failure);

/// <summary>A metric's medians, in the order of the series.</summary>
internal sealed record PageRow(string Title, string[] Cells);

/// <summary>A section of the page.</summary>
internal sealed record PageLoad(
    string Name, string Title, string? Command, string Metric, string Unit, bool HigherIsBetter, bool IsLife, string Baseline, IReadOnlyList<string> Text, double[]? Noise,
    IReadOnlyList<PageSeries> Series, IReadOnlyList<PageRow> Rows);

/// <summary>Everything the page shows.</summary>
internal sealed record PageModel(
    string Started, string Command, string Pace, string State, string Sysbench, string Image, int Seed, int Failed, string Version, string Method,
    IReadOnlyList<CandidateRecord> Candidates, IReadOnlyList<PageLoad> Loads, IReadOnlyList<string[]> Layers, IReadOnlyList<string[]> Facts)
{
    internal static PageModel From(Findings findings)
    {
        RunDescription run = findings.Run;
        string state = run.Interrupted ? "stopped early: fewer rounds than planned" : run.Ended is null ? "killed before its end: fewer rounds than planned" : "";
        return new PageModel(
            run.Started.ToString("yyyy-MM-dd HH:mm"), run.Command, run.Pace, state, run.Sysbench, run.Image, run.Seed, findings.Failed, run.Version, Reports.Method.Text, run.Candidates,
            [.. findings.Loads.Select(From)], Explanation.Layers(findings),
            [.. run.Facts.Select(fact => (string[])[fact.Key, fact.Value])]);
    }

    private static PageLoad From(LoadFinding finding)
    {
        Metric main = finding.Load.Main;
        return new PageLoad(
            finding.Load.Name, finding.Load.Title, finding.Record.Command, main.Title, main.Unit, main.HigherIsBetter, finding.Load is LifeLoad,
            finding.BaselineTitle, Explanation.Of(finding), Triple(finding.Noise), [.. finding.Candidates.Select(candidate => From(finding, candidate))], Rows(finding));
    }

    private static PageSeries From(LoadFinding finding, CandidateFinding candidate)
    {
        string key = finding.Load.Main.Key;
        double? median = candidate.Median(key);
        Verdict? verdict = Verdict.Of(finding, candidate);
        return new PageSeries(
            candidate.Who.Name, candidate.Who.Title, median, median is { } value ? Number.Show(value) : "–", Triple(candidate.Ratio), verdict?.Judgement.ToString().ToLowerInvariant() ?? "baseline",
            verdict?.Text ?? "", [.. candidate.Runs.Where(run => run.Values.ContainsKey(key)).Select(run => (double[])[run.At, run.Values[key]])], Histogram(candidate), candidate.Failures.Count,
            candidate.Failures.Count > 0 ? candidate.Failures[0] : null);
    }

    /// <summary>All runs together; sysbench's own buckets.</summary>
    private static double[][] Histogram(CandidateFinding candidate)
    {
        var counts = new SortedDictionary<double, double>();
        foreach (double[] bar in candidate.Runs.SelectMany(run => run.Histogram ?? []))
        {
            counts[bar[0]] = counts.GetValueOrDefault(bar[0]) + bar[1];
        }

        double all = counts.Values.Sum();
        return [.. counts.Select(bar => (double[])[bar.Key, bar.Value / all])];
    }

    private static List<PageRow> Rows(LoadFinding finding)
        => [.. from metric in Metrics.All
               where finding.Candidates.Any(candidate => candidate.Median(metric.Key) is not null)
               select new PageRow(metric.Title + (metric.Unit.Length > 0 ? ", " + metric.Unit : ""),
                   [.. finding.Candidates.Select(candidate => candidate.Median(metric.Key) is { } value ? Number.Show(value) : "")])];

    private static double[]? Triple(Ratio? ratio) => ratio is { } known ? [known.Value, known.Low, known.High] : null;
}

/// <summary>The page's own JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PageModel))]
internal sealed partial class PageJson : JsonSerializerContext;
