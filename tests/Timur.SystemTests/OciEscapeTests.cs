using System.Text.Json.Nodes;
using Timur.Kernel;
using Xunit;

namespace Timur.SystemTests;

/// <summary>The known attacks on OCI runtimes, tried on this one (SECURITY.md has the table).</summary>
public sealed class OciEscapeTests(AttackPrograms programs) : IClassFixture<AttackPrograms>
{
    [Theory]
    [InlineData("/evil", true)]
    [InlineData("/link", true)]
    [InlineData("/evil", false)]
    [InlineData("/link", false)]
    public void The_runtimes_own_file_cannot_be_overwritten_from_inside(string command, bool ownProcesses)
    {
        // CVE-2019-5736: the image makes the runtime execute itself inside, where its file is opened and later written to.
        using var bundle = new OciBundle();
        string runtime = bundle.Directory + "/timur-runc";
        File.Copy(TimurCommand.Path, runtime);
        foreach (string directory in new[] { "/lib64", "/lib" })
        {
            Directory.CreateDirectory(bundle.Root + directory);
        }

        File.Copy(programs.Directory + "/attack", bundle.Root + "/attack");
        foreach (string loader in new[] { "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1" })
        {
            File.Copy(programs.Directory + "/loader", bundle.Root + loader);
        }

        File.WriteAllText(bundle.Root + "/evil", "#!/proc/self/exe\n");
        File.SetUnixFileMode(bundle.Root + "/evil", (UnixFileMode)0x1ED);
        File.CreateSymbolicLink(bundle.Root + "/link", "/proc/self/exe");
        byte[] before = File.ReadAllBytes(runtime);
        if (!ownProcesses)
        {
            // Others could trace what enters: the runtime's file itself is executed inside, through a read-only mount.
            bundle.WithoutNamespace("pid");
        }

        bundle.Command(command).Save();
        TimurCommand.Execute(runtime, ["--root", bundle.State, "run", "--bundle", bundle.Directory, bundle.NewId()]);
        AssertStopped();
        string id = bundle.Shell("sleep 100").Start();
        TimurCommand.Execute(runtime, ["--root", bundle.State, "exec", id, command]);
        AssertStopped();
        Assert.Equal(before, File.ReadAllBytes(runtime));

        void AssertStopped()
        {
            // What is executed instead of the runtime's file is no dynamic program: the attack doesn't even begin.
            Assert.Equal(!ownProcesses, SpinWait.SpinUntil(() => File.Exists(bundle.Root + "/result") && File.ReadAllText(bundle.Root + "/result").Length > 0, ownProcesses ? 200 : 20_000));
            if (!ownProcesses)
            {
                Assert.Matches("^overwrite (EROFS|ETXTBSY)\n$", File.ReadAllText(bundle.Root + "/result"));
                File.Delete(bundle.Root + "/result");
            }
        }
    }

    [Fact]
    public void A_working_directory_behind_a_descriptor_is_refused_and_no_descriptor_is_left_open()
    {
        // CVE-2024-21626
        using var bundle = new OciBundle();
        Assert.Equal("0 1 2 3\n", bundle.Shell("echo $(ls /proc/self/fd)").Run().Out);
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal("0 1 2 3\n", bundle.Execute("exec", id, "sh", "-c", "echo $(ls /proc/self/fd)").Out);
        for (int fd = 3; fd < 20; fd++)
        {
            bundle.Process["cwd"] = $"/proc/self/fd/{fd}";
            Assert.NotEqual(0, bundle.Shell("cat etc/shadow ../etc/shadow ../../etc/shadow").Run().Code);
            Assert.NotEqual(0, bundle.Execute("exec", "--cwd", $"/proc/self/fd/{fd}", id, "true").Code);
        }
    }

