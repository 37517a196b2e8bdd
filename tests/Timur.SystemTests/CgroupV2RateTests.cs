using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Limits that are rates are kept, by the kernel's own counters, on cgroup v2.</summary>
[Collection(nameof(VirtualMachine))]
public sealed class CgroupV2RateTests(VirtualMachine machine)
{
    /// <summary>The scheduler's own periods of 0.1 s are the clock: used microseconds in each.</summary>
    [Fact]
    public void Half_a_core_is_half_a_core_within_ten_percent()
    {
        string cgroup = machine.Start("half", "--cpus 0.5", "while :; do :; done");
        Outcome outcome = machine.Shell($"sleep 2; cat {cgroup}/cpu.stat; sleep 12; cat {cgroup}/cpu.stat; timur rm -f half >/dev/null");
        double used = Growth(outcome.Out, "usage_usec");
        double periods = Growth(outcome.Out, "nr_periods");
        Assert.True(periods > 50, outcome.ToString());
        Assert.InRange(used / (periods * 100_000), 0.45, 0.55);
        Assert.True(Growth(outcome.Out, "nr_throttled") > periods / 2, outcome.ToString());
    }

    [Fact]
    public void Shares_divide_a_contended_cpu()
    {
        string large = machine.Start("large", "--cpuset-cpus 1 --cpu-shares 4096", "while :; do :; done");
        string small = machine.Start("small", "--cpuset-cpus 1 --cpu-shares 1024", "while :; do :; done");
        string weights = machine.Shell($"cat {large}/cpu.weight {small}/cpu.weight").Out;
        Outcome outcome = machine.Shell($"""
            sleep 1
            a=$(grep usage_usec {large}/cpu.stat); b=$(grep usage_usec {small}/cpu.stat); sleep 8
            echo "$a"; grep usage_usec {large}/cpu.stat; echo "$b"; grep usage_usec {small}/cpu.stat
            timur rm -f large small >/dev/null
            """);
        string[] lines = outcome.Out.Split('\n');
        double ratio = Growth(string.Join('\n', lines[..2]), "usage_usec") / Growth(string.Join('\n', lines[2..4]), "usage_usec");
        Assert.Equal("303\n100\n", weights);
        Assert.InRange(ratio, 2.2, 4);
    }

    /// <summary>
    /// Two containers at once, one allowed four times as much: without a limit both would go alike. Bytes and operations are the kernel's count, and all
    /// input and output is direct.
    /// </summary>
    [Theory]
    [InlineData("--device-read-bps", "512k", "2m", "rbytes", "dd if=/dev/vda of=/dev/null bs=64k count=200 iflag=direct")]
    [InlineData("--device-write-bps", "512k", "2m", "wbytes", "dd if=/dev/zero of=/f bs=64k count=200 oflag=direct")]
    [InlineData("--device-read-iops", "10", "40", "rios", "dd if=/dev/vda of=/dev/null bs=4k count=400 iflag=direct")]
    [InlineData("--device-write-iops", "10", "40", "wios", "dd if=/dev/zero of=/f bs=4k count=400 oflag=direct")]
    public void Rates_of_a_block_device_are_kept(string option, string slowRate, string fastRate, string counter, string command)
    {
        string loop = $"while :; do {command} 2>/dev/null; done";
        string slow = machine.Start("slow", $"--device /dev/vda {option} /dev/vda:{slowRate}", loop);
        string fast = machine.Start("fast", $"--device /dev/vda {option} /dev/vda:{fastRate}", loop);
        Outcome outcome = machine.Shell($"""
            sleep 2
            a=$(grep ^254:0 {slow}/io.stat); b=$(grep ^254:0 {fast}/io.stat); sleep 6
            echo "$a"; grep ^254:0 {slow}/io.stat; echo "$b"; grep ^254:0 {fast}/io.stat
            timur rm -f slow fast >/dev/null
            """);
        string[] lines = outcome.Out.Replace('=', ' ').Split('\n');
        double ratio = Growth(string.Join('\n', lines[2..4]), counter) / Growth(string.Join('\n', lines[..2]), counter);
        Assert.True(ratio is > 3 and < 5, $"fast to slow is {ratio}: {outcome}");
    }

    /// <summary>How much a number grew between its first and its last line.</summary>
    private static double Growth(string text, string word)
    {
        MatchCollection found = Regex.Matches(text, $@"\b{word} (\d+)");
        return double.Parse(found[^1].Groups[1].Value, CultureInfo.InvariantCulture) - double.Parse(found[0].Groups[1].Value, CultureInfo.InvariantCulture);
    }
}
