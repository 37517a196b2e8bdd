using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>What a configuration says of the process (runtime-spec config.md, Process); runc is the control where it can the same.</summary>
public class OciProcessTests
{
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Ids_directory_environment_and_mask_are_as_asked(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["user"] = new JsonObject { ["uid"] = 1000, ["gid"] = 1001, ["additionalGids"] = new JsonArray(5, 6), ["umask"] = 23 };
        bundle.Process["cwd"] = "/made/on/the/way";
        bundle.Process["env"] = new JsonArray("PATH=/bin", "X=y z");
        Assert.Equal("1000 1001 1001 5 6\n/made/on/the/way\ny z /home/user\n0027\n", bundle.Shell("echo $(id -u) $(id -g) $(id -G); pwd; echo $X $HOME; umask").Run().Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Capability_sets_are_exact(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["capabilities"] = JsonNode.Parse("""{"bounding":["CAP_KILL","CAP_CHOWN","CAP_SETUID"],"effective":["CAP_KILL"],"permitted":["CAP_KILL","CAP_CHOWN"],"inheritable":["CAP_KILL"],"ambient":["CAP_KILL"]}""");
        bundle.Process["user"] = new JsonObject { ["uid"] = 1000, ["gid"] = 1000 };
        bundle.Process["noNewPrivileges"] = true;
        Assert.Equal("0000000000000020 0000000000000020 0000000000000020 00000000000000a1 0000000000000020 1\n", bundle.Shell("echo $(grep -E '^(Cap|NoNew)' /proc/self/status | cut -f2)").Run().Out);
        bundle.Process.Remove("capabilities");
        Assert.EndsWith("0000000000000000 0000000000000000 1\n", bundle.Run().Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Limits_score_and_priorities_reach_the_process(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["rlimits"] = JsonNode.Parse("""[{"type":"RLIMIT_NOFILE","soft":100,"hard":200},{"type":"RLIMIT_CORE","soft":0,"hard":4096}]""");
        bundle.Process["oomScoreAdj"] = 321;
        Assert.Equal("100 200 0 8 321\n", bundle.Shell("echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -Sc) $(ulimit -Hc) $(cat /proc/self/oom_score_adj)").Run().Out);
    }

    [Fact]
    public void A_limit_above_this_process_s_own_is_lowered_with_a_warning()
    {
        using var bundle = new OciBundle();
        bundle.Process["rlimits"] = JsonNode.Parse("""[{"type":"RLIMIT_NOFILE","soft":300,"hard":300}]""");
        bundle.Shell("ulimit -Sn; ulimit -Hn").Save();
        string id = bundle.NewId();

        // Without CAP_SYS_RESOURCE a hard limit only goes down; setpriv is of util-linux.
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"ulimit -n 250; exec setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource {bundle.Words} run --bundle {bundle.Directory} {id}"]);
        Assert.Equal((0, "250\n250\n"), (outcome.Code, outcome.Out));
        Assert.Contains("RLIMIT_NOFILE is lowered from 300", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("level=warning", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_capability_that_cannot_be_passed_on_is_left_out_with_a_warning()
    {
        using var bundle = new OciBundle();
        bundle.Capabilities("CAP_KILL", "CAP_SYS_TIME", "CAP_OF_THE_FUTURE").Shell("grep CapBnd /proc/self/status | cut -f2").Save();
        string id = bundle.NewId();
        Outcome outcome = TimurCommand.Execute("setpriv", ["--bounding-set=-sys_time", TimurCommand.Path, "oci", "--root", bundle.State, "run", "--bundle", bundle.Directory, id]);
        Assert.Equal((0, "0000000000000020\n"), (outcome.Code, outcome.Out));
        Assert.Contains("CAP_SYS_TIME", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("ignoring unknown or unavailable capabilities: [CAP_OF_THE_FUTURE]", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Scheduler_and_input_output_priority_are_set()
    {
        using var bundle = new OciBundle();
        bundle.Process["scheduler"] = JsonNode.Parse("""{"policy":"SCHED_BATCH","nice":5}""");
        bundle.Process["ioPriority"] = JsonNode.Parse("""{"class":"IOPRIO_CLASS_IDLE","priority":0}""");

        // Field 41 of proc_pid_stat(5) is the policy, 19 the nice value.
        Assert.Equal("3 5\nidle\n", bundle.Shell("cut -d' ' -f41,19 /proc/self/stat | { read n p; echo $p $n; }; ionice").Run().Out);
    }

    [Fact]
    public void The_personality_is_that_of_a_32_bit_machine()
    {
        using var bundle = new OciBundle();
        bundle.Linux["personality"] = new JsonObject { ["domain"] = "LINUX32" };
        Assert.Equal("i686\n", bundle.Shell("uname -m").Run().Out);
    }

    [Fact]
    public void Exec_moves_between_processors_as_asked()
    {
        using var bundle = new OciBundle();
        bundle.Process["execCPUAffinity"] = JsonNode.Parse("""{"initial":"0-1","final":"1"}""");
        string id = bundle.Shell("sleep 100").Start();
        Assert.EndsWith("\t1\n", bundle.Execute("exec", id, "grep", "Cpus_allowed_list", "/proc/self/status").Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void The_session_keyring_is_the_containers_own(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["maskedPaths"] = new JsonArray();
        Assert.Contains("_ses.timur-test-", bundle.Shell("grep _ses /proc/keys || cat /proc/keys").Run().Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_caller_that_may_have_few_descriptors_makes_containers_that_may_have_as_many(bool created)
    {
        using var bundle = new OciBundle();
        bundle.Process["rlimits"] = null;
        string id = bundle.NewId();
        bundle.Shell("ulimit -Sn; ulimit -Hn; ls /proc/self/fd | wc -l").Save();
        string verb = created ? "create" : "run";
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"ulimit -Sn 32; ulimit -Hn 2000; exec {bundle.Words} {verb} --bundle {bundle.Directory} {id} </dev/null >{bundle.Directory}/output 2>{bundle.Directory}/errors"]);
        Assert.True(outcome.Code == 0, File.ReadAllText(bundle.Directory + "/errors"));
        if (created)
        {
            Assert.Equal(0, bundle.Execute("start", id).Code);
            Assert.True(bundle.Await(id, "stopped"));
        }

        // The streams, and the directory that is listed.
        Assert.Equal("32\n2000\n4\n", bundle.Output);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_capability_without_its_prefix_is_none(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        Outcome outcome = bundle.Capabilities("CAP_KILL", "CHOWN").Shell("grep CapEff /proc/self/status").Run();
        Assert.True(outcome.Code == 0 && outcome.Out == "CapEff:\t0000000000000020\n" && outcome.Error.Contains("ignoring unknown or unavailable capabilities: [CHOWN]", StringComparison.Ordinal), outcome.ToString());
    }

    [Theory]
    [InlineData("""{"hostname":"a-name-of-more-than-the-sixty-four-characters-that-the-kernel-takes-for-it"}""", "hostname: sethostname ")]
    [InlineData("""{"mounts":[{"destination":"/proc","type":"proc"},{"destination":"/x","type":"tmpfs","options":["size=64k","strange=1"]}]}""", "mounts[1].options: fsconfig tmpfs strange=1: ")]
    [InlineData("""{"mounts":[{"destination":"/proc","type":"proc"},{"destination":"/x","type":"nofs"}]}""", "mounts[1].type: fsopen nofs: ")]
    [InlineData("""{"linux":{"namespaces":[{"type":"mount"},{"type":"ipc"},{"type":"uts"}],"sysctl":{"kernel.msgmax":"much"}}}""", "linux.sysctl: sysctl kernel.msgmax=much: ")]
    public void What_the_kernel_refuses_is_told_with_its_place_in_the_configuration(string changes, string words)
    {
        using var bundle = new OciBundle();
        foreach ((string name, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
        {
            bundle.Config[name] = value!.DeepClone();
        }

        Outcome outcome = bundle.Shell("true").Run();
        Assert.True(outcome.Code == 1 && outcome.Error.Contains("unable to start container process: " + words, StringComparison.Ordinal), outcome.ToString());
    }
}
