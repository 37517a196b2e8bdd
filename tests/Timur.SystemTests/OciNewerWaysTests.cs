using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>What the tests of runc 1.4 and crun ask for and Debian's runc can't do yet, and where all runtimes agree.</summary>
public class OciNewerWaysTests
{
    [Fact]
    public void A_memory_policy_holds_for_the_first_process_and_for_those_of_exec()
    {
        using var bundle = new OciBundle();
        bundle.Linux["memoryPolicy"] = JsonNode.Parse("""{"mode":"MPOL_PREFERRED","nodes":"0","flags":["MPOL_F_RELATIVE_NODES"]}""");
        string id = bundle.Shell("head -n 1 /proc/self/numa_maps; sleep 100").Start();
        Assert.True(SpinWait.SpinUntil(() => bundle.Output.Contains('\n'), 60_000));
        Assert.Contains(" prefer=relative:0 ", bundle.Output, StringComparison.Ordinal);
        Assert.Contains(" prefer=relative:0 ", bundle.Execute("exec", id, "head", "-n", "1", "/proc/self/numa_maps").Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"mode":"INTERLEAVE","nodes":"0"}""", "invalid memory policy mode \\\"INTERLEAVE\\\"")]
    [InlineData("""{"nodes":"0-7"}""", "invalid memory policy mode \\\"\\\"")]
    [InlineData("""{"mode":"MPOL_PREFERRED","nodes":"0","flags":["MPOL_F_RELATIVE_NODES","badflag"]}""", "invalid memory policy flag \\\"badflag\\\"")]
    [InlineData("""{"mode":"MPOL_BIND","nodes":"0-9876543210"}""", "invalid memory policy node")]
    [InlineData("""{"mode":"MPOL_DEFAULT","nodes":"0-7","flags":["MPOL_F_NUMA_BALANCING","MPOL_F_STATIC_NODES"]}""", "set_mempolicy: invalid argument")]
    public void A_memory_policy_that_is_none_is_refused_in_the_words_of_runc(string policy, string words)
    {
        using var bundle = new OciBundle();
        bundle.Linux["memoryPolicy"] = JsonNode.Parse(policy);
        Outcome outcome = bundle.Shell("true").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_supported_is_told_by_name()
    {
        using var bundle = new OciBundle();
        JsonNode features = JsonNode.Parse(bundle.Execute("features").Out)!;
        Assert.Equal("1.3.0", features["ociVersionMax"]!.GetValue<string>());
        Assert.Contains("MPOL_BIND", Names(features["linux"]!["memoryPolicy"]!["modes"]!));
        Assert.Contains("MPOL_F_STATIC_NODES", Names(features["linux"]!["memoryPolicy"]!["flags"]!));
        Assert.True(features["linux"]!["intelRdt"]!["schemata"]!.GetValue<bool>() && features["linux"]!["intelRdt"]!["monitoring"]!.GetValue<bool>());

        // Every flag that is supported can stand alone.
        foreach (string flag in Names(features["linux"]!["seccomp"]!["supportedFlags"]!))
        {
            bundle.Linux["seccomp"] = new JsonObject { ["defaultAction"] = "SCMP_ACT_ALLOW", ["flags"] = new JsonArray(flag) };
            Assert.Equal("ran\n", bundle.Shell("echo ran").Run().Out);
        }

        foreach (string option in Names(features["mountOptions"]!).Except(["bind", "rbind", "idmap", "ridmap", "remount", "ro", "rro", "shared", "rshared", "mand"]))
        {
            bundle.Config["mounts"]!.AsArray().Remove(bundle.Config["mounts"]!.AsArray().FirstOrDefault(mount => mount!["destination"]!.GetValue<string>() == "/mnt"));
            bundle.Mount("/mnt", "tmpfs", "tmpfs", option);
            Outcome outcome = bundle.Shell("echo ran").Run();
            Assert.True(outcome.Out == "ran\n", option + ": " + outcome);
        }

        static IEnumerable<string> Names(JsonNode array) => array.AsArray().Select(node => node!.GetValue<string>());
    }

    [Theory]
    [InlineData(null, 4)]
    [InlineData("[]", 0)]
    [InlineData("""["SECCOMP_FILTER_FLAG_TSYNC"]""", 0)]
    [InlineData("""["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"]""", 6)]
    public void The_flags_of_a_filter_are_in_the_log(string? flags, int number)
    {
        using var bundle = new OciBundle();
        bundle.Linux["seccomp"] = new JsonObject { ["defaultAction"] = "SCMP_ACT_ALLOW", ["syscalls"] = new JsonArray(JsonNode.Parse("""{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}""")) };
        if (flags is not null)
        {
            bundle.Linux["seccomp"]!["flags"] = JsonNode.Parse(flags);
        }

        bundle.Shell("true").Save();
        Outcome outcome = bundle.Execute(["--debug"], ["run", "--bundle", bundle.Directory, bundle.NewId()]);
        Assert.Contains($"msg=\"seccomp filter flags: {number}\"", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_container_that_may_write_to_its_cgroups_has_one_in_every_hierarchy()
    {
        using var bundle = new OciBundle();
        foreach (JsonNode? mount in bundle.Config["mounts"]!.AsArray().Where(mount => mount!["type"]!.GetValue<string>() == "cgroup").ToArray())
        {
            bundle.Config["mounts"]!.AsArray().Remove(mount);
        }

        bundle.Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "nodev", "rw");
        string id = bundle.Shell("sleep 100").Start();
        AssertEverywhere(File.ReadAllLines($"/proc/{bundle.StateOf(id)["pid"]!.GetValue<int>()}/cgroup"));
        AssertEverywhere(bundle.Execute("exec", id, "cat", "/proc/self/cgroup").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Outcome made = bundle.Execute("exec", id, "sh", "-c", "mkdir /sys/fs/cgroup/*/inner 2>/dev/null || mkdir /sys/fs/cgroup/inner");
        Assert.True(made.Code == 0, made.ToString());
        Assert.Equal(0, bundle.Execute("delete", "--force", id).Code);
        Assert.DoesNotContain(Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"), top => Directory.Exists(top + bundle.CgroupPath));

        void AssertEverywhere(string[] lines)
        {
            foreach (string line in lines)
            {
                string[] parts = line.Split(':', 3);
                Assert.True(parts[2] == bundle.CgroupPath || (parts[1].StartsWith("name=", StringComparison.Ordinal) && parts[1] != "name=systemd"), string.Join('\n', lines));
            }
        }
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_createContainer_hook_begins_in_the_containers_root_and_sees_the_hosts(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string source = bundle.Directory + "/given";
        File.WriteAllText(source, "given by a hook\n");
        bundle.Hook("createContainer", $"touch ./etc/given && mount --bind {source} ./etc/given");
        Outcome outcome = bundle.Shell("cat /etc/given").Run();
        Assert.True(outcome.Out == "given by a hook\n", outcome.ToString());
    }

    [Theory]
    [InlineData("/bin", "exec: \\\"/bin\\\": permission denied")]
    [InlineData("/etc/passwd", "exec: \\\"/etc/passwd\\\": permission denied")]
    [InlineData("/etc/passwd/x", "exec: \\\"/etc/passwd/x\\\": stat /etc/passwd/x: not a directory")]
    [InlineData("/nothing", "exec: \\\"/nothing\\\": stat /nothing: no such file or directory")]
    [InlineData("nothing", "exec: \\\"nothing\\\": executable file not found in $PATH")]
    public void What_cannot_be_executed_is_told_in_the_words_from_which_engines_take_exit_codes(string command, string words)
    {
        using var bundle = new OciBundle();
        Assert.Contains("unable to start container process: " + words, bundle.Command(command).Run().Error, StringComparison.Ordinal);
        string id = bundle.Shell("sleep 100").Start();
        Outcome outcome = bundle.Execute("exec", id, command);
        Assert.Equal(255, outcome.Code);
        Assert.Contains("exec failed: unable to start container process: " + words, outcome.Error, StringComparison.Ordinal);
        Assert.Contains("chdir to cwd (\\\"/nothing\\\") set in config.json failed: no such file or directory", bundle.Execute("exec", "--cwd", "/nothing", id, "true").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_container_with_a_user_namespace_gets_devices_that_the_host_has_no_node_of()
    {
        using var bundle = new OciBundle();
        bundle.Namespace("user");
        bundle.Linux["uidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":0,"size":65536}]""");
        bundle.Linux["gidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":0,"size":65536}]""");
        bundle.Linux["devices"] = JsonNode.Parse("""[{"path":"/dev/rare","type":"c","major":240,"minor":77,"uid":10,"gid":11,"fileMode":111},{"path":"/dev/deep/zero","type":"c","major":1,"minor":5}]""");
        bundle.Linux["resources"]!["devices"] = JsonNode.Parse("""[{"allow":true,"access":"rwm"}]""");
        Outcome outcome = bundle.Shell("stat -c '%F %a %u:%g %t:%T' /dev/rare; head -c 3 /dev/deep/zero | wc -c; dd if=/dev/rare of=/dev/null count=1 2>&1 | grep -o 'No such device.*'").Run();
        Assert.True(outcome.Out == "character special file 157 10:11 f0:4d\n3\nNo such device or address\n", outcome.ToString());
    }

    [Fact]
    public void Containers_are_deleted_by_an_expression_of_their_ids()
    {
        using var bundle = new OciBundle();
        bundle.Linux.Remove("cgroupsPath");
        string[] ids = [bundle.Shell("sleep 100").Start(), bundle.Start(), bundle.Start()];
        Outcome outcome = bundle.Execute("delete", "--force", "--regex", $"^({ids[0]}|{ids[2]})$");
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Equal([ids[1]], bundle.Execute("list", "--quiet").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        outcome = bundle.Execute("delete", "--regex", "(");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("'(' isn't a regular expression", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_calls_may_leave_a_container_its_supplementary_groups()
    {
        using var bundle = new OciBundle();
        bundle.Config["annotations"] = new JsonObject { ["run.oci.keep_original_groups"] = "1" };
        bundle.Shell("id -G").Save();
        Assert.Equal("0 7 8 9\n", Called().Out);
        bundle.Config.Remove("annotations");
        bundle.Save();
        Assert.Equal("0\n", Called().Out);

        Outcome Called() => TimurCommand.Execute("setpriv", ["--groups", "7,8,9", "sh", "-c", $"exec {bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()}"]);
    }

    [Theory]
    [InlineData("bind", "ro,nosuid,nodev,noexec,noatime")]
    [InlineData("bind,rprivate", "ro,nosuid,nodev,noexec,noatime")]
    [InlineData("bind,dev", "rw,noatime")]
    [InlineData("bind,nosuid,rw", "rw,nosuid,noatime")]
    [InlineData("bind,atime", "rw,noatime")]
    [InlineData("bind,relatime,ro", "ro,relatime")]
    [InlineData("bind,nodiratime", "rw,nodiratime,relatime")]
    public void A_bind_mount_that_names_attributes_has_no_others_of_its_source(string options, string attributes)
        => Assert.Equal(attributes, AttributesOfBind("ro,nosuid,nodev,noexec,noatime", options, withUsers: false, out Outcome outcome) ?? outcome.ToString());

    [Theory]
    [InlineData("ro,nosuid", "bind,nodev", "ro,nosuid,nodev,relatime")]
    [InlineData("nosuid,noatime", "bind,ro,exec", "ro,nosuid,noatime")]
    [InlineData("noatime", "bind,atime", "rw,noatime")]
    [InlineData("ro", "bind,rw", null)]
    [InlineData("noexec", "bind,ro,exec", null)]
    [InlineData("noatime", "bind,relatime", null)]
    public void In_a_user_namespace_it_keeps_them_and_a_wish_to_take_one_away_is_refused(string source, string options, string? attributes)
    {
        Assert.Equal(attributes, AttributesOfBind(source, options, withUsers: true, out Outcome outcome));
        if (attributes is null)
        {
            Assert.Contains("unable to start container process: error during container init: error mounting", outcome.Error, StringComparison.Ordinal);
            Assert.Contains("operation not permitted", outcome.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>What the container's mount table says of a bind mount; null when it doesn't start.</summary>
    private static string? AttributesOfBind(string source, string options, bool withUsers, out Outcome outcome)
    {
        using var bundle = new OciBundle();
        string directory = bundle.Directory + "/source";
        Directory.CreateDirectory(directory);
        bundle.Mount("/bound", "bind", directory, options.Split(','));
        if (withUsers)
        {
            bundle.Namespace("user");
            bundle.Linux["uidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":0,"size":65536}]""");
            bundle.Linux["gidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":0,"size":65536}]""");
        }

        bundle.Shell("grep ' /bound ' /proc/self/mounts | cut -d' ' -f4").Save();

        // The superblock itself is as open as can be, in a namespace of its own.
        outcome = TimurCommand.Execute(
            "unshare",
            ["-m", "--propagation", "private", "sh", "-c", $"mount -t tmpfs -o size=64k,mode=755 x {directory} && mount -o remount,bind,{source} {directory} && exec {bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()}"]);
        return outcome.Code == 0 ? outcome.Out.Trim().Split(",size", 2)[0] : null;
    }
}
