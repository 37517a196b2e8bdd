using Xunit;

namespace Timur.SystemTests;

/// <summary>What a program in a container sees, and what <c>run</c> answers.</summary>
public sealed class RunTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void What_the_caller_denies_to_new_files_is_not_denied_in_the_container()
    {
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"umask 077; exec {_timur.Words} run --rm -u 1000 --network none -v fresh:/data busybox sh -c 'ls / >/dev/null && cat /etc/hostname >/dev/null && stat -c %a / /data'"]);
        Assert.Equal((0, "755\n755\n"), (outcome.Code, outcome.Out));
    }

    [Fact]
    public void Output_errors_and_exit_code_are_the_payloads()
    {
        Outcome outcome = _timur.Shell("echo out; echo err >&2; exit 7");
        Assert.Equal((7, "out\n", "err\n"), (outcome.Code, outcome.Out, outcome.Error));
    }

    [Fact]
    public void A_signals_number_shows_in_the_exit_code() => Assert.Equal(143, _timur.Shell("kill -TERM $$; sleep 5", "--init").Code);

    [Fact]
    public void Standard_input_reaches_the_payload_with_interactive()
    {
        Outcome outcome = TimurCommand.Execute("/bin/sh", ["-c", $"{_timur.Words} run -i --rm --network none busybox wc -c"], new string('x', 300_000));
        Assert.Equal("300000\n", outcome.Out);
    }

    [Fact]
    public void Processes_are_a_world_of_their_own() => Assert.Equal("1\n", _timur.Shell("echo $$").Out);

    [Fact]
    public void Hostname_user_directory_and_environment_are_as_asked()
    {
        Outcome outcome = _timur.Shell("hostname; id -u; id -g; pwd; echo $A", "--hostname", "box", "-u", "nobody", "-w", "/var/new/dir", "-e", "A=b c");
        Assert.Equal("box\n65534\n65534\n/var/new/dir\nb c\n", outcome.Out);
    }

    [Fact]
    public void Only_default_capabilities_are_there_and_no_new_ones_can_be_gained()
    {
        string status = _timur.Shell("cat /proc/self/status").Out;
        Assert.Contains("CapEff:\t00000000a80425fb", status);
        Assert.Contains("CapBnd:\t00000000a80425fb", status);
        Assert.Contains("CapInh:\t0000000000000000", status);
        Assert.Contains("NoNewPrivs:\t1", status);
        Assert.Contains("Seccomp:\t2", status);
    }

    [Fact]
    public void Capabilities_can_be_dropped_and_added()
    {
        Assert.Contains("CapEff:\t0000000000000400", _timur.Shell("cat /proc/self/status", "--cap-drop", "all", "--cap-add", "net_bind_service").Out);
        Assert.NotEqual(0, _timur.Shell("chown 1 /tmp", "--cap-drop", "chown").Code);
    }

    [Fact]
    public void The_default_profile_refuses_mounts_and_namespaces_even_with_the_capability_it_leaves_out()
    {
        Assert.NotEqual(0, _timur.Shell("unshare -m true").Code);
        Assert.NotEqual(0, _timur.Shell("mount -t tmpfs none /tmp").Code);
        Assert.Equal(0, _timur.Shell("mount -t tmpfs none /tmp", "--privileged").Code);
    }

    [Fact]
    public void Kernel_files_are_masked_or_read_only()
    {
        Assert.Equal("0\n", _timur.Shell("cat /proc/interrupts /proc/timer_list /proc/keys | wc -c").Out);
        Assert.Equal("0\n", _timur.Shell("ls /sys/firmware /proc/acpi 2>/dev/null | grep -v : | grep -c .").Out);
        Assert.NotEqual(0, _timur.Shell("echo 1 > /proc/sys/kernel/printk").Code);
        Assert.NotEqual(0, _timur.Shell("echo b > /proc/sysrq-trigger").Code);
        Assert.NotEqual(0, _timur.Shell("mkdir /sys/fs/cgroup/memory/x").Code);
    }

    [Fact]
    public void A_chmod_of_a_masked_file_does_not_reach_the_hosts_null_device()
    {
        UnixFileMode before = File.GetUnixFileMode("/dev/null");
        _timur.Shell("chmod 000 /proc/timer_list; chown 1:1 /proc/timer_list; chmod 000 /dev/null");
        Assert.Equal(before, File.GetUnixFileMode("/dev/null"));
    }

    [Fact]
    public void Dev_holds_the_standard_devices_only()
    {
        Outcome outcome = _timur.Shell("ls /dev; echo x > /dev/null; head -c 3 /dev/zero | wc -c; test -L /dev/fd");
        Assert.Equal((File.Exists("/proc/kcore") ? "core\n" : "") + "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n3\n", outcome.Out);
    }

    [Fact]
    public void Read_only_roots_tmpfs_shm_and_volumes_are_what_they_say()
    {
        Directory.CreateDirectory(_timur.Root + "/shared");
        Assert.NotEqual(0, _timur.Shell("touch /x", "--read-only").Code);
        Assert.Equal(0, _timur.Shell("touch /scratch/x", "--read-only", "--tmpfs", "/scratch").Code);
        Assert.Contains(" 32.0M ", _timur.Shell("df -h /dev/shm", "--shm-size", "32m").Out);
        Assert.Equal(0, _timur.Shell("echo kept > /mnt/f", "-v", $"{_timur.Root}/shared:/mnt").Code);
        Assert.Equal("kept\n", File.ReadAllText(_timur.Root + "/shared/f"));
        Assert.NotEqual(0, _timur.Shell("echo no > /mnt/f", "-v", $"{_timur.Root}/shared:/mnt:ro").Code);
        Assert.Equal(0, _timur.Shell("echo named > /mnt/f", "-v", "store:/mnt").Code);
        Assert.Equal("named\n", _timur.Shell("cat /mnt/f", "-v", "store:/mnt").Out);
    }

    [Fact]
    public void Ulimits_and_sysctls_are_set()
    {
        Assert.Equal("100\n", _timur.Shell("ulimit -n", "--ulimit", "nofile=100:200").Out);
        Assert.Equal("1234\n", _timur.Shell("cat /proc/sys/net/core/somaxconn", "--sysctl", "net.core.somaxconn=1234").Out);
        Outcome refused = _timur.Shell("true", "--sysctl", "kernel.panic=1");
        Assert.Equal(125, refused.Code);
        Assert.Contains("would change the whole machine", refused.Error);
    }

    [Fact]
    public void The_init_process_reaps_and_passes_signals_on()
    {
        _timur.Start("reaped", "trap 'echo got; exit 9' TERM; (sleep 0.1 &) ; while :; do sleep 0.1; done", "--init");
        Thread.Sleep(500);
        Assert.DoesNotContain("[sleep]", _timur.Run("exec", "reaped", "ps").Out);
        _timur.Run("stop", "reaped");
        Assert.Equal("9", _timur.Inspect("reaped", "{{.State.ExitCode}}"));
        Assert.Equal("got\n", _timur.Run("logs", "reaped").Out);
    }

    [Fact]
    public void Namespaces_can_be_the_hosts_or_another_containers()
    {
        _timur.Start("first", "sleep 100", "--hostname", "one");
        Assert.Contains("sleep 100", _timur.Shell("ps", "--pid", "container:first").Out);
        Assert.Equal("one\n", _timur.Shell("hostname", "--uts", "container:first").Out);
        Assert.Equal(Environment.MachineName + "\n", _timur.Shell("hostname", "--uts", "host").Out);
        string net = _timur.Run("exec", "first", "readlink", "/proc/self/ns/net").Out;
        Assert.Equal(net, _timur.Run("run", "--rm", "--network", "container:first", "busybox", "readlink", "/proc/self/ns/net").Out);
    }

    [Fact]
    public void A_terminal_is_a_real_one()
    {
        Outcome outcome = TimurCommand.Execute("script", ["-qec", $"{_timur.Words} run -it --rm --network none busybox sh -c 'stty size; tty; test -t 0 && echo yes'", "/dev/null"]);
        Assert.Contains("/dev/pts/0", outcome.Out);
        Assert.Contains("yes", outcome.Out);
    }

    [Fact]
    public void The_host_image_copies_nothing_and_hides_secrets()
    {
        Outcome outcome = _timur.Run("run", "--rm", "--network", "none", "host", "sh", "-c", "cat /etc/shadow | wc -c; ls /root | wc -l; touch /etc/only-inside; test -e /usr/bin/env && echo same");
        Assert.Equal("0\n0\nsame\n", outcome.Out);
        Assert.False(File.Exists("/etc/only-inside"));
    }

    /// <summary>In a mount namespace of its own with something in each place, so that empty means hidden.</summary>
    [Fact]
    public void The_host_image_shows_nothing_of_what_is_private_wherever_the_store_is_and_says_what_an_overlay_can_not_show()
    {
        string store = $"/srv/timur-test-{Environment.ProcessId}";
        string script = $$"""
            mount -t tmpfs none /srv; mount --bind /usr /usr; mkdir {{store}}
            t() { {{TimurCommand.Path}} --root {{store}}/data --state {{store}}/run "$@"; }
            t run --rm --network none host sh -c 'for place in /root /home /etc/ssh /var/lib/timur /run /tmp /var/tmp {{store}}/data; do ls -A $place 2>/dev/null | grep -v -x -e secrets -e .containerenv; done; cat /etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- 2>/dev/null; ls -A /etc/ssl/private 2>/dev/null; ls -A /boot 2>/dev/null; echo end'
            t clear -f --all >/dev/null
            """;
        Outcome outcome = TimurCommand.Execute("unshare", ["-m", "--propagation", "private", "sh", "-c", script]);
        Assert.Equal("end\n", outcome.Out);
        Assert.Contains("/usr is a file system of its own", outcome.Error);
        Assert.Contains("/srv is a file system of its own", outcome.Error);
        Assert.DoesNotContain("/var is", outcome.Error);
    }

    [Fact]
    public void Explain_prints_the_plan_and_makes_nothing()
    {
        Outcome outcome = _timur.Run("run", "--explain", "-m", "64m", "busybox", "true");
        Assert.Contains("memory      64MiB", outcome.Out);
        Assert.Contains("pivot_root", outcome.Out);
        Assert.Equal("", _timur.Run("ps", "-aq").Out);
    }

    [Fact]
    public void A_time_namespace_has_clocks_of_its_own_for_the_first_process_and_for_further_ones()
    {
        const long ahead = 10_000_000;
        long host = (long)double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        _timur.Start("early", "sleep 100", "--time-offset", $"boottime={ahead}");
        foreach (string output in (string[])[_timur.Shell("cat /proc/uptime", "--time-offset", $"boottime={ahead}").Out, _timur.Run("exec", "early", "cat", "/proc/uptime").Out])
        {
            long inside = (long)double.Parse(output.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
            Assert.InRange(inside - host, ahead, ahead + 3600);
        }
    }
}