    [Fact]
    public void Capabilities_are_never_inheritable_by_themselves()
    {
        // CVE-2022-29162
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        Assert.EndsWith("0000000000000000\n", bundle.Execute("exec", "--cap", "CAP_CHOWN", id, "grep", "CapInh", "/proc/self/status").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mount_through_a_link_of_the_image_stays_inside()
    {
        // CVE-2021-30465
        using var bundle = new OciBundle();
        string outside = bundle.Directory + "/outside";
        Directory.CreateDirectory(outside);
        string up = string.Concat(Enumerable.Repeat("../", 20));
        File.CreateSymbolicLink(bundle.Root + "/link", $"{up}{outside[1..]}");
        File.CreateSymbolicLink(bundle.Root + "/absolute", outside);
        bundle.Mount("/link/a", "tmpfs", "tmpfs").Mount("/absolute/b", "tmpfs", "tmpfs").Mount("/absolute/c", "bind", "/etc/hostname", "bind");
        Assert.Equal(0, bundle.Shell("touch /link/a/x && touch /absolute/b/x && test -f /absolute/c").Run().Code);
        Assert.Empty(Directory.GetFileSystemEntries(outside));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void An_image_whose_dev_is_a_link_gets_nothing_made_outside(bool absolute, bool mounted)
    {
        // CVE-2026-41579: links and nodes of /dev, and the working directory (CVE-2026-55686), were made by a path.
        using var bundle = new OciBundle();
        string outside = bundle.Directory + "/outside";
        Directory.CreateDirectory(outside);
        string target = absolute ? outside : string.Concat(Enumerable.Repeat("../", 20)) + outside[1..];
        File.CreateSymbolicLink(bundle.Root + "/dev", target);
        File.CreateSymbolicLink(bundle.Root + "/work", target);
        JsonArray mounts = bundle.Config["mounts"]!.AsArray();
        foreach (JsonNode? mount in mounts.Where(mount => !mounted && mount!["destination"]!.GetValue<string>().StartsWith("/dev", StringComparison.Ordinal)).ToArray())
        {
            mounts.Remove(mount);
        }

        bundle.Linux["devices"] = JsonNode.Parse("""[{"path":"/dev/deep/fuse","type":"c","major":10,"minor":229}]""");
        bundle.Process["cwd"] = "/work/made";
        Outcome outcome = bundle.Shell("pwd -P; echo >/work/made/here").Run();
        Assert.True(outcome.Code is 0 or 1, outcome.ToString());
        bundle.Process["terminal"] = true;
        bundle.Shell("true").Save();
        TimurCommand.Execute("sh", ["-c", $"{bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()} </dev/null"]);
        Assert.Empty(Directory.GetFileSystemEntries(outside));
    }

    [Fact]
    public void A_user_of_exec_is_the_one_that_was_named()
    {
        // crun took a lone 1 for root until 1.27, and Debian's runc takes 4294967296 for it.
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal("1 0\n", bundle.Execute("exec", "--user", "1", id, "sh", "-c", "echo $(id -u) $(id -g)").Out);
        Assert.Equal("1 1\n", bundle.Execute("exec", "--user", "1:1", id, "sh", "-c", "echo $(id -u) $(id -g)").Out);
        foreach (string user in (string[])["4294967295", "0:4294967295", "4294967296", "-1", "1:4294967296", "1:", ":1", "x", "1:x", "1x"])
        {
            Outcome outcome = bundle.Execute("exec", "--user", user, id, "sh", "-c", "echo ran as $(id -u)");
            Assert.True(outcome.Code != 0 && outcome.Out == "", user + ": " + outcome);
        }
    }

    [Theory]
    [InlineData("uid")]
    [InlineData("gid")]
    public void An_id_that_system_calls_take_for_the_present_one_is_nobodys(string member)
    {
        // setresuid(2) takes 2^32-1 for "as it is", which is the runtime's own root; crun 1.28 makes root of it.
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        bundle.Process["user"]![member] = uint.MaxValue;
        Outcome outcome = bundle.Shell("id").Run();
        Assert.Equal((1, ""), (outcome.Code, outcome.Out));
        Assert.Contains($"config.json: process.user.{member}: 4294967295 isn't a number from 0 to 4294967294", outcome.Error, StringComparison.Ordinal);
        string file = bundle.Directory + "/process.json";
        File.WriteAllText(file, new JsonObject { ["args"] = new JsonArray("id"), ["cwd"] = "/", ["user"] = new JsonObject { [member] = uint.MaxValue } }.ToJsonString());
        outcome = bundle.Execute("exec", "--process", file, id);
        Assert.True(outcome.Code != 0 && outcome.Out == "", outcome.ToString());
    }

    [Fact]
    public void Streams_are_not_made_of_what_the_image_has_as_its_null_device()
    {
        // CVE-2026-88265: /dev/null is a link to a file of the host's that is bound into the container; it was opened for writing, and given to the user.
        using var bundle = new OciBundle();
        RemoveMount(bundle, "/dev");
        Directory.CreateDirectory(bundle.Root + "/dev");
        Directory.CreateDirectory(bundle.Root + "/volume");
        string outside = bundle.Directory + "/outside";
        File.WriteAllText(outside, "as it was");
        File.CreateSymbolicLink(bundle.Root + "/dev/null", "/volume/file");
        bundle.Process["user"] = new JsonObject { ["uid"] = 1000, ["gid"] = 1000 };
        bundle.Mount("/volume/file", "bind", outside, "bind").Shell("echo written; echo written >&2").Save();
        TimurCommand.Execute("sh", ["-c", $"{bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()} </dev/null >/dev/null 2>/dev/null"]);
        Assert.Equal("as it was", File.ReadAllText(outside));
        Assert.Equal(0u, Files.TryStatus(outside, out _, follow: true)!.Value.UserId);
    }

    [Fact]
    public void A_console_is_not_made_where_the_images_link_leads()
    {
        // CVE-2026-88264: the link's target isn't there, and was made on the host.
        using var bundle = new OciBundle();
        RemoveMount(bundle, "/dev");
        Directory.CreateDirectory(bundle.Root + "/dev");
        string outside = bundle.Directory + "/outside";
        string up = string.Concat(Enumerable.Repeat("../", 20));
        File.CreateSymbolicLink(bundle.Root + "/dev/console", $"{up}{outside[1..]}");
        bundle.Process["terminal"] = true;
        bundle.Shell("tty").Save();
        TimurCommand.Execute("script", ["-qec", $"{bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()}", "/dev/null"]);
        Assert.False(Path.Exists(outside));
    }

    [Fact]
    public void A_root_becomes_read_only_though_the_image_has_a_proc_of_its_own()
    {
        // CVE-2026-115521: the mount was named by /proc/self/fd, which the image made lead to another.
        using var bundle = new OciBundle();
        RemoveMount(bundle, "/proc");
        Directory.CreateDirectory(bundle.Root + "/proc/self/fd");
        for (int fd = 0; fd < 40; fd++)
        {
            File.CreateSymbolicLink($"{bundle.Root}/proc/self/fd/{fd}", "/tmp");
        }

        bundle.Linux["maskedPaths"] = new JsonArray();
        bundle.Linux["readonlyPaths"] = new JsonArray();
        bundle.Config["root"]!["readonly"] = true;
        bundle.Mount("/tmp", "tmpfs", "tmpfs").Mount("/opt", "tmpfs", "tmpfs", "ro");
        Outcome outcome = bundle.Shell("touch /tmp/x && echo kept; touch /x; touch /opt/x").Run();
        Assert.Equal("kept\n", outcome.Out);
        Assert.Equal(2, outcome.Error.Split("Read-only file system").Length - 1);
    }

    [Fact]
    public void What_a_tmpfs_copies_up_stays_in_it_though_its_place_is_swapped_all_the_time()
    {
        // CVE-2026-133553: the place was looked up a second time, and led to the host by then.
        using var bundle = new OciBundle();
        string outside = bundle.Directory + "/outside";
        Directory.CreateDirectory(outside + "/target");
        Directory.CreateDirectory(bundle.Root + "/volume/a/target");
        File.WriteAllText(bundle.Root + "/volume/a/target/file", "of the image");
        File.CreateSymbolicLink(bundle.Root + "/volume/b", string.Concat(Enumerable.Repeat("../", 20)) + outside[1..]);
        bundle.Mount("/volume/a/target", "tmpfs", "tmpfs", "tmpcopyup").Shell("cat /volume/?/target/file");
        int copied = 0;
        using (new LinkSwapper(bundle.Root + "/volume/a", bundle.Root + "/volume/b"))
        {
            for (int i = 0; i < 60; i++)
            {
                copied += bundle.Run().Out.Contains("of the image", StringComparison.Ordinal) ? 1 : 0;
            }
        }

        Assert.Empty(Directory.GetFileSystemEntries(outside + "/target"));
        Assert.Empty(Directory.GetFiles(outside));
        Assert.True(copied > 0);
    }

    [Theory]
    [InlineData(OciBundle.Control, "/proc/sys", "inside /proc")]
    [InlineData(OciBundle.Ours, "/proc/sys", "inside /proc")]
    [InlineData(OciBundle.Ours, "/proc/../proc/self/attr", "inside /proc")]
    [InlineData(OciBundle.Control, "/proc", "not of type proc")]
    [InlineData(OciBundle.Ours, "/proc", "not of type proc")]
    [InlineData(OciBundle.Ours, "/link", "inside /proc")]
    [InlineData(OciBundle.Ours, "/link/deeper", "inside /proc")]
    public void Nothing_is_mounted_over_a_containers_process_file_system(string runtime, string place, string words)
    {
        // CVE-2019-16884: a volume at such a place, which an image can declare, stood in for what is masked there and for the files of labels.
        using var bundle = new OciBundle(runtime);
        Directory.CreateDirectory(bundle.Directory + "/volume");
        File.CreateSymbolicLink(bundle.Root + "/link", "proc/sys");
        Outcome outcome = bundle.Mount(place, "bind", bundle.Directory + "/volume", "bind").Shell("echo ran").Run();
        Assert.Equal((1, ""), (outcome.Code, outcome.Out));
        Assert.Contains("cannot be mounted because it is " + words, outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Facts_about_the_machine_may_be_others_than_the_kernels(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        File.WriteAllText(bundle.Directory + "/uptime", "1.00 2.00\n");
        bundle.Mount("/proc/uptime", "bind", bundle.Directory + "/uptime", "bind");
        Assert.Equal("1.00 2.00\n", bundle.Shell("cat /proc/uptime").Run().Out);
    }

    [Fact]
    public void A_mount_whose_target_is_swapped_all_the_time_never_reaches_the_host()
    {
        // CVE-2021-30465 as a race: another process, which shares the volume, exchanges a directory and a link out of it.
        using var bundle = new OciBundle();
        string outside = bundle.Directory + "/outside";
        Directory.CreateDirectory(outside);
        Directory.CreateDirectory(bundle.Root + "/volume/a");
        string up = string.Concat(Enumerable.Repeat("../", 20));
        File.CreateSymbolicLink(bundle.Root + "/volume/b", $"{up}{outside[1..]}");
        bundle.Mount("/volume/a/target", "tmpfs", "tmpfs").Mount("/volume/a/file", "bind", "/etc/hostname", "bind").Shell("true");
        int succeeded = 0;
        using (new LinkSwapper(bundle.Root + "/volume/a", bundle.Root + "/volume/b"))
        {
            for (int i = 0; i < 60; i++)
            {
                succeeded += bundle.Run().Code == 0 ? 1 : 0;
            }
        }

        Assert.Empty(Directory.GetFileSystemEntries(outside));
        Assert.DoesNotContain(outside, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        Assert.True(succeeded > 0);
    }

    [Fact]
    public void A_proc_that_is_a_link_of_the_image_is_refused_and_nothing_is_written_there()
    {
        // CVE-2019-19921, CVE-2023-27561, CVE-2023-28642
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Root + "/other/sys/net/ipv4");
        File.WriteAllText(bundle.Root + "/other/sys/net/ipv4/ip_forward", "image\n");
        File.CreateSymbolicLink(bundle.Root + "/proc", "/other");
        bundle.Linux["maskedPaths"] = new JsonArray("/proc/cpuinfo");
        bundle.Linux["readonlyPaths"] = new JsonArray("/proc/sys");
        bundle.Linux["sysctl"] = new JsonObject { ["net.ipv4.ip_forward"] = "1" };
        Assert.Contains("must be mounted on ordinary directory", bundle.Shell("true").Run().Error, StringComparison.Ordinal);
        Assert.Equal("image\n", File.ReadAllText(bundle.Root + "/other/sys/net/ipv4/ip_forward"));
    }

    [Fact]
    public void A_mask_is_not_made_of_what_the_image_has_as_its_null_device()
    {
        // CVE-2025-31133: without a /dev of its own the image's is used.
        using var bundle = new OciBundle();
        RemoveMount(bundle, "/dev");
        Directory.CreateDirectory(bundle.Root + "/dev");
        File.CreateSymbolicLink(bundle.Root + "/dev/null", "/proc/sys/kernel/core_pattern");
        bundle.Linux["maskedPaths"] = new JsonArray("/proc/kcore", "/proc/keys");
        Assert.Equal("0 1:3\n", bundle.Shell("echo $(wc -c </proc/keys) $(stat -c %t:%T /proc/keys)").Run().Out);
    }

    [Theory]
    [InlineData("/dev/console")]
    [InlineData("/dev/pts")]
    [InlineData("/dev/ptmx")]
    public void A_terminal_is_not_put_where_the_image_points_to(string path)
    {
        // CVE-2025-52565
        using var bundle = new OciBundle();
        RemoveMount(bundle, "/dev");
        Directory.CreateDirectory(bundle.Root + "/dev");
        string outside = bundle.Directory + "/outside";
        File.WriteAllText(outside, "");
        string up = string.Concat(Enumerable.Repeat("../", 20));
        File.CreateSymbolicLink(bundle.Root + path, $"{up}{outside[1..]}");
        bundle.Process["terminal"] = true;
        bundle.Shell("tty").Save();
        TimurCommand.Execute("script", ["-qec", $"{bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()}", "/dev/null"]);
        Assert.Equal("", File.ReadAllText(outside));
        Assert.DoesNotContain(outside, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_parameter_is_written_to_the_kernel_though_the_image_swaps_its_proc_all_the_time()
    {
        // CVE-2025-52881
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Root + "/one/sys/net/ipv4");
        string decoy = bundle.Root + "/one/sys/net/ipv4/ip_forward";
        File.WriteAllText(decoy, "decoy\n");
        Directory.CreateDirectory(bundle.Root + "/proc");
        File.CreateSymbolicLink(bundle.Root + "/swap", "/one");
        bundle.Linux["sysctl"] = new JsonObject { ["net.ipv4.ip_forward"] = "1" };
        bundle.Linux["maskedPaths"] = new JsonArray();
        bundle.Linux["readonlyPaths"] = new JsonArray();
        bundle.Shell("cat /one/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_forward /swap/sys/net/ipv4/ip_forward 2>/dev/null");
        var seen = new HashSet<string>();
        using (new LinkSwapper(bundle.Root + "/proc", bundle.Root + "/swap"))
        {
            for (int i = 0; i < 40; i++)
            {
                seen.Add(bundle.Run().Out);
            }
        }

        Assert.Equal("decoy\n", File.ReadAllText(decoy));

        // The link is refused, or was there only when nobody looked: whatever is mounted is the kernel's, and what the image has stays the image's.
        Assert.All(seen, output => Assert.True(output.Length == 0 || output.Split('\n')[..^1].All(line => line is "1" or "decoy"), output));
        Assert.Contains(seen, text => text.Split('\n').Contains("1"));
    }

    private static void RemoveMount(OciBundle bundle, string destination)
    {
        JsonArray mounts = bundle.Config["mounts"]!.AsArray();
        foreach (JsonNode? mount in mounts.ToArray())
        {
            if (mount!["destination"]!.GetValue<string>() == destination)
            {
                mounts.Remove(mount);
            }
        }
    }
}
