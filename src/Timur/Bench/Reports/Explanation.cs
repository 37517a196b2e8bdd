using Timur.Bench.Figures;

namespace Timur.Bench.Reports;

/// <summary>Says in sentences what was measured at a load, and where a difference comes from as far as the counts tell.</summary>
internal static class Explanation
{
    internal static IReadOnlyList<string> Of(LoadFinding finding)
    {
        var sentences = new List<string> { $"What may cost here: {finding.Load.Loses}." };
        if (finding.Noise is { } noise)
        {
            sentences.Add($"The host against itself: {noise}. What is closer to 1 than that can't be told from chance here.");
        }

        foreach (CandidateFinding candidate in finding.Candidates)
        {
            if (candidate.Who.Name is not (CandidateNames.Host or CandidateNames.HostAgain) && candidate.Ratio is { } ratio && Verdict.Of(finding, candidate) is { } verdict)
            {
                string cause = finding.Load is SysbenchLoad { UsesFiles: true } ? Disk(finding, candidate, verdict) : "";
                sentences.Add($"{candidate.Who.Title}: {verdict.Text}. {ratio} in {ratio.Pairs} pairs.{cause}");
            }
        }

        return sentences;
    }

    /// <summary>The layers one by one: what each toggle changes against the default container.</summary>
    /// <returns>Rows of load, container, ratio, and what may be said about it.</returns>
    internal static IReadOnlyList<string[]> Layers(Findings findings)
    {
        var rows = new List<string[]>();
        foreach (LoadFinding finding in findings.Loads)
        {
            foreach (CandidateFinding candidate in finding.Candidates.Where(candidate => CandidateNames.Layers.Contains(candidate.Who.Name)))
            {
                if (finding.Compare(candidate.Who.Name, CandidateNames.Timur, finding.Load.Main.Key) is { } ratio)
                {
                    rows.Add([finding.Load.Title, candidate.Who.Title, ratio.ToString(), Verdict.Of(ratio, finding.Load.Main, finding.Load is LifeLoad ? null : finding.Noise, CandidateNames.Timur).Text]);
                }
            }
        }

        return rows;
    }

    /// <summary>What the disk was asked for, where it explains a difference.</summary>
    private static string Disk(LoadFinding finding, CandidateFinding candidate, Verdict verdict)
    {
        CandidateFinding? host = finding.Find(CandidateNames.Host);
        if (verdict.Judgement is not (Judgement.Slower or Judgement.Faster)
            || host?.Median("disk_flushes_per_operation") is not { } hostFlushes || candidate.Median("disk_flushes_per_operation") is not { } flushes
            || candidate.Median("disk_writes_per_operation") is not { } writes || host.Median("disk_writes_per_operation") is not { } hostWrites)
        {
            return "";
        }

        string counts = $" For each file operation the disk got {writes:0.00} writes and {flushes:0.00} flushes, from the host {hostWrites:0.00} and {hostFlushes:0.00}";
        if (verdict.Judgement == Judgement.Faster)
        {
            return flushes < hostFlushes / 2 ? counts + ": flushes don't reach it, and a power cut may lose what was written." : counts + ".";
        }

        return !candidate.Who.Storage.Contains("loop", StringComparison.Ordinal) ? counts + "."
            : Math.Abs(writes - hostWrites) <= 0.25 * Math.Max(hostWrites, 0.1)
                ? counts + ": it does the same work. The time goes where a request passes from the inner file system through the loop device to the outer one, and is waited for twice."
                : counts + ": the inner file system keeps a journal of its own, and the loop device passes its requests on in other pieces.";
    }
}
