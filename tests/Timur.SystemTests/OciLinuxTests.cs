using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>What a configuration says of Linux (config-linux.md) and of mounts; runc is the control where it can the same.</summary>
public class OciLinuxTests
{
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Devices_masks_parameters_and_names_are_as_asked(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["devices"] = JsonNode.Parse("""[{"path":"/dev/inner/fuse","type":"c","major":10,"minor":229,"fileMode":432,"uid":3,"gid":4},{"path":"/dev/pipe","type":"p","fileMode":420}]""");
        bundle.Linux["sysctl"] = new JsonObject { ["net.ipv4.ip_forward"] = "1", ["kernel.shmmax"] = "123456" };
        bundle.Linux["maskedPaths"] = new JsonArray("/proc/cpuinfo", "/etc", "/not/there");
        bundle.Linux["readonlyPaths"] = new JsonArray("/tmp", "/not/there/either");
        bundle.Config["hostname"] = "inside";
        string[] lines = bundle.Shell(
            """
            stat -c '%F %t:%T %a %u %g' /dev/inner/fuse; stat -c '%F %a' /dev/pipe; stat -c %a /dev/null
            cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax; wc -c </proc/cpuinfo; ls /etc | wc -l; touch /tmp/x 2>&1; hostname
            for l in fd stdin ptmx; do readlink /dev/$l; done
            """).Run().Out.Split('\n');
        Assert.Equal(
            ["character special file a:e5 660 3 4", "fifo 644", "666", "1", "123456", "0", "0", "touch: /tmp/x: Read-only file system", "inside", "/proc/self/fd", "/proc/self/fd/0", "pts/ptmx", ""], lines);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Mount_options_take_effect(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        Directory.CreateDirectory(bundle.Directory + "/source/inner");
        File.WriteAllText(bundle.Directory + "/source/file", "x");
        bundle.Mount("/ro", "bind", bundle.Directory + "/source", "rbind", "ro", "nosuid", "nodev", "noexec");
        bundle.Mount("/file", "bind", bundle.Directory + "/source/file", "bind");
        bundle.Mount("/relative", "bind", "source", "bind", "rslave");
        bundle.Mount("/small", "tmpfs", "tmpfs", "size=64k", "mode=711", "noatime");
        string[] lines = bundle.Shell("grep -E ' /(ro|small) ' /proc/self/mounts | cut -d' ' -f2,4 | cut -d, -f1-4; touch /ro/x 2>&1; cat /file; ls /relative; stat -c %a /small").Run().Out.Split('\n');
        Assert.Equal("/ro ro,nosuid,nodev,noexec", lines[0]);
        Assert.StartsWith("/small rw,noatime,size=64k", lines[1], StringComparison.Ordinal);
        Assert.Equal(["touch: /ro/x: Read-only file system", "xfile", "inner", "711", ""], lines[2..]);
    }

    [Fact]
    public void Recursive_attributes_reach_the_mounts_below()
    {
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Directory + "/source");
        bundle.Mount("/tree", "bind", bundle.Directory + "/source", "rbind", "rro", "rnosuid");
        bundle.Shell("grep ' /tree' /proc/self/mounts | cut -d' ' -f2,4 | cut -d, -f1,2").Save();
        string id = bundle.NewId();

        // A mount below the source, in a namespace of its own.
        Outcome outcome = TimurCommand.Execute("unshare", ["-m", "--propagation", "private", "sh", "-c", $"mount -t tmpfs x {bundle.Directory}/source; mkdir {bundle.Directory}/source/in; mount -t tmpfs y {bundle.Directory}/source/in; {bundle.Words} run --bundle {bundle.Directory} {id}"]);
        Assert.Equal("/tree ro,nosuid\n/tree/in ro,nosuid\n", outcome.Out);
    }

