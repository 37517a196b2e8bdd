using Timur.Bench.Figures;
using Xunit;

namespace Timur.Tests.Bench;

public class SysbenchOutputTests
{
    [Theory]
    [InlineData("1.0.20-cpu", "1.0.20", "events_per_second latency_min latency_avg latency_max latency_p95 latency_sum events_avg events_stddev time_avg time_stddev total_time events")]
    [InlineData("1.0.20-threads", "1.0.20", "events_per_second latency_p95 events total_time")]
    [InlineData("1.0.20-memory", "1.0.20", "memory_operations_per_second memory_mib_per_second latency_max")]
    [InlineData("1.0.20-fileio", "1.0.20", "reads_per_second writes_per_second fsyncs_per_second read_mib_per_second written_mib_per_second file_operations_per_second latency_p95")]
    [InlineData("1.1.0-fileio", "1.1.0-3ceba0b", "reads_per_second writes_per_second fsyncs_per_second read_mib_per_second written_mib_per_second total_time events_per_second")]
    [InlineData("0.4.12-cpu", "0.4.12", "total_time events events_per_second latency_sum latency_p95")]
    [InlineData("0.4.12-memory", "0.4.12", "memory_operations_per_second memory_mib_per_second")]
    public void Every_figure_of_a_version_is_read(string fixture, string version, string keys)
    {
        SysbenchResult result = SysbenchOutput.Parse(Fixture(fixture));
        Assert.Equal(version, result.Version);
        Assert.All(keys.Split(' '), key => Assert.True(result.Values.ContainsKey(key), key));
        Assert.All(result.Values.Keys, key => Assert.NotNull(Metrics.Find(key)));
    }

    [Fact]
    public void Figures_have_the_values_that_were_printed()
    {
        IReadOnlyDictionary<string, double> values = SysbenchOutput.Parse(Fixture("1.1.0-fileio")).Values;
        Assert.Equal(4366.15, values["reads_per_second"]);
        Assert.Equal(68.22, values["read_mib_per_second"]);
        Assert.Equal(4366.15 + 2910.60 + 9360.09, values["file_operations_per_second"], 6);
        Assert.Equal(2.007, values["total_time"]);
        values = SysbenchOutput.Parse(Fixture("0.4.12-memory")).Values;
        Assert.Equal(7812.34, values["memory_mib_per_second"]);
        Assert.Equal(1304.6, values["latency_sum"], 6);
        Assert.Equal(0.14, values["latency_p95"]);
    }

    [Fact]
    public void The_latency_histogram_counts_every_event()
    {
        SysbenchResult result = SysbenchOutput.Parse(Fixture("1.0.20-threads"));
        Assert.Equal(result.Values["events"], result.Histogram.Sum(bar => bar.Count));
    }

    /// <summary>Each line that carries a figure, in turn, with the figure spoilt.</summary>
    [Theory]
    [InlineData("1.0.20-cpu")]
    [InlineData("1.0.20-memory")]
    [InlineData("1.0.20-fileio")]
    [InlineData("0.4.12-cpu")]
    public void A_figure_that_cant_be_read_is_named_with_its_line(string fixture)
    {
        string[] lines = Fixture(fixture).Split('\n');
        int spoilt = 0;
        int first = Array.FindIndex(lines, line => line.Contains("hreads started"));
        for (int i = first + 1; i < lines.Length; i++)
        {
            int digit = lines[i].AsSpan().LastIndexOfAnyInRange('0', '9');
            if (digit >= 0 && !lines[i].Contains('|') && !lines[i].TrimStart().StartsWith("Maximum prime", StringComparison.Ordinal))
            {
                string[] copy = [.. lines];
                int start = lines[i].IndexOf(':') + 1;
                copy[i] = lines[i][..start] + " many" + (lines[i].Contains("transferred", StringComparison.Ordinal) ? " MiB transferred (many MiB/sec)" : "");
                string message = Assert.Throws<FormatException>(() => SysbenchOutput.Parse(string.Join('\n', copy))).Message;
                Assert.Contains($"line {i + 1} ", message);
                Assert.Contains("many", message);
                spoilt++;
            }
        }

        Assert.True(spoilt > 8, $"only {spoilt} lines have figures");
    }

    [Fact]
    public void Output_that_was_cut_off_is_no_result()
    {
        string text = Fixture("1.0.20-cpu");
        string message = Assert.Throws<FormatException>(() => SysbenchOutput.Parse(text[..text.IndexOf("total time", StringComparison.Ordinal)])).Message;
        Assert.Contains("cut off", message);
    }

    private static string Fixture(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Bench/Fixtures", name + ".txt"));
}
