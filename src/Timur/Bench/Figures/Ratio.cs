using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace Timur.Bench.Figures;

/// <summary>Two candidates in the same round.</summary>
/// <param name="Window">Rounds of one window are more alike than others.</param>
internal readonly record struct Pair(int Window, double Value, double Baseline);

/// <summary>The median of ratios that were taken within each round, with its 95 % interval.</summary>
/// <param name="Pairs">How many rounds it comes from.</param>
internal readonly record struct Ratio(double Value, double Low, double High, int Pairs)
{
    private const int Resamples = 2000;
    private const int WindowsToCluster = 5;

    internal bool Includes(double value) => Low <= value && value <= High;

    public override string ToString() => $"{Value:0.00} ({Low:0.00} to {High:0.00})";

    /// <summary>
    /// The interval is that of the percentile bootstrap (Efron 1979), resampled by windows first where there are at least five, so that a disturbance that
    /// lasts counts once; with few rounds the bootstrap is too sure of itself, so it is never narrower than the order statistics between which the median
    /// lies with 95 % by the sign test, or than all there is when that isn't enough. The seed is fixed: the same records give the same report.
    /// </summary>
    internal static Ratio? Of(IReadOnlyList<Pair> pairs)
    {
        if (pairs.Count == 0)
        {
            return null;
        }

        double[] logs = [.. pairs.Select(pair => Math.Log(pair.Value / pair.Baseline)).Order()];
        double[] medians = Resample([.. pairs.GroupBy(pair => pair.Window).Select(window => window.Select(pair => Math.Log(pair.Value / pair.Baseline)).ToArray())]);
        (double low, double high) = BySigns(logs);
        return new Ratio(
            Math.Exp(SortedArrayStatistics.Median(logs)),
            Math.Exp(Math.Min(low, SortedArrayStatistics.Quantile(medians, 0.025))),
            Math.Exp(Math.Max(high, SortedArrayStatistics.Quantile(medians, 0.975))),
            pairs.Count);
    }

    private static double[] Resample(double[][] windows)
    {
        var random = new Random(1);
        double[] all = [.. windows.SelectMany(window => window)];
        double[] medians = new double[Resamples];
        var sample = new List<double>();
        for (int i = 0; i < Resamples; i++)
        {
            sample.Clear();
            if (windows.Length >= WindowsToCluster)
            {
                for (int w = 0; w < windows.Length; w++)
                {
                    Draw(windows[random.Next(windows.Length)], sample, random);
                }
            }
            else
            {
                Draw(all, sample, random);
            }

            medians[i] = sample.Median();
        }

        Array.Sort(medians);
        return medians;
    }

    private static void Draw(double[] from, List<double> sample, Random random)
    {
        for (int i = 0; i < from.Length; i++)
        {
            sample.Add(from[random.Next(from.Length)]);
        }
    }

    /// <summary>The innermost pair of order statistics that holds the median with at least 95 %; the extremes when none does (fewer than six).</summary>
    private static (double Low, double High) BySigns(double[] sorted)
    {
        int rank = 0;
        while (rank + 1 < sorted.Length / 2 && Binomial.CDF(0.5, sorted.Length, rank) <= 0.025)
        {
            rank++;
        }

        rank = Math.Max(rank - 1, 0);
        return (sorted[rank], sorted[^(rank + 1)]);
    }
}
