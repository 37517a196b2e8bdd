using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Cases of the Open Container Initiative's validation programs that are rare in engines: where runc passes them it is the control, else crun does.</summary>
public class OciSuiteTests
{
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_mount_namespace_that_is_joined_gets_the_containers_root(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"unshare -m --propagation private sleep 30 & p=$!; until [ $(readlink /proc/$p/ns/mnt) != $(readlink /proc/self/ns/mnt) ]; do :; done; echo $p; {Prepare(bundle)} kill $p"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        string[] lines = outcome.Out.Split('\n');
        Assert.Equal("passwd", lines[2]);
        Assert.Equal(lines[1], lines[3]);

        static string Prepare(OciBundle bundle)
        {
            bundle.Namespace("mount", "/proc/PID/ns/mnt").Shell("ls /etc; readlink /proc/self/ns/mnt").Save();
            string config = bundle.Directory + "/config.json";
            return $"readlink /proc/$p/ns/mnt; sed -i s,/proc/PID,/proc/$p, {config}; {bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()};";
        }
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Without_namespaces_of_its_own_a_container_has_the_runtimes_and_its_own_root_all_the_same(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["namespaces"] = new JsonArray();
        bundle.Linux["maskedPaths"] = new JsonArray();
        bundle.Linux["readonlyPaths"] = new JsonArray();
        bundle.Config.Remove("hostname");
        bundle.Config["mounts"] = new JsonArray(new JsonObject { ["destination"] = "/proc", ["type"] = "proc", ["source"] = "proc" });
        bundle.Shell("sleep 100").Save();
        string id = bundle.NewId();
        try
        {
            // In a mount namespace of the test's own: the control leaves its mounts where they are.
            Outcome outcome = TimurCommand.Execute("unshare", ["-m", "--propagation", "private", "sh", "-c", $$"""
                cd {{bundle.Directory}}; before=$(cat /proc/self/mountinfo)
                {{bundle.Words}} run -d --bundle . {{id}} </dev/null >/dev/null 2>&1
                pid=$({{bundle.Words}} state {{id}} | sed -n 's/^ *"pid": *\([0-9]*\),/\1/p')
                for ns in mnt pid net ipc uts; do [ $(readlink /proc/$pid/ns/$ns) = $(readlink /proc/self/ns/$ns) ] && echo $ns; done
                {{bundle.Words}} exec {{id}} ls /etc; ls /proc/$pid/root/etc
                {{bundle.Words}} delete --force {{id}}; [ "$before" = "$(cat /proc/self/mountinfo)" ] && echo clean
                """]);
            const string expected = "mnt\npid\nnet\nipc\nuts\npasswd\n";

            // The control can't enter such a container.
            Assert.True(outcome.Out == (runtime == OciBundle.Ours ? expected + "passwd\nclean\n" : expected), outcome.ToString());
        }
        finally
        {
            bundle.Execute("delete", "--force", id);
        }
    }

    [Fact]
    public void A_creation_without_namespaces_that_fails_leaves_no_mount()
    {
        using var bundle = new OciBundle();
        bundle.Linux["namespaces"] = new JsonArray();
        bundle.Config.Remove("hostname");
        Outcome outcome = bundle.Command("/nope").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Contains("stat /nope", outcome.Error.Replace("\\\"", "\"", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain(bundle.Directory, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_container_without_a_process_can_be_created_and_ends_when_it_is_started()
    {
        using var bundle = new OciBundle();
        bundle.Config.Remove("process");
        string id = bundle.Create();
        Assert.Equal("created", bundle.Status(id));
        Assert.Equal(0, bundle.Execute("start", id).Code);
        Assert.True(bundle.Await(id, "stopped"));
        Assert.Contains("config.json: process: a container that is to run needs one", bundle.Run().Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("process", "apparmorProfile", "AppArmor", "/sys/kernel/security/apparmor")]
    [InlineData("linux", "mountLabel", "SELinux", "/sys/fs/selinux/enforce")]
    public void A_label_of_a_module_that_this_machine_lacks_is_a_warning(string part, string member, string module, string sign)
    {
        using var bundle = new OciBundle();
        bundle.Config[part]![member] = "system_u:object_r:svirt_sandbox_file_t:s0:c715,c811";
        Outcome outcome = bundle.Shell("echo ran").Run();
        bool hasModule = Path.Exists(sign);
        Assert.True(hasModule || (outcome.Out == "ran\n" && outcome.Error.Contains($"{part}.{member}: 'system_u:object_r:svirt_sandbox_file_t:s0:c715,c811' has no effect: {module} is not enabled", StringComparison.Ordinal)), outcome.ToString());
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_process_gets_no_label_of_SELinux_where_there_is_none(string runtime)
    {
        const string words = "selinux label is specified in config, but selinux is disabled or not supported";
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        bundle.Process["selinuxLabel"] = "system_u:system_r:svirt_lxc_net_t:s0:c124,c675";
        Outcome outcome = bundle.Shell("echo ran").Run();
        bool hasSelinux = Path.Exists("/sys/fs/selinux/enforce");
        Assert.True(hasSelinux || (outcome.Out == "" && outcome.Error.Contains(words, StringComparison.Ordinal)), outcome.ToString());
        outcome = bundle.Execute("exec", "--process-label", "system_u:system_r:svirt_lxc_net_t:s0", id, "echo", "ran");
        Assert.True(hasSelinux || outcome is { Code: not 0, Out: "" }, outcome.ToString());
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(0, false)]
    [InlineData(1000, false)]
    public void A_filter_may_forbid_the_payload_to_ask_for_its_directory(int user, bool noNewPrivileges)
    {
        using var bundle = new OciBundle();
        bundle.Process["noNewPrivileges"] = noNewPrivileges;
        bundle.Process["user"] = new JsonObject { ["uid"] = user, ["gid"] = user };
        bundle.Linux["seccomp"] = JsonNode.Parse("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["getcwd"],"action":"SCMP_ACT_ERRNO"}]}""");
        Outcome outcome = bundle.Command("id", "-u").Run();
        Assert.Equal((0, $"{user}\n"), (outcome.Code, outcome.Out));
    }
}
