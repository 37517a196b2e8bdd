using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Timur.SystemTests;

/// <summary>What verbs print and refuse as runc does, and when hooks run.</summary>
public class OciWaysVerbTests
{
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_list_has_a_line_for_each_container_or_one_of_json(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        string json = bundle.Execute("list", "--format", "json").Out;
        Assert.Equal(json.Length - 1, json.IndexOf('\n', StringComparison.Ordinal));
        JsonObject container = Assert.Single(JsonNode.Parse(json)!.AsArray())!.AsObject();
        Assert.Equal(["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"], container.Select(member => member.Key));
        Assert.Equal((id, "running", "root"), (container["id"]!.GetValue<string>(), container["status"]!.GetValue<string>(), container["owner"]!.GetValue<string>()));
        Assert.Equal(["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"], bundle.StateOf(id).AsObject().Select(member => member.Key));

        string[] lines = bundle.Execute("list").Out.Split('\n');
        Assert.Matches("^ID +PID +STATUS +BUNDLE +CREATED +OWNER$", lines[0]);
        string[] cells = Regex.Split(lines[1], " {3,}");
        Assert.Equal([id, container["pid"]!.ToString(), "running", bundle.Directory, container["created"]!.GetValue<string>(), "root"], cells);
        Assert.Equal(lines[0].IndexOf("CREATED", StringComparison.Ordinal), lines[1].IndexOf(cells[4], StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Signal_0_asks_whether_a_container_runs(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal(0, bundle.Execute("kill", id, "0").Code);
        Assert.Equal(0, bundle.Execute("kill", id, "KILL").Code);
        Assert.True(bundle.Await(id, "stopped"));
        Outcome outcome = bundle.Execute("kill", id, "0");
        Assert.NotEqual(0, outcome.Code);
        Assert.Contains("container not running", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_container_in_the_foreground_has_a_record_by_the_time_it_says_something(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Shell("echo there; exec sleep 100").Save();
        string id = bundle.NewId();
        string words = bundle.Words;
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"{words} run --bundle {bundle.Directory} {id} | {{ read line; {words} state {id}; {words} exec {id} echo entered; {words} kill {id} KILL; }}"]);
        Assert.Contains("\"status\": \"running\"", outcome.Out, StringComparison.Ordinal);
        Assert.EndsWith("entered\n", outcome.Out, StringComparison.Ordinal);
        Assert.Equal("", outcome.Error);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_created_container_waits_at_a_fifo_that_callers_know(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Create();
        Assert.True(File.Exists($"{bundle.State}/{id}/exec.fifo"));
        Assert.Equal(0, bundle.Execute("start", id).Code);
        Assert.False(File.Exists($"{bundle.State}/{id}/exec.fifo"));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_configuration_to_start_from_has_the_same_namespaces_and_is_not_written_over_another(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        using var control = new OciBundle(OciBundle.Control);
        Assert.Equal(Types(control), Types(bundle));
        Outcome outcome = bundle.Execute("spec", "--bundle", bundle.Directory);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("File config.json exists. Remove it first", outcome.Error, StringComparison.Ordinal);

        static IEnumerable<string> Types(OciBundle bundle) => bundle.Linux["namespaces"]!.AsArray().Select(ns => ns!["type"]!.GetValue<string>()).Order();
    }

    [Theory]
    [InlineData(OciBundle.Control, false)]
    [InlineData(OciBundle.Ours, false)]
    [InlineData(OciBundle.Control, true)]
    [InlineData(OciBundle.Ours, true)]
    public void A_configuration_to_start_from_can_be_edited_by_its_lines_and_run(string runtime, bool isRootless)
    {
        using var bundle = new OciBundle(runtime);
        string file = bundle.Directory + "/config.json";
        File.Delete(file);
        Assert.Equal(0, bundle.Execute(["spec", "--bundle", bundle.Directory, .. (string[])(isRootless ? ["--rootless"] : [])]).Code);
        TimurCommand.Execute("sed", ["-i", "-e", "s/\"terminal\": true/\"terminal\": false/", "-e", "s;^\t\t\t\"sh\"$;\"hostname\";", "-e", "s/\"hostname\": \"runc\"/\"hostname\": \"other\"/", file]);
        Assert.DoesNotContain("[]", File.ReadAllText(file), StringComparison.Ordinal);
        Outcome outcome = bundle.Execute("run", "--bundle", bundle.Directory, bundle.NewId());
        Assert.True(outcome.Code == 0 && outcome.Out == "other\n", outcome.ToString());
    }

    [Fact]
    public void A_configuration_may_have_another_name()
    {
        using var bundle = new OciBundle();
        bundle.Shell("echo one").Save();
        File.Move(bundle.Directory + "/config.json", bundle.Directory + "/other.json");
        Assert.Equal("one\n", bundle.Execute("run", "--bundle", bundle.Directory, "--config", "other.json", bundle.NewId()).Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Help_and_version_have_the_lines_that_are_looked_for(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string[] lines = bundle.Execute("--help").Out.Split('\n');
        Assert.Equal("NAME:", lines[0]);
        Assert.Contains("runc - Open Container Initiative runtime", lines[1], StringComparison.Ordinal);
        lines = bundle.Execute("exec", "-h").Out.Split('\n');
        Assert.Equal("NAME:", lines[0]);
        Assert.Contains("runc exec - ", lines[1], StringComparison.Ordinal);
        lines = bundle.Execute("--version").Out.Split('\n');
        Assert.StartsWith("commit: ", lines[1], StringComparison.Ordinal);
        Assert.Matches(@"^spec: 1\.\d", lines[2]);
        Outcome outcome = bundle.Execute("nope", "-h");
        Assert.NotEqual(0, outcome.Code);
        Assert.Contains("No help topic for 'nope'", outcome.Out + outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Details_are_logged_when_they_are_asked_for(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Shell("echo out").Save();
        Outcome outcome = bundle.Execute(["--debug"], ["run", "--bundle", bundle.Directory, bundle.NewId()]);
        Assert.Equal((0, "out\n"), (outcome.Code, outcome.Out));
        foreach (string words in new[] { "level=debug", "nsexec container setup", "child process in init()", "init: closing the pipe to signal completion" })
        {
            Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
        }

        string log = bundle.Directory + "/log";
        outcome = bundle.Execute(["--debug", "--log", log, "--log-format", "json"], ["run", "--bundle", bundle.Directory, bundle.NewId()]);
        Assert.Equal(("out\n", ""), (outcome.Out, outcome.Error));
        Assert.Contains("\"level\":\"debug\"", File.ReadAllText(log), StringComparison.Ordinal);
        Assert.Equal("", bundle.Run().Error);
    }

    [Fact]
    public void A_hook_may_ask_for_the_state_of_the_container_that_is_being_made()
    {
        using var bundle = new OciBundle();
        string id = bundle.NewId();
        bundle.Hook("createRuntime", $"{bundle.Words} state {id} >{bundle.Directory}/state.txt").Shell("sleep 100").Save();
        Assert.Equal(0, bundle.TryCreate(id).Code);
        JsonNode state = JsonNode.Parse(File.ReadAllText(bundle.Directory + "/state.txt"))!;
        Assert.Equal(("creating", bundle.StateOf(id)["pid"]!.ToString()), (state["status"]!.GetValue<string>(), state["pid"]!.ToString()));
        Assert.Equal("created", bundle.Status(id));
    }

    [Fact]
    public void A_hook_at_the_start_has_the_environment_of_the_process_and_its_filter()
    {
        using var bundle = new OciBundle();
        bundle.Process["env"] = new JsonArray("PATH=/bin", "ONE=two");
        bundle.Hook("startContainer", "echo $ONE $HOME >/seen");
        Assert.Equal("two /root\n", bundle.Shell("cat /seen").Run().Out);

        bundle.Config["hooks"] = null;
        bundle.Hook("startContainer", "mkdir /forbidden");
        bundle.Process["rlimits"] = JsonNode.Parse("""[{"type":"RLIMIT_CORE","soft":0,"hard":0}]""");
        bundle.Linux["seccomp"] = JsonNode.Parse("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_KILL_PROCESS"}]}""");
        Outcome outcome = bundle.Shell("true").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Contains("error running startContainer hook #0", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("bad system call", outcome.Error, StringComparison.OrdinalIgnoreCase);
        Assert.False(Directory.Exists(bundle.Root + "/forbidden"));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_container_that_is_run_ends_with_a_hook_that_fails_after_its_start(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Hook("poststart", "true").Hook("poststart", "exit 3");
        Outcome outcome = bundle.Shell("sleep 100").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Matches("hook #1: .*exit status 3", outcome.Error);
        Assert.Equal("", bundle.Execute("list", "-q").Out);
    }
}