    [Fact]
    public void A_tmpfs_keeps_what_the_image_had_when_it_is_copied_up()
    {
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Root + "/var/a/b");
        File.WriteAllText(bundle.Root + "/var/a/b/file", "kept");
        File.SetUnixFileMode(bundle.Root + "/var/a/b/file", UnixFileMode.UserRead | UnixFileMode.SetUser);
        File.CreateSymbolicLink(bundle.Root + "/var/link", "/etc/passwd");
        bundle.Mount("/var", "tmpfs", "tmpfs", "tmpcopyup", "size=1m");
        Assert.Equal("kept 4400 /etc/passwd tmpfs\n", bundle.Shell("touch /var/new; echo $(cat /var/a/b/file) $(stat -c %a /var/a/b/file) $(readlink /var/link) $(grep ' /var ' /proc/mounts | cut -d' ' -f3)").Run().Out);
        Assert.False(File.Exists(bundle.Root + "/var/new"));
    }

    [Fact]
    public void A_bind_mount_shows_its_files_with_mapped_ids()
    {
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Directory + "/source");
        File.WriteAllText(bundle.Directory + "/source/file", "x");
        bundle.Mount("/mapped", "bind", bundle.Directory + "/source", "bind", "idmap");
        JsonNode mount = bundle.Config["mounts"]!.AsArray()[^1]!;
        mount["uidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":4000,"size":10}]""");
        mount["gidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":5000,"size":10}]""");
        Assert.Equal("4000 5000\n", bundle.Shell("stat -c '%u %g' /mapped/file").Run().Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_user_namespace_maps_root_to_somebody_else(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        AddUsers(bundle);
        string id = bundle.Shell("cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; id -u; ls -ln /dev/null | cut -c1-10; sleep 100").Start();
        Assert.True(SpinWait.SpinUntil(() => bundle.Output.Split('\n').Length == 5, 60_000));
        Assert.Equal(" 0 100000 65536\n 0 200000 65536\n0\ncrw-rw-rw-\n", bundle.Output);
        Assert.Equal("0 0\n", bundle.Execute("exec", id, "sh", "-c", "echo $(id -u) $(id -g)").Out);
        Assert.Equal("100000", File.ReadLines($"/proc/{bundle.StateOf(id)["pid"]}/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1]);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Namespaces_are_joined_by_path(string runtime)
    {
        using var first = new OciBundle(runtime);
        string id = first.Shell("sleep 100").Start();
        string pid = first.StateOf(id)["pid"]!.ToString();
        using var second = new OciBundle(runtime);
        foreach ((string type, string file) in new[] { ("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("pid", "pid") })
        {
            second.Namespace(type, $"/proc/{pid}/ns/{file}");
        }

        second.Config.AsObject().Remove("hostname");
        string expected = string.Join(' ', new[] { "net", "ipc", "uts", "pid" }.Select(name => File.ResolveLinkTarget($"/proc/{pid}/ns/{name}", false)!.Name));
        Outcome outcome = second.Shell("echo $(for n in net ipc uts pid; do readlink /proc/self/ns/$n; done); ps | grep -c 'root     sleep 100$'").Run();
        Assert.Equal($"{expected}\n1\n", outcome.Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_pods_container_joins_the_user_namespace_and_has_processes_of_its_own(string runtime)
    {
        using var first = new OciBundle(runtime);
        AddUsers(first);
        string id = first.Shell("sleep 100").Start();
        string pid = first.StateOf(id)["pid"]!.ToString();
        using var second = new OciBundle(runtime);
        AddUsers(second);
        foreach ((string type, string file) in new[] { ("user", "user"), ("network", "net"), ("ipc", "ipc") })
        {
            second.Namespace(type, $"/proc/{pid}/ns/{file}");
        }

        string joined = $"{File.ResolveLinkTarget($"/proc/{pid}/ns/user", false)!.Name} {File.ResolveLinkTarget($"/proc/{pid}/ns/net", false)!.Name}";
        string inner = second.Shell("echo $$ $(readlink /proc/self/ns/user) $(readlink /proc/self/ns/net) $(id -u); sleep 100").Start();
        Assert.True(SpinWait.SpinUntil(() => second.Output.EndsWith('\n'), 60_000));
        Assert.Equal($"1 {joined} 0\n", second.Output);
        Assert.Equal(0, second.Execute("exec", inner, "true").Code);
    }

    [Fact]
    public void A_mount_takes_the_map_of_the_user_namespace_that_its_container_joins()
    {
        using var first = new OciBundle();
        AddUsers(first);
        string id = first.Shell("sleep 100").Start();
        using var second = new OciBundle();
        AddUsers(second);
        second.Linux.Remove("uidMappings");
        second.Linux.Remove("gidMappings");
        second.Namespace("user", $"/proc/{first.StateOf(id)["pid"]}/ns/user");
        Directory.CreateDirectory(second.Root + "/mapped");
        Directory.CreateDirectory(second.Directory + "/source");
        File.WriteAllText(second.Directory + "/source/file", "x");
        TimurCommand.Execute("chown", ["7:8", second.Directory + "/source/file"]);
        second.Mount("/mapped", "bind", second.Directory + "/source", "bind", "idmap");
        Assert.Equal("7 8\n", second.Shell("stat -c '%u %g' /mapped/file").Run().Out);
    }

    [Fact]
    public void Clocks_are_moved_in_a_time_namespace()
    {
        using var bundle = new OciBundle();
        bundle.Namespace("time");
        bundle.Linux["timeOffsets"] = JsonNode.Parse("""{"monotonic":{"secs":1000},"boottime":{"secs":1000000}}""");
        string id = bundle.Shell("cut -d. -f1 /proc/uptime; sleep 100").Start();
        Assert.True(SpinWait.SpinUntil(() => bundle.Output.EndsWith('\n'), 60_000));
        double here = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0]);
        Assert.InRange(long.Parse(bundle.Output) - 1000000 - here, -60, 60);
        Assert.InRange(long.Parse(bundle.Execute("exec", id, "sh", "-c", "cut -d. -f1 /proc/uptime").Out) - 1000000 - here, -60, 60);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Limits_of_the_cgroup_are_written_and_its_path_is_honoured(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["resources"] = JsonNode.Parse(
            """
            {"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"}],
             "memory":{"limit":67108864,"reservation":33554432,"swappiness":7},"cpu":{"shares":300,"quota":30000,"period":60000,"cpus":"0","mems":"0"},"pids":{"limit":33}}
            """);
        bundle.Shell("sleep 100").Start();
        string Of(string controller, string file) => File.ReadAllText($"/sys/fs/cgroup/{controller}{bundle.CgroupPath}/{file}").Trim();
        Assert.Equal(("67108864", "33554432", "7"), (Of("memory", "memory.limit_in_bytes"), Of("memory", "memory.soft_limit_in_bytes"), Of("memory", "memory.swappiness")));
        Assert.Equal(("300", "30000", "60000"), (Of("cpu", "cpu.shares"), Of("cpu", "cpu.cfs_quota_us"), Of("cpu", "cpu.cfs_period_us")));
        Assert.Equal(("0", "0", "33"), (Of("cpuset", "cpuset.cpus"), Of("cpuset", "cpuset.mems"), Of("pids", "pids.max")));
        string[] devices = Of("devices", "devices.list").Split('\n');
        Assert.Contains("c 10:229 rw", devices);
        Assert.Contains("c 1:3 rwm", devices);
        Assert.Contains("c 10:200 rwm", devices);
        Assert.DoesNotContain("a *:* rwm", devices);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Seccomp_rules_answer_as_asked(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Linux["seccomp"] = JsonNode.Parse(
            """
            {"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],"syscalls":[
              {"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":122},
              {"names":["sethostname"],"action":"SCMP_ACT_KILL_PROCESS"}]}
            """);
        bundle.Capabilities("CAP_SYS_ADMIN");
        Outcome outcome = bundle.Shell("mkdir /tmp/x 2>&1; hostname other 2>/dev/null; echo $?").Run();
        Assert.Equal("mkdir: can't create directory '/tmp/x': Disk quota exceeded\n159\n", outcome.Out);
        Assert.Contains("Disk quota exceeded", bundle.Execute("exec", bundle.Shell("sleep 100").Start(), "mkdir", "/tmp/x").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"ociVersion":"2.0.0"}""", "config.json: ociVersion")]
    [InlineData("""{"ociVersion":"1.0.0","root":{"path":5}}""", "config.json: root.path: expected a string, found a number")]
    [InlineData("""{"ociVersion":"1.0.0","root":{"path":"rootfs"},"process":{"cwd":"/","args":["x"],"rlimits":[{"type":"RLIMIT_X","soft":1,"hard":1}]}}""", "config.json: process.rlimits[0].type")]
    [InlineData("""{"ociVersion":"1.0.0","root":{"path":"rootfs"},"process":{"cwd":"x","args":["x"]}}""", "config.json: process.cwd: 'x' isn't an absolute path")]
    [InlineData("""{"ociVersion":"1.0.0","root":{"path":"rootfs"},"process":{"cwd":"/","args":["x"],"execCPUAffinity":{"initial":"0","final":"x"}}}""", "config.json: process.execCPUAffinity.final: 'x' isn't a list such as 0-3,7")]
    [InlineData("""{"ociVersion":"1.0.0","root":{"path":"rootfs"},"process":{"cwd":"/","args":["x"],"scheduler":{"policy":"SCHED_OTHER","priority":5}}}""", "config.json: process.scheduler.priority can only be specified for SCHED_FIFO or SCHED_RR")]
    [InlineData("""{"ociVersion":"1.0.0","root":{"path":"rootfs"},"process":{"cwd":"/","args":["x"],"scheduler":{"policy":"SCHED_FIFO","deadline":5}}}""", "config.json: process.scheduler.runtime, deadline and period can only be specified for SCHED_DEADLINE")]
    [InlineData("""{"ociVersion":"1.0.0","root":{"path":"rootfs"},"process":{"cwd":"/","args":["x"]},"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_SPARC","SCMP_ARCH_PPC"]}}}""", "config.json: linux.seccomp: string SCMP_ARCH_SPARC is not a valid arch for seccomp")]
    [InlineData("""{"ociVersion":"1.0.0",""", "config.json: line 1, column")]
    public void A_configuration_that_makes_no_sense_is_refused_with_its_place(string json, string place)
    {
        using var bundle = new OciBundle();
        File.WriteAllText(bundle.Directory + "/config.json", json);
        Outcome outcome = bundle.TryCreate(bundle.NewId());
        Assert.Equal(1, outcome.Code);
        Assert.Contains(place, outcome.Error, StringComparison.Ordinal);
        Assert.Equal("", bundle.Execute("list", "-q").Out);
    }

    [Fact]
    public void Features_are_told_as_json()
    {
        using var bundle = new OciBundle();
        JsonNode features = JsonNode.Parse(bundle.Execute("features").Out)!;
        Assert.Equal(6, features["hooks"]!.AsArray().Count);
        Assert.Contains("time", features["linux"]!["namespaces"]!.AsArray().Select(node => node!.GetValue<string>()));
        Assert.True(features["linux"]!["seccomp"]!["enabled"]!.GetValue<bool>());
        Assert.True(features["linux"]!["cgroup"]!["systemd"]!.GetValue<bool>());
    }

    private static void AddUsers(OciBundle bundle)
    {
        bundle.Namespace("user");
        bundle.Linux["uidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":100000,"size":65536}]""");
        bundle.Linux["gidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":200000,"size":65536}]""");
        File.SetUnixFileMode(bundle.Directory, (UnixFileMode)0b111_101_101);

        // Root of the namespace may make nothing in the image, whose files are the host's root's.
        foreach (string directory in new[] { "/proc", "/dev", "/sys" })
        {
            Directory.CreateDirectory(bundle.Root + directory);
        }
    }
}
