using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Limits of an OCI container: what they are called when the kernel refuses them, how they are changed, what is told of them.</summary>
public class OciLimitTests
{
    [Theory]
    [InlineData("""{"memory":{"limit":67108864,"swap":1}}""", "linux.resources: memory.swap: the kernel refuses 1")]
    [InlineData("""{"cpu":{"cpus":"99"}}""", "linux.resources: cpu.cpus: the kernel refuses 99")]
    [InlineData("""{"cpu":{"quota":7}}""", "linux.resources: cpu.quota: the kernel refuses 7")]
    [InlineData("""{"blockIO":{"throttleReadBpsDevice":[{"major":250,"minor":250,"rate":1}]}}""", "linux.resources: blockIO.throttleReadBpsDevice: the kernel refuses 250:250 1")]
    public void A_limit_that_the_kernel_refuses_is_named_by_its_place_in_the_configuration(string resources, string message)
    {
        using var bundle = new OciBundle();
        bundle.Linux["resources"] = JsonNode.Parse(resources);
        Outcome outcome = bundle.Shell("true").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Contains("config.json: " + message, outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists("/sys/fs/cgroup/memory" + bundle.CgroupPath));
    }

    [Theory]
    [InlineData(OciBundle.Control, "net_cls", """{"network":{"classID":1048577}}""")]
    [InlineData(OciBundle.Ours, "net_cls", """{"network":{"classID":1048577}}""")]
    [InlineData(OciBundle.Control, "net_prio", """{"network":{"priorities":[{"name":"lo","priority":5}]}}""")]
    [InlineData(OciBundle.Ours, "net_prio", """{"network":{"priorities":[{"name":"lo","priority":5}]}}""")]
    [InlineData(OciBundle.Control, "rdma", """{"rdma":{"mlx5_1":{"hcaHandles":3}}}""")]
    [InlineData(OciBundle.Ours, "rdma", """{"rdma":{"mlx5_1":{"hcaHandles":3}}}""")]
    public void A_limit_whose_controller_this_machine_lacks_is_refused(string runtime, string controller, string resources)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["resources"] = JsonNode.Parse(resources);
        Outcome outcome = bundle.Shell("echo ran").Run();
        bool hasController = Directory.Exists("/sys/fs/cgroup/" + controller);
        Assert.True(hasController || (outcome.Out == "" && outcome.Error.Contains($"cannot set {controller} limit: container could not join or create cgroup", StringComparison.Ordinal)), outcome.ToString());
        Assert.False(Directory.Exists("/sys/fs/cgroup/memory" + bundle.CgroupPath));
    }

    [Fact]
    public void What_update_is_refused_is_called_as_its_caller_called_it()
    {
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        Assert.Contains("--cpu-quota: the kernel refuses 7", bundle.Execute("update", "--cpu-quota", "7", id).Error, StringComparison.Ordinal);
        Assert.Contains("cpu.quota: the kernel refuses 7", bundle.Update(id, """{"cpu":{"quota":7}}""").Error, StringComparison.Ordinal);
        Assert.Contains("--cpu-share: -1 is less than 0", bundle.Execute("update", "--cpu-share", "-1", id).Error, StringComparison.Ordinal);
        Assert.Contains("--blkio-weight: 9 isn't a weight from 10 to 1000", bundle.Execute("update", "--blkio-weight", "9", id).Error, StringComparison.Ordinal);
    }

    /// <summary>On v1 the kernel refuses it, too; on v2 it would kill (runtime-spec config-linux.md, checkBeforeUpdate).</summary>
    [Fact]
    public void A_memory_limit_below_what_is_in_use_is_rejected_before_it_is_set()
    {
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        Assert.Contains("rejecting memory limit 1024 <= usage ", bundle.Update(id, """{"memory":{"limit":1024,"checkBeforeUpdate":true}}""").Error, StringComparison.Ordinal);
        Assert.Contains("rejecting memory+swap limit 2048 <= usage ", bundle.Update(id, """{"memory":{"limit":1024,"swap":2048,"checkBeforeUpdate":true}}""").Error, StringComparison.Ordinal);
        Assert.Equal("running", bundle.Status(id));
        Assert.Equal("", bundle.Update(id, """{"memory":{"limit":67108864,"swap":67108864,"checkBeforeUpdate":true}}""").Error);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Every_option_of_update_does_what_it_says_in_both_spellings(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["resources"]!["cpu"] = JsonNode.Parse("""{"cpus":"0-1"}""");
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal("", Update("--cpu-period", "50000", "--cpu-quota=20000", "--cpu-share", "300"));
        Assert.Equal(("50000", "20000", "300"), (Limit("cpu.cfs_period_us"), Limit("cpu.cfs_quota_us"), Limit("cpu.shares")));
        Assert.Equal("", Update("--memory", "64M", "--memory-swap", "128M", "--memory-reservation", "33554432"));
        Assert.Equal(("67108864", "134217728", "33554432"), (Limit("memory.limit_in_bytes"), Limit("memory.memsw.limit_in_bytes"), Limit("memory.soft_limit_in_bytes")));
        Assert.Equal("", Update("--memory", "-1"));
        Assert.Equal(("9223372036854771712", "9223372036854771712"), (Limit("memory.limit_in_bytes"), Limit("memory.memsw.limit_in_bytes")));
        Assert.Equal("", Update("-cpuset-cpus", "1", "-cpuset-mems=0"));
        Assert.Equal(("1", "0"), (Limit("cpuset.cpus"), Limit("cpuset.mems")));
        Assert.Equal("", Update("--pids-limit", "40"));
        Assert.Equal("40", Limit("pids.max"));
        Assert.Equal("", bundle.Update(id, """{"memory":{"limit":0},"cpu":{"shares":0},"pids":{"limit":0},"blockIO":{"weight":0}}""").Error);
        Assert.Equal(("40", "300"), (Limit("pids.max"), Limit("cpu.shares")));
        Assert.Equal("", Update("--pids-limit", "-1"));
        Assert.Equal("max", Limit("pids.max"));
        Assert.Contains("ignored", Update("--kernel-memory", "1"), StringComparison.Ordinal);

        string Update(params string[] options) => bundle.Execute(["update", .. options, id]).Error;
        string Limit(string file) => File.ReadAllText($"/sys/fs/cgroup/{file.Split('.')[0]}{bundle.CgroupPath}/{file}").Trim();
    }

    /// <summary>Java's machine keeps to no limit where it sees no cpuset of its own; Podman's own test of update reads this file.</summary>
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_container_sees_its_own_cpuset_and_what_update_makes_of_it(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal(File.ReadAllText("/sys/fs/cgroup/cpuset/cpuset.cpus"), Seen());
        Assert.Equal("", bundle.Execute("update", "--cpuset-cpus", "0", id).Error);
        Assert.Equal("0\n", Seen());
        Assert.Contains($":cpuset:{bundle.CgroupPath}\n", File.ReadAllText($"/proc/{bundle.StateOf(id)["pid"]}/cgroup"), StringComparison.Ordinal);

        string Seen() => bundle.Execute("exec", id, "cat", "/sys/fs/cgroup/cpuset/cpuset.cpus").Out;
    }

    /// <summary>As when another container of the same parent is being created: the parent is there, and has neither CPUs nor memory nodes yet.</summary>
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_parent_whose_cpuset_is_still_empty_is_filled(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string parent = "/sys/fs/cgroup/cpuset" + bundle.CgroupPath;
        Directory.CreateDirectory(parent);
        Assert.Equal("\n", File.ReadAllText(parent + "/cpuset.mems"));
        bundle.Linux["cgroupsPath"] = bundle.CgroupPath + "/inner";
        Assert.Equal("ran\n", bundle.Shell("echo ran").Run().Out);
        Assert.Equal(File.ReadAllText("/sys/fs/cgroup/cpuset/cpuset.mems"), File.ReadAllText(parent + "/cpuset.mems"));
    }

    /// <summary>crun's <c>--cgroup-manager=disabled</c>, which Podman gives for <c>--cgroups=disabled</c>; runc has no such thing.</summary>
    [Fact]
    public void A_container_without_a_cgroup_lives_where_its_creator_does()
    {
        using var bundle = new OciBundle();
        bundle.Linux["resources"] = JsonNode.Parse("""{"memory":{"limit":67108864}}""");
        bundle.Shell("sleep 100").Save();
        string id = bundle.NewId();
        Outcome created = TimurCommand.Execute("sh", ["-c", $"exec {bundle.Words} --cgroup-manager disabled create --bundle {bundle.Directory} {id} </dev/null >/dev/null 2>{bundle.Directory}/errors"]);
        Assert.Equal(0, created.Code);
        Assert.Contains("limits have no effect without a cgroup", File.ReadAllText(bundle.Directory + "/errors"), StringComparison.Ordinal);
        Assert.Equal(0, bundle.Execute("start", id).Code);
        Assert.Equal(File.ReadAllText("/proc/self/cgroup"), File.ReadAllText($"/proc/{Pid()}/cgroup"));
        Assert.False(Directory.Exists("/sys/fs/cgroup/memory" + bundle.CgroupPath));
        Assert.Equal("1000\n", bundle.Execute("exec", "--user", "1000", id, "id", "-u").Out);
        Assert.Contains("cannot pause a container that has no cgroup", bundle.Execute("pause", id).Error, StringComparison.Ordinal);
        Assert.Contains("cannot update a container that has no cgroup", bundle.Execute("update", "--pids-limit", "9", id).Error, StringComparison.Ordinal);
        Assert.Contains($"[{Pid()}", bundle.Execute("ps", "--format", "json", id).Out, StringComparison.Ordinal);
        Assert.Equal(0, bundle.Execute("kill", "--all", id, "KILL").Code);
        Assert.True(bundle.Await(id, "stopped"));
        Assert.Equal(0, bundle.Execute("delete", id).Code);

        string Pid() => bundle.StateOf(id)["pid"]!.ToString();
    }

    /// <summary>The control of this Debian has no such options yet.</summary>
    [Fact]
    public void Bursts_and_quotas_are_set_in_whatever_order_the_kernel_takes_them()
    {
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal("", bundle.Update(id, """{"cpu":{"quota":20000,"period":50000,"burst":10000}}""").Error);
        Assert.Equal("", bundle.Execute("update", "--cpu-quota", "5000", "--cpu-burst", "1000", id).Error);
        Assert.Equal("", bundle.Execute("update", "--cpu-quota", "90000", "--cpu-burst", "80000", id).Error);
        Assert.Equal(("90000", "50000", "80000"), (Limit("cfs_quota_us"), Limit("cfs_period_us"), Limit("cfs_burst_us")));
        Assert.Equal("", bundle.Execute("update", "--cpu-idle", "1", id).Error);
        Assert.Equal("1", Limit("idle"));

        string Limit(string file) => File.ReadAllText($"/sys/fs/cgroup/cpu{bundle.CgroupPath}/cpu.{file}").Trim();
    }

    /// <summary>On a machine with resctrl the control divides, and so do we.</summary>
    [Theory]
    [InlineData("--l3-cache-schema", "L3:0=f")]
    [InlineData("--mem-bw-schema", "MB:0=20")]
    public void What_this_machine_cannot_divide_is_refused_in_the_controls_words(string option, string schema)
    {
        Outcome control = Divide(OciBundle.Control), ours = Divide(OciBundle.Ours);
        Assert.Equal(control.Code, ours.Code);
        Assert.Equal(Message(control), Message(ours));

        Outcome Divide(string runtime)
        {
            using var bundle = new OciBundle(runtime);
            return bundle.Execute("update", option, schema, bundle.Shell("sleep 100").Start());
        }

        static string Message(Outcome outcome) => outcome.Error.Split("msg=")[^1].Trim().Trim('"');
    }

    [Fact]
    public void Statistics_have_the_controls_members_and_say_the_same()
    {
        JsonNode control = StatisticsOf(OciBundle.Control);
        JsonNode ours = StatisticsOf(OciBundle.Ours);

        // Counters that are zero are left out, and what is written on the way differs.
        string[] members = [.. Members(control, "").Where(name => !name.Contains(".blkio.", StringComparison.Ordinal) && !name.EndsWith(".cache", StringComparison.Ordinal))];
        Assert.Empty(members.Except(Members(ours, "")));
        Assert.Equal(control["data"]!["cpuset"]!.ToJsonString(), ours["data"]!["cpuset"]!.ToJsonString());
        Assert.Equal(control["data"]!["memory"]!["usage"]!["limit"]!.ToJsonString(), ours["data"]!["memory"]!["usage"]!["limit"]!.ToJsonString());
        Assert.Equal("50", ours["data"]!["pids"]!["limit"]!.ToJsonString());
        Assert.True(ours["data"]!["cpu"]!["throttling"]!["throttledPeriods"]!.GetValue<long>() > 0);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_kill_for_lack_of_memory_is_an_event_among_statistics_at_intervals(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["resources"]!["memory"] = JsonNode.Parse("""{"limit":16777216,"swap":16777216}""");
        string id = bundle.Shell("read go </tmp/go; dd if=/dev/zero of=/dev/null bs=40M count=1 2>/dev/null; read go </tmp/go").Create();
        TimurCommand.Execute("mkfifo", [bundle.Root + "/tmp/go"]);
        bundle.Execute("start", id);
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"""
            {bundle.Words} events --interval 200ms {id} >{bundle.Directory}/events & events=$!
            until grep -q stats {bundle.Directory}/events; do sleep 0.05; done
            echo >{bundle.Root}/tmp/go
            until grep -q oom {bundle.Directory}/events; do sleep 0.05; done
            {bundle.Words} kill {id} KILL; {(runtime == OciBundle.Ours ? "wait" : "kill")} $events
            """]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        JsonNode[] events = [.. File.ReadLines(bundle.Directory + "/events").Select(line => JsonNode.Parse(line)!)];
        JsonNode oom = events.First(one => one["type"]!.GetValue<string>() == "oom");
        Assert.Equal($$"""{"type":"oom","id":"{{id}}"}""", oom.ToJsonString());
        Assert.Contains(events, one => one["type"]!.GetValue<string>() == "stats");
    }

    private static JsonNode StatisticsOf(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["resources"]!["cpu"] = JsonNode.Parse("""{"quota":2000,"period":10000,"cpus":"0"}""");
        bundle.Linux["resources"]!["pids"] = JsonNode.Parse("""{"limit":50}""");
        string id = bundle.Shell("while :; do :; done").Start();
        JsonNode statistics = null!;
        Assert.True(SpinWait.SpinUntil(() => (statistics = JsonNode.Parse(bundle.Execute("events", "--stats", id).Out)!)["data"]!["cpu"]!["throttling"]!["throttledTime"] is not null, 60_000));
        return statistics;
    }

    private static IEnumerable<string> Members(JsonNode? node, string path)
        => node is JsonObject members ? members.SelectMany(member => Members(member.Value, $"{path}.{member.Key}").Prepend($"{path}.{member.Key}")) : [];
}
