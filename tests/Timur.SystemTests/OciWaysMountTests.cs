using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Ways of runc's that its own tests and its callers count on, of mounts, devices, parameters and cgroups.</summary>
public class OciWaysMountTests
{
    [Fact]
    public void A_tmpfs_without_a_mode_has_that_of_the_directory_that_it_covers()
    {
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Root + "/covered");
        File.SetUnixFileMode(bundle.Root + "/covered", (UnixFileMode)Convert.ToInt32("2710", 8));
        Directory.CreateDirectory(bundle.Directory + "/source/covered");
        File.SetUnixFileMode(bundle.Directory + "/source/covered", (UnixFileMode)Convert.ToInt32("750", 8));
        bundle.Mount("/covered", "tmpfs", "tmpfs", "nosuid").Mount("/new", "tmpfs", "tmpfs").Mount("/said", "tmpfs", "tmpfs", "mode=711")
            .Mount("/bound", "bind", bundle.Directory + "/source", "bind").Mount("/bound/covered", "tmpfs", "tmpfs").Mount("/new/covered", "tmpfs", "tmpfs");
        Assert.Equal("2710\n1777\n711\n750\n1777\n", bundle.Command("stat", "-c", "%a", "/covered", "/new", "/said", "/bound/covered", "/new/covered").Run().Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_root_whose_proc_leads_elsewhere_is_refused(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        Directory.CreateDirectory(bundle.Root + "/elsewhere");
        File.CreateSymbolicLink(bundle.Root + "/proc", "/elsewhere");
        Outcome outcome = bundle.Shell("echo ran").Run();
        Assert.Equal((1, ""), (outcome.Code, outcome.Out));
        Assert.Contains("must be mounted on ordinary directory", outcome.Error, StringComparison.Ordinal);
        File.Delete(bundle.Root + "/proc");
        File.CreateSymbolicLink(bundle.Root + "/sys", "elsewhere");
        Assert.Contains("must be mounted on ordinary directory", bundle.Run().Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control, "/etc/hostname", "/tmp")]
    [InlineData(OciBundle.Ours, "/etc/hostname", "/tmp")]
    [InlineData(OciBundle.Control, "/etc", "/etc/passwd")]
    [InlineData(OciBundle.Ours, "/etc", "/etc/passwd")]
    public void A_file_and_a_directory_are_not_mounted_over_each_other_in_the_word_from_which_engines_advise(string runtime, string source, string destination)
    {
        using var bundle = new OciBundle(runtime);
        Outcome outcome = bundle.Mount(destination, "bind", source, "bind").Shell("true").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Contains("not a directory", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control, false)]
    [InlineData(OciBundle.Ours, false)]
    [InlineData(OciBundle.Ours, true)]
    public void Devices_are_made_in_a_dev_that_is_going_to_be_read_only(string runtime, bool terminal)
    {
        using var bundle = new OciBundle(runtime);
        foreach (JsonNode? mount in bundle.Config["mounts"]!.AsArray())
        {
            if (mount!["destination"]!.GetValue<string>() == "/dev")
            {
                mount["options"]!.AsArray().Add("ro");
            }
        }

        bundle.Process["terminal"] = terminal;
        Outcome outcome = bundle.Shell("grep -c '^tmpfs /dev tmpfs ro,' /proc/mounts; echo kept >/dev/null; touch /dev/x").Run();
        Assert.True(outcome.Out.StartsWith("1\n", StringComparison.Ordinal) && (outcome.Out + outcome.Error).Contains("Read-only file system", StringComparison.Ordinal), outcome.ToString());
    }

    [Fact]
    public void A_read_only_tmpfs_takes_mounts_that_come_after_it()
    {
        using var bundle = new OciBundle();
        bundle.Mount("/closed", "tmpfs", "tmpfs", "ro").Mount("/closed/open", "tmpfs", "tmpfs");
        Assert.Equal("1\n", bundle.Shell("touch /closed/open/x; touch /closed/x 2>/dev/null; echo $?").Run().Out);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_earlier_mounts_brought_can_be_bound_by_the_roots_path_on_the_host(bool mapped)
    {
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Directory + "/source/inner");
        File.WriteAllText(bundle.Directory + "/source/inner/file", "text\n");

        // A place that no mount covers is one of the host's, with its links.
        File.CreateSymbolicLink(bundle.Root + "/link", bundle.Directory + "/source/inner");
        bundle.Mount("/a", "bind", bundle.Directory + "/source", "rbind").Mount("/a/inner", "bind", bundle.Directory + "/source", "bind")
            .Mount(bundle.Root + "/b", "bind", bundle.Root + "/a", "rbind").Mount("/host", "bind", bundle.Root + "/link", "bind").Mount("/c", "bind", bundle.Root + "/a/inner/inner/file", "bind");
        if (mapped)
        {
            JsonNode last = bundle.Config["mounts"]!.AsArray()[^1]!;
            last["uidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":4000,"size":10}]""");
            last["gidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":5000,"size":10}]""");
        }

