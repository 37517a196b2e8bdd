using Timur.Bench.Figures;

namespace Timur.Bench.Reports;

/// <summary>Says in sentences what was measured at a load, and where a difference comes from as far as the counts tell.</summary>
internal static class Explanation
{
    internal static IReadOnlyList<string> Of(LoadFinding finding)
    {
        var sentences = new List<string>();
        foreach (CandidateFinding candidate in finding.Candidates)
        {
            if (candidate.Who.Name is not (Findings.Host or Findings.HostAgain) && candidate.Ratio is { } ratio && Verdict.Of(finding, candidate) is { } verdict)
            {
                sentences.Add($"{candidate.Who.Title}: {verdict.Text} ({(finding.Load is LifeLoad ? "of " + finding.Baseline : "of the host's " + finding.Load.Main.Title)}: {ratio}, {ratio.Pairs} pairs).");
                if (finding.Load is SysbenchLoad { UsesFiles: true })
                {
                    AddDisk(sentences, finding, candidate, verdict);
                }
            }
        }

        if (finding.Noise is { } noise)
        {
            sentences.Add($"The host against itself: {noise}. What is closer to 1 than that can't be told from chance here.");
        }

        return sentences;
    }

    /// <summary>The layers one by one: what each toggle changes against the default container.</summary>
    internal static IReadOnlyList<string> Layers(Findings findings)
    {
        var lines = new List<string>();
        foreach (LoadFinding finding in findings.Loads)
        {
            foreach (CandidateFinding candidate in finding.Candidates.Where(candidate => candidate.Who.Name.StartsWith(Findings.Timur + "-", StringComparison.Ordinal)))
            {
                if (finding.Compare(candidate.Who.Name, Findings.Timur, finding.Load.Main.Key) is { } ratio)
                {
                    lines.Add($"| {finding.Load.Title} | {candidate.Who.Title} | {ratio} | {Verdict.Of(ratio, finding.Load.Main, finding.Load is LifeLoad ? null : finding.Noise, Findings.Timur).Text} |");
                }
            }
        }

        return lines;
    }

    private static void AddDisk(List<string> sentences, LoadFinding finding, CandidateFinding candidate, Verdict verdict)
    {
        CandidateFinding? host = finding.Find(Findings.Host);
        if (host?.Median("disk_flushes_per_operation") is not { } hostFlushes || candidate.Median("disk_flushes_per_operation") is not { } flushes
            || candidate.Median("disk_writes_per_operation") is not { } writes || host.Median("disk_writes_per_operation") is not { } hostWrites)
        {
            return;
        }

        sentences.Add($"For each file operation the disk got {writes:0.00} writes and {flushes:0.00} flushes; from the host {hostWrites:0.00} and {hostFlushes:0.00}.");
        if (verdict.Judgement == Judgement.Slower && candidate.Who.Storage.Contains("loop", StringComparison.Ordinal))
        {
            sentences.Add(Math.Abs(writes - hostWrites) <= 0.25 * Math.Max(hostWrites, 0.1)
                ? "The disk does the same work: the time goes where a request passes from the inner file system through the loop device to the outer one, and is waited for twice."
                : "The inner file system keeps a journal of its own on the loop device, and its requests come out as others.");
        }
        else if (verdict.Judgement == Judgement.Faster && flushes < hostFlushes / 2)
        {
            sentences.Add("It is faster because flushes don't reach the disk: a power cut may lose what was written.");
        }
    }
}
