using Timur.Bench.Figures;
using Timur.Bench.Reports;
using Xunit;

namespace Timur.Tests.Bench;

public class RatioTests
{
    [Fact]
    public void The_ratio_is_the_median_of_those_within_rounds()
    {
        Ratio ratio = Ratio.Of([new(0, 50, 100), new(0, 900, 1000), new(0, 7, 10)])!.Value;
        Assert.Equal(0.7, ratio.Value, 6);
        Assert.Equal(3, ratio.Pairs);
    }

    [Fact]
    public void Nothing_measured_is_no_ratio() => Assert.Null(Ratio.Of([]));

    [Fact]
    public void With_few_rounds_the_interval_spans_all_of_them()
    {
        Ratio ratio = Ratio.Of([new(0, 1, 1), new(0, 2, 1), new(0, 3, 1), new(0, 4, 1), new(0, 5, 1)])!.Value;
        Assert.Equal((1, 5), (Math.Round(ratio.Low, 9), Math.Round(ratio.High, 9)));
    }

    /// <summary>Coverage, counted: 95 % is promised. Log-normal noise, as heavy as on a shared machine, in windows that drift.</summary>
    [Theory]
    [InlineData(6, 1)]
    [InlineData(9, 1)]
    [InlineData(20, 5)]
    [InlineData(40, 5)]
    public void Equal_candidates_are_told_apart_in_at_most_one_of_twenty_runs(int rounds, int windows)
    {
        var random = new Random(7);
        const int runs = 400;
        int missed = 0;
        for (int run = 0; run < runs; run++)
        {
            var pairs = new List<Pair>();
            for (int round = 0; round < rounds; round++)
            {
                pairs.Add(new Pair(round * windows / rounds, Math.Exp(0.3 * Normal(random)), Math.Exp(0.3 * Normal(random))));
            }

            missed += Ratio.Of(pairs)!.Value.Includes(1) ? 0 : 1;
        }

        // 5 % of 400 are 20; 31 and more have a chance of one in a hundred.
        Assert.InRange(missed, 0, 30);
    }

    [Fact]
    public void A_difference_of_a_fifth_is_found_in_forty_rounds()
    {
        var random = new Random(3);
        Pair[] pairs = [.. Enumerable.Range(0, 40).Select(round => new Pair(round / 8, 0.8 * Math.Exp(0.1 * Normal(random)), Math.Exp(0.1 * Normal(random))))];
        Ratio ratio = Ratio.Of(pairs)!.Value;
        Assert.False(ratio.Includes(1));
        Assert.InRange(ratio.Value, 0.7, 0.9);
    }

    [Theory]
    [InlineData(1.01, 0.95, 1.05, "Equal")]
    [InlineData(0.90, 0.85, 0.95, "Noise")]
    [InlineData(0.60, 0.55, 0.65, "Slower")]
    [InlineData(1.60, 1.55, 1.65, "Faster")]
    [InlineData(1.10, 0.50, 2.00, "Noise")]
    public void No_verdict_is_given_where_the_host_differs_from_itself_by_as_much(double value, double low, double high, string judgement)
    {
        var noise = new Ratio(1, 0.88, 1.12, 10);
        Assert.Equal(judgement, Verdict.Of(new Ratio(value, low, high, 10), Metrics.FileOperations, noise, "host").Judgement.ToString());
    }

    [Fact]
    public void More_time_is_slower()
        => Assert.Equal(Judgement.Slower, Verdict.Of(new Ratio(2, 1.9, 2.1, 10), Metrics.Milliseconds, null, "timur").Judgement);

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
