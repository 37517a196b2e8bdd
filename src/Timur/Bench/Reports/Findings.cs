using MathNet.Numerics.Statistics;
using Timur.Bench.Figures;

namespace Timur.Bench.Reports;

/// <summary>One candidate at one load.</summary>
/// <param name="Runs">Those that succeeded, by round.</param>
/// <param name="Failures">The words of those that didn't.</param>
/// <param name="Ratio">Its main figure over the baseline's, within each round; null for the baseline and where nothing was measured.</param>
internal sealed record CandidateFinding(CandidateRecord Who, IReadOnlyList<RunRecord> Runs, IReadOnlyList<string> Failures, Ratio? Ratio)
{
    /// <summary>The median of a metric; null where it wasn't measured.</summary>
    internal double? Median(string key)
    {
        double[] values = Values(key);
        return values.Length == 0 ? null : values.Median();
    }

    internal double[] Values(string key) => [.. Runs.Where(run => run.Values.ContainsKey(key)).Select(run => run.Values[key])];
}

/// <summary>What came out at one load.</summary>
/// <param name="Baseline">Name of the candidate that the others are compared with.</param>
/// <param name="Noise">The host against itself; null where it wasn't measured.</param>
internal sealed record LoadFinding(Load Load, LoadRecord Record, string Baseline, IReadOnlyList<CandidateFinding> Candidates, Ratio? Noise)
{
    internal string BaselineTitle => Find(Baseline)?.Who.Title ?? Baseline;

    internal CandidateFinding? Find(string name) => Candidates.FirstOrDefault(candidate => candidate.Who.Name == name);

    /// <summary>The median of the main figure with its unit; empty when nothing was measured.</summary>
    internal string ShowMedian(CandidateFinding candidate) => candidate.Median(Load.Main.Key) is { } value ? $"{Number.Show(value)} {Load.Main.Unit}" : "";

    /// <summary>The ratio with its interval, 1 for the baseline; empty when nothing was measured.</summary>
    internal string ShowRatio(CandidateFinding candidate) => candidate.Ratio?.ToString() ?? (candidate.Who.Name == Baseline ? "1" : "");

    /// <summary>Another candidate's ratio to another baseline, of any metric.</summary>
    internal Ratio? Compare(string name, string baseline, string key)
        => Find(name) is { } one && Find(baseline) is { } other ? Findings.RatioOf(one.Runs, other.Runs, key) : null;
}

/// <summary>The records of a benchmark, put together: everything that a report says comes from here.</summary>
internal sealed class Findings
{
    internal Findings(RunFolder folder)
    {
        (Folder, Run) = (folder.Directory, folder.Description);
        Loads = [.. Run.Loads.Select(record => Find(record, folder.Records)).Where(finding => finding is not null).Select(finding => finding!)];
    }

    internal string Folder { get; }

    internal RunDescription Run { get; }

    internal IReadOnlyList<LoadFinding> Loads { get; }

    /// <summary>Runs that failed, of all loads.</summary>
    internal int Failed => Loads.Sum(finding => finding.Candidates.Sum(candidate => candidate.Failures.Count));

    internal static Ratio? RatioOf(IReadOnlyList<RunRecord> runs, IReadOnlyList<RunRecord> baseline, string key)
    {
        Dictionary<int, double> units = baseline.Where(run => run.Values.ContainsKey(key)).ToDictionary(run => run.Round, run => run.Values[key]);
        return Ratio.Of([.. from run in runs
                            where run.Values.GetValueOrDefault(key) > 0 && units.GetValueOrDefault(run.Round) > 0
                            select new Pair(run.Window, run.Values[key], units[run.Round])]);
    }

    private LoadFinding? Find(LoadRecord record, IReadOnlyList<RunRecord> records)
    {
        if (LoadTable.Find(record.Name) is not { } load)
        {
            return null;
        }

        ILookup<string, RunRecord> byCandidate = records.Where(run => run.Load == record.Name).ToLookup(run => run.Candidate);
        string baseline = load is LifeLoad && byCandidate.Contains(CandidateNames.Timur) ? CandidateNames.Timur : CandidateNames.Host;
        RunRecord[] Good(string name) => [.. byCandidate[name].Where(run => run.Failure is null).OrderBy(run => run.Round)];
        RunRecord[] units = Good(baseline);
        CandidateFinding[] candidates =
        [
            .. from who in Run.Candidates
               where byCandidate.Contains(who.Name)
               let runs = Good(who.Name)
               select new CandidateFinding(who, runs, [.. byCandidate[who.Name].Where(run => run.Failure is not null).Select(run => run.Failure!)],
                   who.Name == baseline ? null : RatioOf(runs, units, load.Main.Key)),
        ];
        return candidates.Length == 0 ? null : new LoadFinding(load, record, baseline, candidates, RatioOf(Good(CandidateNames.HostAgain), Good(CandidateNames.Host), load.Main.Key));
    }
}
