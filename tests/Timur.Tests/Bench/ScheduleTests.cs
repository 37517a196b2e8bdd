using Timur.Bench;
using Timur.Bench.Figures;
using Xunit;

namespace Timur.Tests.Bench;

public class ScheduleTests
{
    [Theory]
    [InlineData("Quick")]
    [InlineData("Standard")]
    [InlineData("Full")]
    public void Windows_share_out_each_round_once(string pace)
    {
        BenchOptions options = Options(Enum.Parse<Pace>(pace));
        var schedule = new Schedule(options);
        Assert.All(LoadTable.All, load =>
        {
            int[] rounds = [.. Enumerable.Range(0, schedule.Windows).SelectMany(window => schedule.RoundsOf(load, window))];
            Assert.Equal(Enumerable.Range(0, options.DoseOf(load).Rounds), rounds);
        });
    }

    [Fact]
    public void The_same_seed_gives_the_same_order()
    {
        int[][] Orders(int seed)
        {
            var schedule = new Schedule(Options(Pace.Quick) with { Seed = seed });
            return [.. Enumerable.Range(0, 20).Select(_ => schedule.Shuffled(Enumerable.Range(0, 5)))];
        }

        Assert.Equal(Orders(4), Orders(4));
        Assert.NotEqual(Orders(4), Orders(5));
        Assert.True(Orders(4).Select(order => order[0]).Distinct().Count() > 3, "the first place changes");
    }

    [Fact]
    public void The_full_pace_is_the_students_own()
    {
        string[] Words(string name) => [.. ((SysbenchLoad)LoadTable.Find(name)!).Words(Options(Pace.Full).DoseOf(LoadTable.Find(name)!))];
        Assert.Equal("cpu --threads=100 --time=60 --cpu-max-prime=64000", string.Join(' ', Words("cpu")));
        Assert.Equal("threads --threads=64 --thread-yields=100 --thread-locks=2 --time=10", string.Join(' ', Words("threads")));
        Assert.Equal("memory --threads=100 --time=60 --memory-oper=write", string.Join(' ', Words("memory")));
        Assert.Equal("memory --memory-block-size=1M --memory-total-size=10G", string.Join(' ', Words("memory-block")));
        Assert.Equal("fileio --file-total-size=10240M --time=300 --file-test-mode=rndrw --max-requests=0", string.Join(' ', Words("fileio")));
        Assert.All(LoadTable.All.OfType<SysbenchLoad>(), load => Assert.Equal(10, Options(Pace.Full).DoseOf(load).Rounds));
    }

    [Theory]
    [InlineData("memory", "memory memory-block")]
    [InlineData("cpu,exec", "cpu exec")]
    [InlineData("fileio-write", "fileio-write")]
    public void A_load_is_chosen_by_its_name_or_its_group(string only, string names)
        => Assert.Equal(names, string.Join(' ', BenchOptions.ChooseLoads(only, Pace.Quick).Select(load => load.Name)));

    [Fact]
    public void The_host_is_always_measured_twice()
        => Assert.Equal(["host", "host-again", "crun"], BenchOptions.ChooseCandidates("crun", layers: false));

    [Theory]
    [InlineData("tmur", "did you mean timur?")]
    [InlineData("kvm", "Choose of host, timur")]
    public void An_unknown_candidate_is_named_with_what_there_is(string name, string advice)
    {
        var failure = Assert.Throws<Failure>(() => BenchOptions.ChooseCandidates(name, layers: false));
        Assert.Contains($"there is no '{name}'", failure.Message);
        Assert.Contains(advice, failure.Advice);
    }

    private static BenchOptions Options(Pace pace) => new(pace, 0, LoadTable.All, ["host", "host-again"], null, "/nowhere", 1, TimeSpan.FromSeconds(60), "0", "timur bench");
}
