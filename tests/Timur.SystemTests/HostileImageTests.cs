using Timur.Kernel;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Images and directories whose paths lead out of them: nothing outside is read, made or changed.</summary>
public sealed class HostileImageTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly string _tree;
    private readonly string _outside;

    public HostileImageTests()
    {
        _tree = _timur.Root + "/tree";
        _outside = _timur.Root + "/outside";
        Directory.CreateDirectory(_tree + "/bin");
        Directory.CreateDirectory(_outside + "/sub");
        File.Copy(File.Exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", _tree + "/bin/busybox");
        File.CreateSymbolicLink(_tree + "/bin/sh", "busybox");
        File.WriteAllText(_outside + "/passwd", "spy:x:4242:4242::/:/bin/sh\n");
        File.WriteAllText(_outside + "/resolv.conf", "secret\n");
        Directory.CreateDirectory(_timur.Root + "/volume");
        File.WriteAllText(_timur.Root + "/volume/inside", "x");
    }

    public void Dispose() => _timur.Dispose();

    public static TheoryData<string, string, bool> Links()
    {
        var data = new TheoryData<string, string, bool>();
        foreach (string place in (string[])["etc", "dev", "proc", "sys", "etc/resolv.conf", "etc/hosts", "etc/hostname", "srv", "tmp", "var"])
        {
            foreach (string kind in (string[])["absolute", "relative", "chain"])
            {
                data.Add(place, kind, true);
                data.Add(place, kind, false);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Links))]
    public void A_link_out_of_the_root_leads_nowhere(string place, string kind, bool asImage)
    {
        MakeLink(place, kind);
        string before = Outside();
        foreach (string[] options in (string[][])
            [[], ["-w", "/srv/work"], ["-v", $"{_timur.Root}/volume:/srv/x"], ["--tmpfs", "/var/t"], ["-v", "/etc/anonymous"], ["--read-only"], ["-w", "/etc"], ["--init", "-u", "1000"]])
        {
            Outcome outcome = Run(asImage, [.. options], "busybox id -u; echo written > /etc/made; echo written > /srv/made; echo written > /tmp/made; busybox mkdir /var/made");
            Assert.DoesNotContain("secret", outcome.Out + outcome.Error);
            Assert.Equal(before, Outside());
            Assert.True(outcome.Code is 0 or 1 or 2 or 125, outcome.ToString());
        }

        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
        Assert.Equal("", _timur.Run("ps", "-aq").Out);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Users_are_not_looked_up_outside(bool asImage)
    {
        Directory.CreateDirectory(_tree + "/etc");
        File.CreateSymbolicLink(_tree + "/etc/passwd", _outside + "/passwd");
        Outcome outcome = Run(asImage, ["-u", "spy"], "true");
        Assert.Equal(125, outcome.Code);
        Assert.Contains("no user 'spy'", outcome.Error);
        File.Delete(_tree + "/etc/passwd");
        File.CreateSymbolicLink(_tree + "/etc/passwd", "../../../../../../../../../.." + _outside + "/passwd");
        Assert.Contains("no user 'spy'", Run(asImage, ["-u", "spy"], "true").Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_number_is_no_name_of_the_image_and_one_out_of_range_is_nobody(bool asImage)
    {
        // CVE-2026-46680, CVE-2024-40635: what was too big for a number was looked up as a name, or came out as 0.
        Directory.CreateDirectory(_tree + "/etc");
        string[] tooBig = ["4294967295", "4294967296", "8589934592", "18446744073709551616"];
        File.WriteAllText(_tree + "/etc/passwd", string.Concat(tooBig.Append("1000").Select(name => $"{name}:x:0:0::/:/bin/sh\n")));
        File.WriteAllText(_tree + "/etc/group", string.Concat(tooBig.Append("1000").Select(name => $"{name}:x:0:\n")));
        const string who = "/bin/busybox grep -E '^(Uid|Gid):' /proc/self/status";
        foreach (string number in tooBig)
        {
            foreach (string user in (string[])[number, $"{number}:1000", $"1000:{number}", $"{number}:{number}"])
            {
                Outcome outcome = Run(asImage, ["-u", user], who);
                Assert.Equal((125, ""), (outcome.Code, outcome.Out));
                Assert.Contains($"{number} is out of range", outcome.Error);
            }
        }

        Assert.Equal("Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\n", Run(asImage, ["-u", "1000:1000"], who).Out);
    }

    [Fact]
    public void The_primary_group_is_among_the_groups_so_that_no_setgid_program_gives_it_up()
    {
        // CVE-2022-36109, CVE-2022-2989: files that refuse a group something refuse it to a process whose effective group is another.
        Directory.CreateDirectory(_tree + "/etc");
        File.WriteAllText(_tree + "/etc/passwd", "user:x:1000:1001::/:/bin/sh\n");
        File.WriteAllText(_tree + "/etc/group", "first:x:1001:\nother:x:77:user\n");
        const string groups = "/bin/busybox grep ^Groups: /proc/self/status";
        Assert.Equal("Groups:\t77 1001 \n", Run(asImage: false, ["-u", "user"], groups).Out);
        Assert.Equal("Groups:\t5 \n", Run(asImage: false, ["-u", "user:5"], groups).Out);
        Assert.Equal("Groups:\t0 \n", Run(asImage: false, [], groups).Out);
    }

    [Fact]
    public void A_volume_that_an_image_declares_outside_of_itself_copies_nothing_of_the_host()
    {
        // CVE-2022-23648: the new volume was filled from a path of the host.
        Directory.CreateDirectory(_tree + "/srv");
        File.CreateSymbolicLink(_tree + "/srv/link", _outside);
        Assert.Equal(0, TimurCommand.Execute("tar", ["-C", _tree, "-cf", _timur.Root + "/evil.tar", "."]).Code);
        string before = Outside();
        foreach (string volume in (string[])[$"/../../../../../../../..{_outside}", "/srv/link", $"/srv/../../../..{_outside}"])
        {
            Assert.Equal(0, _timur.Run("import", "--change", "VOLUME " + volume, _timur.Root + "/evil.tar", "voluminous").Code);
            Outcome outcome = _timur.Run("run", "--rm", "--network", "none", "voluminous", "/bin/sh", "-c", $"/bin/busybox find / -xdev -name resolv.conf -exec /bin/busybox cat {{}} ';'; /bin/busybox cat {_outside}/* /srv/link/*");
            Assert.DoesNotContain("secret", outcome.Out + outcome.Error);
            Assert.Equal(before, Outside());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_passwd_that_is_a_pipe_a_device_or_nonsense_holds_nothing_up(bool asImage)
    {
        Directory.CreateDirectory(_tree + "/etc");
        Assert.Equal(0, TimurCommand.Execute("mkfifo", [_tree + "/etc/passwd"]).Code);
        Assert.Equal("Uid:\t7\t7\t7\t7\n", Run(asImage, ["-u", "7"], "/bin/busybox grep Uid /proc/self/status").Out);
        File.Delete(_tree + "/etc/passwd");
        Assert.Equal(0, TimurCommand.Execute("mknod", [_tree + "/etc/passwd", "c", "1", "5"]).Code);
        Assert.Equal("Uid:\t7\t7\t7\t7\n", Run(asImage, ["-u", "7"], "/bin/busybox grep Uid /proc/self/status").Out);
        File.Delete(_tree + "/etc/passwd");
        File.WriteAllText(_tree + "/etc/passwd", "a:x:99999999999:0::/:\nb:x:5:none::/:\n:::::\nc:x:4294967295:4294967295::/:\nd:x:-1:0::/:\n\xff\xfe\n");
        foreach (string user in (string[])["a", "b", "c", "d"])
        {
            Assert.Equal(125, Run(asImage, ["-u", user], "true").Code);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_terminal_of_an_image_with_a_linked_dev_stays_inside(bool asImage)
    {
        MakeLink("dev", "absolute");
        string before = Outside();
        Name(asImage);
        string what = asImage ? "evil" : "--rootfs " + _tree;
        TimurCommand.Execute("script", ["-qec", $"{_timur.Words} run -it --rm --network none {what} /bin/sh -c 'echo x > /dev/console'", "/dev/null"]);
        Assert.Equal(before, Outside());
    }

    [Fact]
    public void Copies_into_a_hidden_or_protected_path_through_a_link_stay_inside()
    {
        // The mask of /proc/kcore would land on the link's target if it were followed on the host.
        File.CreateSymbolicLink(_tree + "/proc", _outside + "/sub");
        Directory.CreateDirectory(_outside + "/sub/sys");
        File.WriteAllText(_outside + "/sub/kcore", "content");
        string before = Outside();
        Run(asImage: false, [], "true");
        Assert.Equal(before, Outside());
        Assert.Equal("content", File.ReadAllText(_outside + "/sub/kcore"));
        Assert.DoesNotContain(_outside, File.ReadAllText("/proc/self/mountinfo"));
    }

    [Fact]
    public void A_parameter_is_written_to_the_kernel_though_the_root_swaps_its_proc_all_the_time()
    {
        // CVE-2025-52881
        string[] decoys = [_outside + "/sys/net/ipv4/ip_forward", _tree + "/one/sys/net/ipv4/ip_forward"];
        foreach (string decoy in decoys)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(decoy)!);
            File.WriteAllText(decoy, "decoy\n");
        }

        Directory.CreateDirectory(_tree + "/two");
        File.CreateSymbolicLink(_tree + "/proc", "/two");
        File.CreateSymbolicLink(_tree + "/swap", _outside);
        File.CreateSymbolicLink(_tree + "/third", "/one");
        string before = Outside();
        bool stop = false;
        var swapper = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                Files.TryExchange(_tree + "/proc", _tree + "/swap", out _);
                Files.TryExchange(_tree + "/swap", _tree + "/third", out _);
            }
        });
        swapper.Start();
        var seen = new HashSet<string>();
        for (int i = 0; i < 25; i++)
        {
            seen.Add(_timur.Run("run", "--rm", "--network", "none", "--sysctl", "net.ipv4.ip_forward=1", "--rootfs", _tree, "/bin/sh", "-c", "busybox cat /two/sys/net/ipv4/ip_forward").Out);
        }

        Volatile.Write(ref stop, true);
        swapper.Join();
        Assert.Equal(before, Outside());
        Assert.All(decoys, decoy => Assert.Equal("decoy\n", File.ReadAllText(decoy)));

        // Where the root had led the mount elsewhere the container may fail to start, or not find it there.
        Assert.Subset(new HashSet<string> { "1\n", "" }, seen);
        Assert.Contains("1\n", seen);
    }

    private void MakeLink(string place, string kind)
    {
        string target = place.Contains('/') ? _outside + "/resolv.conf" : _outside;
        string link = $"{_tree}/{place}";
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        string climb = string.Concat(Enumerable.Repeat("../", 20));
        switch (kind)
        {
            case "absolute": File.CreateSymbolicLink(link, target); break;
            case "relative": File.CreateSymbolicLink(link, climb + target.TrimStart('/')); break;
            default:
                File.CreateSymbolicLink(link, place.Contains('/') ? "../one" : "one");
                File.CreateSymbolicLink(_tree + "/one", "bin/../two");
                File.CreateSymbolicLink(_tree + "/two", climb + target.TrimStart('/'));
                break;
        }
    }

    private void Name(bool asImage)
    {
        if (asImage)
        {
            Assert.Equal(0, TimurCommand.Execute("tar", ["-C", _tree, "-cf", _timur.Root + "/evil.tar", "."]).Code);
            Outcome imported = _timur.Run("import", _timur.Root + "/evil.tar", "evil");
            Assert.True(imported.Code == 0, imported.ToString());
        }
    }

    private Outcome Run(bool asImage, string[] options, string script)
    {
        Name(asImage);
        return _timur.Run(["run", "--rm", "--network", "none", .. options, .. asImage ? (string[])["evil"] : ["--rootfs", _tree], "/bin/sh", "-c", script]);
    }

    /// <summary>Names, kinds, sizes, owners, modes and times of everything outside.</summary>
    private string Outside() => TimurCommand.Execute("find", [_outside, "-printf", "%p %y %s %U %m %T@ %l\n"]).Out;
}
