using System.Globalization;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Each limit is shown to bite, on this machine's own hierarchy.</summary>
public sealed class LimitTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void Memory_over_the_limit_is_killed_and_reported()
    {
        Outcome outcome = _timur.Run("run", "--name", "greedy", "--network", "none", "-m", "16m", "busybox", "sh", "-c", "exec tail /dev/zero");
        Assert.Equal(137, outcome.Code);
        Assert.Equal("true", _timur.Inspect("greedy", "{{.State.OOMKilled}}"));
        Assert.Equal(0, _timur.Shell("head -c 4m /dev/zero | tail -c 1 >/dev/null", "-m", "16m").Code);
    }

    [Fact]
    public void Half_a_core_is_half_a_core_within_ten_percent()
    {
        _timur.Start("half", "while :; do :; done", "--cpus", "0.5");
        Thread.Sleep(300);
        string account = $"/sys/fs/cgroup/cpuacct{_timur.Inspect("half", "{{.HostConfig.CgroupPath}}")}/cpuacct.usage";
        if (!File.Exists(account))
        {
            account = $"/sys/fs/cgroup{_timur.Inspect("half", "{{.HostConfig.CgroupPath}}")}/cpu.stat";
        }

        (double cpu, long clock) before = (Usage(account), Environment.TickCount64);
        Thread.Sleep(3000);
        double cores = (Usage(account) - before.cpu) / (Environment.TickCount64 - before.clock) * 1000;
        Assert.InRange(cores, 0.45, 0.55);
    }

    [Fact]
    public void More_processes_than_allowed_are_refused()
    {
        Outcome outcome = _timur.Shell("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait", "--pids-limit", "8");
        Assert.Contains("can't fork", outcome.Error);
        Assert.Equal("8\n", _timur.Shell("cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max", "--pids-limit", "8").Out);
    }

    [Fact]
    public void Only_the_named_cpus_are_used() => Assert.Equal("Cpus_allowed_list:\t1\n", _timur.Shell("grep Cpus_allowed_list /proc/self/status", "--cpuset-cpus", "1").Out);

    [Fact]
    public void A_second_container_below_a_parent_gets_its_cpus_too()
    {
        string parent = "/timur-test-" + Path.GetFileName(_timur.Root);
        try
        {
            Assert.Equal("Cpus_allowed_list:\t0\n", _timur.Shell("grep Cpus_allowed_list /proc/self/status", "--cgroup-parent", parent, "--cpuset-cpus", "0").Out);
            Assert.Equal("Cpus_allowed_list:\t1\n", _timur.Shell("grep Cpus_allowed_list /proc/self/status", "--cgroup-parent", parent, "--cpuset-cpus", "1").Out);
        }
        finally
        {
            foreach (string hierarchy in Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Where(hierarchy => Directory.Exists(hierarchy + parent)))
            {
                Directory.Delete(hierarchy + parent);
            }
        }
    }

    [Fact]
    public void A_device_that_was_not_given_cannot_be_opened_even_with_a_node()
    {
        // The number of /dev/loop-control, as of this machine.
        Assert.Contains("Operation not permitted", _timur.Shell("mknod /tmp/control c 10 237 && cat /tmp/control").Error);
        Assert.Equal(0, _timur.Shell(": < /dev/loop-control", "--device", "/dev/loop-control").Code);
        Assert.Equal(0, _timur.Shell(": < /dev/other", "--device", "/dev/loop-control:/dev/other:r").Code);
        Assert.NotEqual(0, _timur.Shell(": > /dev/loop-control", "--device", "/dev/loop-control:/dev/loop-control:r").Code);
    }

    [Fact]
    public void Shares_weights_and_reservations_reach_the_kernel()
    {
        Outcome outcome = _timur.Shell("cd /sys/fs/cgroup; cat cpu/cpu.shares memory/memory.soft_limit_in_bytes 2>/dev/null || cat memory.low", "--cpu-shares", "512", "--memory-reservation", "32m");
        Assert.Contains("33554432", outcome.Out);
    }

    [Fact]
    public void The_oom_score_is_set() => Assert.Equal("500\n", _timur.Shell("cat /proc/self/oom_score_adj", "--oom-score-adj", "500").Out);

    [Fact]
    public void A_limit_that_cannot_be_enforced_is_a_warning_or_with_strict_an_error()
    {
        Outcome outcome = _timur.Shell("true", "--blkio-weight", "500");
        if (outcome.Error.Length == 0)
        {
            // This kernel has weights: then the value must be there.
            Assert.Equal("500\n", _timur.Shell("cat /sys/fs/cgroup/blkio/blkio*weight", "--blkio-weight", "500").Out);
            return;
        }

        Assert.Equal(0, outcome.Code);
        Assert.Contains("--blkio-weight has no effect", outcome.Error);
        Assert.Equal(125, _timur.Shell("true", "--blkio-weight", "500", "--strict").Code);
    }

    [Fact]
    public void Writes_to_a_device_are_throttled()
    {
        string device = TimurCommand.Execute("findmnt", ["-no", "SOURCE", "-T", _timur.Root]).Out.Trim();
        if (!device.StartsWith("/dev/", StringComparison.Ordinal))
        {
            return;
        }

        static double Seconds(Outcome outcome) => double.Parse(outcome.Out.Trim(), CultureInfo.InvariantCulture);
        const string write = "s=$(cut -d' ' -f1 /proc/uptime); dd if=/dev/zero of=/big bs=1M count=8 oflag=direct 2>/dev/null; e=$(cut -d' ' -f1 /proc/uptime); echo \"$e $s\" | awk '{print $1 - $2}'";
        Outcome free = _timur.Shell(write);
        Outcome slow = _timur.Shell(write, "--device-write-bps", $"{device}:4m");
        Assert.True(Seconds(slow) > 1.5 && Seconds(slow) > Seconds(free) * 3, $"free {free.Out} throttled {slow.Out} {slow.Error}");
    }

    private static double Usage(string file)
    {
        string text = File.ReadAllText(file);
        return text.StartsWith("usage_usec", StringComparison.Ordinal) ? double.Parse(text.Split('\n')[0].Split(' ')[1]) / 1e6 : double.Parse(text) / 1e9;
    }

    [Fact]
    public void A_child_that_is_killed_for_want_of_memory_is_reported_even_when_its_parent_goes_on()
    {
        Outcome outcome = _timur.Run("run", "--name", "parent", "--network", "none", "-m", "32m", "busybox", "sh", "-c", "tail /dev/zero; exit 3");
        Assert.Equal(3, outcome.Code);
        Assert.Contains("the container reached its memory limit and a process was killed", outcome.Error);
        Assert.Equal("true 3", _timur.Inspect("parent", "{{.State.OOMKilled}} {{.State.ExitCode}}"));
        Assert.DoesNotContain("memory limit", _timur.Shell("exit 3", "-m", "32m").Error);
    }
}
