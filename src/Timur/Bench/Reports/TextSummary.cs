using System.Text;
using Timur.Bench.Figures;

namespace Timur.Bench.Reports;

/// <summary>The result on a terminal, in a few lines.</summary>
internal static class TextSummary
{
    internal static string Write(Findings findings)
    {
        var text = new StringBuilder();
        int width = findings.Run.Candidates.Max(candidate => candidate.Title.Length);
        foreach (LoadFinding finding in findings.Loads)
        {
            text.AppendLine(finding.Load.Title);
            foreach (CandidateFinding candidate in finding.Candidates)
            {
                string median = finding.ShowMedian(candidate) is { Length: > 0 } shown ? shown : "nothing measured";
                string failed = candidate.Failures.Count == 0 ? "" : $"; {candidate.Failures.Count} runs failed";
                text.AppendLine($"  {candidate.Who.Title.PadRight(width)}  {median,16}  {finding.ShowRatio(candidate),-22}  {Verdict.Of(finding, candidate)?.Text}{failed}".TrimEnd());
            }
        }

        foreach (CandidateRecord candidate in findings.Run.Candidates.Where(candidate => candidate.Failure is not null))
        {
            text.AppendLine($"{candidate.Title}: not measured to the end: {candidate.Failure}");
        }

        return text.ToString();
    }
}