        Assert.Equal($"text\ntext\ntext\n{(mapped ? "4000:5000" : "0:0")}\n", bundle.Shell("cat /b/inner/inner/file /c /host/file; stat -c %u:%g /c").Run().Out);
    }

    [Fact]
    public void Times_of_access_can_be_changed_on_a_whole_tree()
    {
        using var bundle = new OciBundle();
        bundle.Mount("/mapped", "bind", bundle.Directory, "rbind", "rnoatime").Mount("/other", "bind", bundle.Directory, "rbind", "rrelatime").Mount("/third", "bind", bundle.Directory, "rbind", "rstrictatime");
        string[] lines = bundle.Shell("grep -E ' /(mapped|other|third) ' /proc/self/mountinfo | cut -d' ' -f5,6").Run().Out.Split('\n');
        Assert.Equal((true, true, true), (lines[0].Contains("noatime", StringComparison.Ordinal), lines[1].Contains(",relatime", StringComparison.Ordinal), !lines[2].Contains("atime", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_mount_with_mapped_ids_propagates_as_asked()
    {
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Directory + "/source");
        bundle.Mount("/mapped", "bind", bundle.Directory + "/source", "bind", "shared");
        JsonNode mount = bundle.Config["mounts"]!.AsArray()[^1]!;
        mount["uidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":4000,"size":10}]""");
        mount["gidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":4000,"size":10}]""");
        Assert.Contains("shared:", bundle.Shell("grep ' /mapped ' /proc/self/mountinfo").Run().Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void The_kernels_image_is_linked_where_the_kernel_shows_it(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        Assert.Equal(File.Exists("/proc/kcore") ? "/proc/kcore\n" : "", bundle.Shell("readlink /dev/core").Run().Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void The_host_name_is_no_parameter(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["sysctl"] = new JsonObject { ["kernel.hostname"] = "other" };
        Outcome outcome = bundle.Shell("hostname").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Contains("conflicts with the OCI", outcome.Error, StringComparison.Ordinal);
        bundle.Linux["sysctl"] = new JsonObject { ["kernel.domainname"] = "other" };
        Assert.Equal("other\n", bundle.Shell("cat /proc/sys/kernel/domainname").Run().Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void The_hosts_network_takes_no_parameter_even_by_its_path(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Namespace("network", "/proc/self/ns/net");
        bundle.Linux["sysctl"] = new JsonObject { ["net.ipv4.ip_forward"] = File.ReadAllText("/proc/sys/net/ipv4/ip_forward").Trim() };
        Outcome outcome = bundle.Shell("true").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Contains("not allowed in host network namespace", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("net.ipv4.conf.lo.forwarding")]
    [InlineData("net/ipv4/conf/lo/forwarding")]
    [InlineData("net.ipv4.conf.wor/ds.forwarding")]
    [InlineData("net/ipv4/conf/wor.ds/forwarding")]
    public void Dots_and_slashes_separate_parameters(string key)
    {
        using var bundle = new OciBundle();

        // The hook makes the interface with a dot in its name.
        bundle.Hook("createRuntime", "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); nsenter -t $pid -n ip link add wor.ds type veth peer name other");
        bundle.Linux["sysctl"] = new JsonObject { [key] = "1" };
        string name = key.Contains("lo", StringComparison.Ordinal) ? "lo" : "wor.ds";
        Assert.Equal("1\n", bundle.Shell($"cat /proc/sys/net/ipv4/conf/{name}/forwarding").Run().Out);
    }

    [Fact]
    public void A_network_that_does_not_belong_to_the_user_namespace_can_be_joined_together_with_it()
    {
        const string map = """[{"containerID":0,"hostID":0,"size":65536}]""";
        using var owner = new OciBundle();
        owner.Namespace("user");
        owner.Linux["uidMappings"] = JsonNode.Parse(map);
        owner.Linux["gidMappings"] = JsonNode.Parse(map);
        string users = $"/proc/{owner.StateOf(owner.Shell("sleep 100").Start())["pid"]}/ns/user";

        // Who has no power over the network can't mount its sysfs.
        using var bundle = new OciBundle();
        foreach (JsonNode? mount in bundle.Config["mounts"]!.AsArray().Where(mount => mount!["destination"]!.GetValue<string>().StartsWith("/sys", StringComparison.Ordinal)).ToArray())
        {
            bundle.Config["mounts"]!.AsArray().Remove(mount);
        }

        bundle.Namespace("user", users).Namespace("network", "/proc/NET/ns/net").Shell("readlink /proc/self/ns/user; readlink /proc/self/ns/net").Save();
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"""
            unshare -n sleep 100 & net=$!
            until [ $(readlink /proc/$net/ns/net) != $(readlink /proc/self/ns/net) ]; do sleep 0.1; done
            readlink {users} /proc/$net/ns/net
            sed -i s,/proc/NET,/proc/$net, {bundle.Directory}/config.json
            {bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()}
            kill $net
            """]);
        string[] lines = outcome.Out.Split('\n');
        Assert.True(outcome.Error.Length == 0 && lines.Length == 5, outcome.ToString());
        Assert.Equal(lines[..2], lines[2..4]);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_network_of_the_hosts_can_be_joined_together_with_a_new_user_namespace(string runtime)
    {
        const string map = """[{"containerID":0,"hostID":0,"size":65536}]""";
        using var bundle = new OciBundle(runtime);
        foreach (JsonNode? mount in bundle.Config["mounts"]!.AsArray().Where(mount => mount!["destination"]!.GetValue<string>().StartsWith("/sys", StringComparison.Ordinal)).ToArray())
        {
            bundle.Config["mounts"]!.AsArray().Remove(mount);
        }

        bundle.Namespace("user").Namespace("network", "/proc/self/ns/net");
        bundle.Linux["uidMappings"] = JsonNode.Parse(map);
        bundle.Linux["gidMappings"] = JsonNode.Parse(map);
        Outcome outcome = bundle.Shell("readlink /proc/self/ns/net; echo $(cat /proc/self/uid_map) $$; exec sleep 0").Run();
        Assert.Equal($"{TimurCommand.Execute("readlink", ["/proc/self/ns/net"]).Out}0 0 65536 1\n", outcome.Out);
        if (runtime == OciBundle.Control)
        {
            // Debian's can't enter it.
            return;
        }

        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal("0 0 65536\n", bundle.Execute("exec", id, "sh", "-c", "echo $(cat /proc/self/uid_map)").Out);
    }

    [Fact]
    public void Two_containers_do_not_share_a_cgroup()
    {
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        Outcome second = bundle.TryCreate(bundle.NewId());
        Assert.Equal(1, second.Code);
        Assert.Contains("container's cgroup is not empty: 1 process(es) found", second.Error, StringComparison.Ordinal);
        Assert.Equal("running", bundle.Status(id));
        Assert.Equal(0, bundle.Execute("delete", "--force", id).Code);
        Assert.Equal("alone\n", bundle.Shell("echo alone").Run().Out);
    }

    [Fact]
    public void A_frozen_cgroup_is_refused_and_left_as_it_is()
    {
        using var bundle = new OciBundle();
        string directory = "/sys/fs/cgroup/freezer" + bundle.CgroupPath;
        string file = directory + "/freezer.state";
        if (!Directory.Exists("/sys/fs/cgroup/freezer"))
        {
            directory = "/sys/fs/cgroup" + bundle.CgroupPath;
            file = directory + "/cgroup.freeze";
        }

        Directory.CreateDirectory(directory);
        try
        {
            File.WriteAllText(file, file.EndsWith("state", StringComparison.Ordinal) ? "FROZEN" : "1");
            Outcome outcome = bundle.Shell("true").Run();
            Assert.Equal(1, outcome.Code);
            Assert.Contains("container's cgroup unexpectedly frozen", outcome.Error, StringComparison.Ordinal);
            Assert.False(Directory.Exists("/sys/fs/cgroup/memory" + bundle.CgroupPath));
            Assert.True(Directory.Exists(directory));
        }
        finally
        {
            Directory.Delete(directory);
        }
    }

    [Fact]
    public void A_further_process_joins_cgroups_below_the_containers_and_no_others()
    {
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        string[] where = ["cat", "/proc/self/cgroup"];
        Refused("..", " .. is not a sub cgroup path");
        Refused("a/../..", "is not a sub cgroup path");
        Refused("memory:..", "is not a sub cgroup path");
        Refused("nonexistent", "/nonexistent/cgroup.procs: no such file ");
        Refused("pids:nonexistent", "/nonexistent/cgroup.procs: no such file ");
        Refused("whaaat:/", "unknown controller ");
        string inner = $"/sys/fs/cgroup/memory{bundle.CgroupPath}/inner";
        Directory.CreateDirectory(inner);
        Outcome outcome = bundle.Execute(["exec", "--cgroup", "memory:inner", id, .. where]);
        Assert.Contains($":memory:{bundle.CgroupPath}/inner\n", outcome.Out, StringComparison.Ordinal);
        Assert.Contains($":pids:{bundle.CgroupPath}\n", outcome.Out, StringComparison.Ordinal);
        Assert.Contains($":memory:{bundle.CgroupPath}\n", bundle.Execute(["exec", "--cgroup", "/", id, .. where]).Out, StringComparison.Ordinal);

        void Refused(string cgroup, string why)
        {
            Outcome outcome = bundle.Execute(["exec", "--cgroup", cgroup, id, .. where]);
            Assert.Equal((255, ""), (outcome.Code, outcome.Out));
            Assert.Contains(why, outcome.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_idle_class_that_is_none_is_refused_and_letters_of_device_rules_are_not()
    {
        using var bundle = new OciBundle();
        bundle.Linux["resources"]!["devices"]!.AsArray().Add(JsonNode.Parse("""{"allow":true,"type":"c","major":1,"minor":11,"access":"rwa"}"""));
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal(0, bundle.Execute("update", "--cpu-idle", "1", id).Code);
        Outcome outcome = bundle.Execute("update", "--cpu-idle", "2", id);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("--cpu-idle", outcome.Error, StringComparison.Ordinal);
    }
}
