using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>The verbs of an OCI runtime; each case is first true of runc, the control.</summary>
public class OciLifecycleTests
{
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_container_is_created_started_killed_and_deleted(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("echo started; exec sleep 100").Create("--pid-file", bundle.Directory + "/pid");
        JsonNode state = bundle.StateOf(id);
        Assert.Equal("created", state["status"]!.GetValue<string>());
        Assert.Equal(bundle.Directory, state["bundle"]!.GetValue<string>());
        Assert.Equal(File.ReadAllText(bundle.Directory + "/pid"), state["pid"]!.ToString());
        Assert.Equal("", bundle.Output);

        Assert.Equal(0, bundle.Execute("start", id).Code);
        Assert.Equal("running", bundle.Status(id));
        Assert.True(SpinWait.SpinUntil(() => bundle.Output == "started\n", 60_000));
        Assert.Contains(id, bundle.Execute("list").Out, StringComparison.Ordinal);
        Assert.Equal($"{id}\n", bundle.Execute("list", "-q").Out);

        Outcome refused = bundle.Execute("delete", id);
        Assert.NotEqual(0, refused.Code);
        Assert.Contains("is not stopped: running", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, bundle.Execute("kill", id, "KILL").Code);
        Assert.True(bundle.Await(id, "stopped"));
        Assert.Contains("container not running", bundle.Execute("kill", id, "KILL").Error, StringComparison.Ordinal);
        Assert.Equal(0, bundle.Execute("kill", "--all", id, "9").Code);
        Assert.Equal(0, bundle.Execute("delete", id).Code);
        Assert.False(Directory.Exists($"{bundle.State}/{id}"));
        Assert.False(Directory.Exists("/sys/fs/cgroup/memory" + bundle.CgroupPath));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_container_that_is_not_there_is_named_in_the_words_that_callers_match(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        foreach (string verb in new[] { "state", "start", "kill", "delete", "pause", "resume" })
        {
            Outcome outcome = bundle.Execute(verb, "nobody");
            Assert.NotEqual(0, outcome.Code);
            Assert.Contains("container does not exist", outcome.Error, StringComparison.Ordinal);
        }

        Assert.Equal(0, bundle.Execute("delete", "--force", "nobody").Code);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void The_same_id_cannot_be_created_twice_and_the_first_stays(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Create();
        Outcome second = bundle.TryCreate(id);
        Assert.NotEqual(0, second.Code);
        Assert.Contains("container with given ID already exists", second.Error, StringComparison.Ordinal);
        Assert.Equal("created", bundle.Status(id));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_created_container_that_was_never_started_can_be_deleted_and_started_only_once(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Create();
        Assert.Equal(0, bundle.Execute("start", id).Code);
        Assert.NotEqual(0, bundle.Execute("start", id).Code);
        Assert.Equal(0, bundle.Execute("delete", "--force", id).Code);
        string other = bundle.Create();
        Assert.Equal(0, bundle.Execute("delete", "--force", other).Code);
        Assert.Contains("container does not exist", bundle.Execute("state", other).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Run_stays_until_the_end_gives_its_code_and_leaves_nothing(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        Outcome outcome = bundle.Shell("echo out; echo err >&2; exit 7").Run();
        Assert.Equal((7, "out\n", "err\n"), (outcome.Code, outcome.Out, outcome.Error));
        Assert.Equal("", bundle.Execute("list", "-q").Out);
        Assert.Equal(137, bundle.Shell("kill -9 $$; sleep 5").Namespace("pid", "/proc/self/ns/pid").WithoutNamespace("pid").Run().Code);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_command_that_cannot_be_executed_is_told_at_creation_and_leaves_nothing(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        Assert.Contains("exec: \"/nope\": stat /nope: no such file or directory", Refused("/nope"), StringComparison.Ordinal);
        Assert.Contains("exec: \"nope\": executable file not found in $PATH", Refused("nope"), StringComparison.Ordinal);
        Assert.Contains("exec: \"/etc/passwd\": permission denied", Refused("/etc/passwd"), StringComparison.Ordinal);
        Assert.Contains("exec: \"/etc/passwd/x\": stat /etc/passwd/x: not a directory", Refused("/etc/passwd/x"), StringComparison.Ordinal);
        Assert.Equal("", bundle.Execute("list", "-q").Out);
        Assert.False(Directory.Exists("/sys/fs/cgroup/memory" + bundle.CgroupPath));

        string Refused(string command)
        {
            bundle.Command(command).Save();
            Outcome outcome = bundle.TryCreate(bundle.NewId());
            Assert.Equal(1, outcome.Code);

            // The log's text format escapes quotes.
            return outcome.Error.Replace("\\\"", "\"", StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Exec_runs_a_process_with_the_containers_settings_and_gives_its_code(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["env"] = new JsonArray("PATH=/bin", "A=1");
        string id = bundle.Shell("sleep 100").Start();
        Outcome outcome = bundle.Execute("exec", "--env", "B=2", "--cwd", "/etc", "--user", "1000:1001", id, "sh", "-c", "echo $A$B $HOME; pwd; id -u; id -g; exit 3");
        Assert.Equal((3, "12 /home/user\n/etc\n1000\n1001\n"), (outcome.Code, outcome.Out));
        Assert.Equal("/sh", Path.Combine("/", Path.GetFileName(bundle.Execute("exec", id, "readlink", "/proc/1/exe").Out.Trim()) is "busybox" ? "sh" : "?"));
        outcome = bundle.Execute("exec", id, "/nope");
        Assert.Equal(255, outcome.Code);
        Assert.Contains("stat /nope: no such file or directory", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("executable file not found in $PATH", bundle.Execute("exec", id, "nope").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Exec_takes_a_process_from_a_file_and_leaves_when_detached(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        File.WriteAllText(bundle.Directory + "/process.json", """{"args":["sh","-c","id -u >/tmp/who; exec sleep 50"],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0}}""");
        TimurCommand.Execute("sh", ["-c", $"{bundle.Words} exec --process {bundle.Directory}/process.json --detach --pid-file {bundle.Directory}/pid {id} </dev/null >/dev/null 2>&1"]);
        Assert.True(SpinWait.SpinUntil(() => File.Exists(bundle.Root + "/tmp/who") && File.ReadAllText(bundle.Root + "/tmp/who") == "0\n", 60_000));
        int pid = int.Parse(File.ReadAllText(bundle.Directory + "/pid"));
        int[] pids = JsonNode.Parse(bundle.Execute("ps", "--format", "json", id).Out)!.AsArray().Select(node => node!.GetValue<int>()).ToArray();
        Assert.Contains(pid, pids);
        Assert.Equal(2, pids.Length);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Pause_stops_every_process_until_resume(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal(0, bundle.Execute("pause", id).Code);
        Assert.Equal("paused", bundle.Status(id));
        Assert.Contains("cannot exec in a paused container", bundle.Execute("exec", id, "true").Error, StringComparison.Ordinal);
        Assert.Equal(0, bundle.Execute("resume", id).Code);
        Assert.Equal("running", bundle.Status(id));
        Assert.NotEqual(0, bundle.Execute("resume", id).Code);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Update_changes_limits_from_options_and_from_standard_input(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal(0, bundle.Execute("update", "--memory", "67108864", "--pids-limit", "50", id).Code);
        Assert.Equal("67108864", Limit("memory", "memory.limit_in_bytes"));
        Assert.Equal("50", Limit("pids", "pids.max"));
        TimurCommand.Execute("sh", ["-c", $"echo '{{\"cpu\":{{\"shares\":512,\"quota\":20000,\"period\":50000}}}}' | {bundle.Words} update --resources - {id}"]);
        Assert.Equal(("512", "20000", "50000"), (Limit("cpu", "cpu.shares"), Limit("cpu", "cpu.cfs_quota_us"), Limit("cpu", "cpu.cfs_period_us")));

        string Limit(string controller, string file) => File.ReadAllText($"/sys/fs/cgroup/{controller}{bundle.CgroupPath}/{file}").Trim();
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Errors_go_to_the_log_as_json_lines_too(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Command("nope").Save();
        string log = bundle.Directory + "/log";
        Outcome outcome = bundle.Execute(["--log", log, "--log-format", "json"], ["create", "--bundle", bundle.Directory, bundle.NewId()]);
        Assert.Equal(1, outcome.Code);
        JsonNode line = File.ReadLines(log).Select(text => JsonNode.Parse(text)!).Last(node => node["level"]!.GetValue<string>() == "error");
        Assert.Contains("executable file not found in $PATH", line["msg"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.True(DateTimeOffset.TryParse(line["time"]!.GetValue<string>(), out _));
        Assert.Contains("executable file not found in $PATH", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void The_version_is_two_lines_that_engines_parse(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string[] lines = bundle.Execute("--version").Out.Split('\n');
        Assert.Matches(@"^\S*runc version \d+\.\d+\.\d+", lines[0]);
        Assert.Contains(lines, line => System.Text.RegularExpressions.Regex.IsMatch(line, @"^spec: 1\.\d\.\d"));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Statistics_are_an_event(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        JsonNode statistics = null!;
        Assert.True(SpinWait.SpinUntil(() => (statistics = JsonNode.Parse(bundle.Execute("events", "--stats", id).Out)!)["data"]!["pids"]!["current"]!.GetValue<int>() == 1, 60_000));
        Assert.Equal(("stats", id), (statistics["type"]!.GetValue<string>(), statistics["id"]!.GetValue<string>()));
        Assert.True(statistics["data"]!["memory"]!["usage"]!["usage"]!.GetValue<long>() > 0);
        Assert.True(statistics["data"]!["cpu"]!["usage"]!["total"]!.GetValue<long>() > 0);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Descriptors_are_passed_on_when_asked_for_and_no_others(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Shell("cat <&3; ls /proc/self/fd | grep -c '^4$'").Save();
        string id = bundle.NewId();
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"echo three >{bundle.Directory}/three; exec {bundle.Words} run --preserve-fds 1 --bundle {bundle.Directory} {id} 3<{bundle.Directory}/three 5</dev/null"]);
        Assert.StartsWith("three\n", outcome.Out, StringComparison.Ordinal);
        Assert.Equal("0 1 2 3\n", bundle.Shell("echo $(ls /proc/self/fd)").Run().Out);
    }
}
