using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>The six hooks: their order, namespaces, standard input, failures and time limits (runtime-spec config.md, POSIX-platform Hooks).</summary>
public class OciHookTests
{
    private static readonly string[] InTheRuntime = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];

    /// <summary>runc 1.1 runs poststart at the creation, so it is no control here.</summary>
    [Fact]
    public void All_six_run_in_their_order()
    {
        using var bundle = new OciBundle();
        string log = bundle.Directory + "/log";
        bundle.Mount("/log", "bind", log, "bind");
        File.WriteAllText(log, "");
        foreach (string kind in InTheRuntime)
        {
            bundle.Hook(kind, $"echo {kind} >>{log}");
        }

        bundle.Hook("startContainer", "echo startContainer >>/log");
        string id = bundle.Shell("echo process >>/log; sleep 100").Create();
        Assert.Equal(["prestart", "createRuntime", "createContainer"], File.ReadAllLines(log));
        Assert.Equal(0, bundle.Execute("start", id).Code);
        Assert.True(SpinWait.SpinUntil(() => File.Exists(log) && File.ReadAllLines(log).Length == 6, 60_000));
        Assert.Equal("startContainer", File.ReadAllLines(log)[3]);
        Assert.Equal(["poststart", "process"], File.ReadAllLines(log)[4..].Order());
        Assert.Equal(0, bundle.Execute("delete", "--force", id).Code);
        Assert.Equal("poststop", File.ReadAllLines(log)[^1]);
    }

    [Fact]
    public void Each_gets_the_state_on_its_standard_input()
    {
        using var bundle = new OciBundle();
        bundle.Config["annotations"] = new JsonObject { ["org.example.a"] = "b" };
        foreach (string kind in InTheRuntime)
        {
            bundle.Hook(kind, $"cat >{bundle.Directory}/{kind}");
        }

        string id = bundle.Shell("sleep 100").Start();
        int pid = bundle.StateOf(id)["pid"]!.GetValue<int>();
        bundle.Execute("delete", "--force", id);
        foreach (string kind in InTheRuntime)
        {
            JsonNode state = JsonNode.Parse(File.ReadAllText($"{bundle.Directory}/{kind}"))!;
            Assert.Equal((id, bundle.Directory, "b"), (state["id"]!.GetValue<string>(), state["bundle"]!.GetValue<string>(), state["annotations"]!["org.example.a"]!.GetValue<string>()));
            Assert.Equal(kind switch { "poststart" => "running", "poststop" => "stopped", "prestart" => "created", _ => "creating" }, state["status"]!.GetValue<string>());
            Assert.True(kind == "poststop" || state["pid"]!.GetValue<int>() == pid);
        }
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void They_run_where_the_specification_says(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string log = bundle.Directory + "/log";
        bundle.Hook("createRuntime", $"readlink /proc/self/ns/net >{log}").Hook("createContainer", $"readlink /proc/self/ns/net >>{log}; test -e {bundle.Root}/proc/version && echo mounted >>{log}");
        bundle.Hook("startContainer", "readlink /proc/self/ns/net >/tmp/log; test -e /bin/busybox && echo inside >>/tmp/log");
        string inside = bundle.Shell("readlink /proc/self/ns/net").Run().Out;
        string[] lines = File.ReadAllLines(log);
        Assert.Equal(File.ResolveLinkTarget("/proc/self/ns/net", false)!.Name, lines[0]);
        Assert.Equal([inside.Trim(), "mounted"], lines[1..]);
        Assert.Equal([inside.Trim(), "inside"], File.ReadAllLines(bundle.Root + "/tmp/log"));
    }

    [Theory]
    [InlineData("prestart")]
    [InlineData("createRuntime")]
    [InlineData("createContainer")]
    public void One_that_fails_ends_the_creation_and_leaves_nothing(string kind)
    {
        using var bundle = new OciBundle();
        bundle.Hook(kind, "echo because; exit 3").Shell("sleep 100").Save();
        string id = bundle.NewId();
        Outcome outcome = bundle.TryCreate(id);
        Assert.NotEqual(0, outcome.Code);
        Assert.Contains($"error running {kind} hook #0: exit status 3", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("because", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("container does not exist", bundle.Execute("state", id).Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists("/sys/fs/cgroup/memory" + bundle.CgroupPath));
    }

    [Fact]
    public void One_that_takes_too_long_is_killed()
    {
        using var bundle = new OciBundle();
        bundle.Hook("createRuntime", "exec sleep 60", timeout: 1).Shell("true").Save();
        Outcome outcome = bundle.TryCreate(bundle.NewId());
        Assert.NotEqual(0, outcome.Code);
        Assert.Contains("hook ran past specified timeout of 1.0s", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void After_the_start_a_failure_is_a_warning_and_the_others_follow()
    {
        using var bundle = new OciBundle();
        bundle.Hook("poststart", "exit 1").Hook("poststart", $"echo second >{bundle.Directory}/log");
        string id = bundle.Shell("sleep 100").Create();
        Outcome started = bundle.Execute("start", id);
        Assert.Equal(0, started.Code);
        Assert.Contains("level=warning", started.Error, StringComparison.Ordinal);
        Assert.Equal("second\n", File.ReadAllText(bundle.Directory + "/log"));
        Assert.Equal("running", bundle.Status(id));
    }

    [Fact]
    public void A_hook_brings_the_interface_that_a_parameter_is_for()
    {
        using var bundle = new OciBundle();

        // As dockerd does it: the hook enters the network namespace of the process that it is told of.
        bundle.Hook("prestart", "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); nsenter -t $pid -n ip link add hooked type veth peer name other");
        bundle.Linux["sysctl"] = new JsonObject { ["net.ipv4.conf.hooked.forwarding"] = "1" };
        Assert.Equal("1\n", bundle.Shell("cat /proc/sys/net/ipv4/conf/hooked/forwarding").Run().Out);
    }
}
