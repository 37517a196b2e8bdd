using Timur.Bench.Figures;

namespace Timur.Bench.Reports;

/// <summary>What may be said about a ratio.</summary>
internal enum Judgement
{
    /// <summary>The interval includes 1.</summary>
    Equal,

    /// <summary>The host against itself differs by as much.</summary>
    Noise,

    Faster,
    Slower,
}

/// <summary>A ratio in words, no stronger than it is.</summary>
internal readonly record struct Verdict(Judgement Judgement, string Text)
{
    /// <summary>An interval that reaches further from 1 says nothing.</summary>
    private const double Useful = 0.3;

    /// <summary>With fewer pairs even the extremes don't hold the median with 95 %.</summary>
    private const int Fewest = 6;

    internal static Verdict? Of(LoadFinding finding, CandidateFinding candidate)
        => candidate.Ratio is { } ratio ? Of(ratio, finding.Load.Main, finding.Load is LifeLoad || candidate.Who.Name == CandidateNames.HostAgain ? null : finding.Noise, finding.BaselineTitle) : null;

    internal static Verdict Of(Ratio ratio, Metric metric, Ratio? noise, string baseline)
    {
        if (ratio.Pairs < Fewest && metric != Metrics.HelperMemory)
        {
            return new Verdict(Judgement.Noise, $"too few rounds to tell: {ratio.Pairs} of at least {Fewest}");
        }

        double most = Math.Max(Math.Abs(ratio.Low - 1), Math.Abs(ratio.High - 1));
        if (ratio.Includes(1))
        {
            return most > Useful ? new Verdict(Judgement.Noise, "too noisy to tell: more rounds, or a quieter machine") : new Verdict(Judgement.Equal, $"no difference found; it is less than {Percent(most)}");
        }

        double distance = Math.Abs(Math.Log(ratio.Value));
        if (noise is { } floor && distance <= Math.Max(Math.Abs(Math.Log(floor.Low)), Math.Abs(Math.Log(floor.High))))
        {
            return new Verdict(Judgement.Noise, $"{Percent(Math.Abs(ratio.Value - 1))} apart, and so may the host be from itself: no verdict");
        }

        bool faster = ratio.Value > 1 == metric.HigherIsBetter;
        return new Verdict(faster ? Judgement.Faster : Judgement.Slower, metric.Unit is "ms" or "KiB" ? $"{ratio.Value:0.00} times {baseline}" : $"{Percent(Math.Abs(ratio.Value - 1))} {(faster ? "faster" : "slower")}");
    }

    private static string Percent(double share) => share < 0.0995 ? $"{share * 100:0.0} %" : $"{share * 100:0} %";
}
