namespace Timur.Bench;

/// <summary>A ratio with its 95 % interval.</summary>
internal readonly record struct Ratio(double Value, double Low, double High)
{
    public override string ToString() => $"{Value:0.00} ({Low:0.00}–{High:0.00})";
}

/// <summary>Medians, and intervals by the percentile bootstrap (Efron 1979), with a fixed seed so that a report can be rendered again.</summary>
internal static class Statistics
{
    private const int Resamples = 2000;

    internal static double Median(IEnumerable<double> values) => Percentile([.. values.Order()], 0.5);

    /// <summary>Linear between the two nearest ranks; <paramref name="sorted"/> is ascending.</summary>
    internal static double Percentile(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        double above = sorted[Math.Min(below + 1, sorted.Length - 1)];
        return sorted[below] + ((place - below) * (above - sorted[below]));
    }

    /// <summary>The median of the ratios that were taken within each round.</summary>
    internal static Ratio PairedRatio(double[] values, double[] baseline)
    {
        double[] ratios = [.. values.Zip(baseline, (value, unit) => value / unit)];
        var random = new Random(1);
        double[] medians = new double[Resamples];
        double[] sample = new double[ratios.Length];
        for (int i = 0; i < Resamples; i++)
        {
            for (int j = 0; j < sample.Length; j++)
            {
                sample[j] = ratios[random.Next(ratios.Length)];
            }

            medians[i] = Median(sample);
        }

        Array.Sort(medians);
        return new Ratio(Median(ratios), Percentile(medians, 0.025), Percentile(medians, 0.975));
    }
}
