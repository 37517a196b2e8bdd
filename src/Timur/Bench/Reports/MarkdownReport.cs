using System.Text;
using MathNet.Numerics.Statistics;
using Timur.Bench.Figures;

namespace Timur.Bench.Reports;

/// <summary>report.md: the verdicts, then a table for each candidate at each load, run by run with averages, so that two can be laid side by side.</summary>
internal static class MarkdownReport
{
    private const int MostColumns = 10;

    internal static string Write(Findings findings)
    {
        RunDescription run = findings.Run;
        var text = new StringBuilder();
        text.AppendLine("# What isolation costs here").AppendLine();
        text.AppendLine($"`{run.Command}` on {run.Started:yyyy-MM-dd HH:mm}, pace {run.Pace}, {(run.Sysbench.Length > 0 ? run.Sysbench + ", " : "")}image {run.Image}, seed {run.Seed}{(run.Interrupted ? ", **stopped early**" : run.Ended is null ? ", **killed before its end**" : "")}.").AppendLine();
        WriteSummary(text, findings);
        WriteMissing(text, findings);
        WriteLayers(text, findings);
        text.AppendLine("## The machine").AppendLine().AppendLine("| | |").AppendLine("|---|---|");
        foreach ((string name, string value) in run.Facts)
        {
            text.AppendLine($"| {name} | {Escape(value)} |");
        }

        text.AppendLine().AppendLine("## How it was measured").AppendLine().AppendLine(Method.Text).AppendLine();
        foreach (LoadFinding finding in findings.Loads)
        {
            WriteLoad(text, finding);
        }

        return text.ToString();
    }

    private static void WriteSummary(StringBuilder text, Findings findings)
    {
        text.AppendLine("| load | candidate | median | ratio within rounds (95 % interval) | |").AppendLine("|---|---|---:|---:|---|");
        foreach (LoadFinding finding in findings.Loads)
        {
            foreach (CandidateFinding candidate in finding.Candidates)
            {
                text.AppendLine($"| {finding.Load.Title} | {candidate.Who.Title} | {finding.ShowMedian(candidate)} | {finding.ShowRatio(candidate)} | {Escape(Verdict.Of(finding, candidate)?.Text ?? "")}{Failures(candidate)} |");
            }
        }

        text.AppendLine();
    }

    private static string Failures(CandidateFinding candidate)
        => candidate.Failures.Count == 0 ? "" : $" {candidate.Failures.Count} of {candidate.Failures.Count + candidate.Runs.Count} runs failed: {Escape(candidate.Failures[0])}";

    private static void WriteMissing(StringBuilder text, Findings findings)
    {
        CandidateRecord[] missing = [.. findings.Run.Candidates.Where(candidate => candidate.Failure is not null)];
        if (missing.Length > 0)
        {
            text.AppendLine("Not measured, or not to the end:").AppendLine();
            foreach (CandidateRecord candidate in missing)
            {
                text.AppendLine($"- {candidate.Title}: {Escape(candidate.Failure!)}");
            }

            text.AppendLine();
        }
    }

    private static void WriteLayers(StringBuilder text, Findings findings)
    {
        IReadOnlyList<string[]> layers = Explanation.Layers(findings);
        if (layers.Count > 0)
        {
            text.AppendLine("## Which layer costs").AppendLine().AppendLine("Each differs from the default container in one thing; the ratio is to that container.").AppendLine();
            text.AppendLine("| load | container | ratio (95 % interval) | |").AppendLine("|---|---|---:|---|");
            foreach (string[] row in layers)
            {
                text.AppendLine($"| {string.Join(" | ", row)} |");
            }

            text.AppendLine();
        }
    }

    private static void WriteLoad(StringBuilder text, LoadFinding finding)
    {
        text.AppendLine($"## {finding.Load.Title}").AppendLine();
        if (finding.Record.Command is { } command)
        {
            text.AppendLine($"`{command}`").AppendLine();
        }

        foreach (string sentence in Explanation.Of(finding))
        {
            text.AppendLine($"- {sentence}");
        }

        text.AppendLine();
        foreach (CandidateFinding candidate in finding.Candidates)
        {
            WriteTable(text, candidate);
        }
    }

    private static void WriteTable(StringBuilder text, CandidateFinding candidate)
    {
        bool each = candidate.Runs.Count <= MostColumns;
        text.AppendLine($"### {candidate.Who.Title}").AppendLine();
        string[] columns = each ? [.. candidate.Runs.Select(run => (run.Round + 1).ToString()), "average"] : ["average", "median", "least", "most", "standard deviation"];
        text.AppendLine($"| {(each ? "run" : $"of {candidate.Runs.Count} runs")} | {string.Join(" | ", columns)} |").AppendLine($"|---|{string.Concat(columns.Select(_ => "---:|"))}");
        foreach (Metric metric in Metrics.All)
        {
            double[] values = candidate.Values(metric.Key);
            if (values.Length > 0)
            {
                double[] shown = each ? [.. values, values.Mean()] : [values.Mean(), values.Median(), values.Min(), values.Max(), values.StandardDeviation()];
                text.AppendLine($"| {metric.Title}{(metric.Unit.Length > 0 ? ", " + metric.Unit : "")} | {string.Join(" | ", shown.Select(Number.Show))} |");
            }
        }

        text.AppendLine();
    }

    private static string Escape(string text) => text.Replace("|", "\\|").Replace("\n", " ");
}
