using System.Security.Cryptography;
using Xunit;

namespace Timur.SystemTests;

/// <summary>The attacks of Attacks/attack.c, built once: they print the error that stopped them.</summary>
public sealed class AttackPrograms : IDisposable
{
    public AttackPrograms()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("timur-attacks-").FullName;
        string sources = Path.Combine(AppContext.BaseDirectory, "Attacks");
        Compile(["-O1", "-static", "-w", "-o", Directory + "/attack", sources + "/attack.c"]);
        Compile(["-O1", "-nostdlib", "-static", "-fno-stack-protector", "-Wl,-Ttext-segment=0x60000000", "-o", Directory + "/loader", sources + "/loader.c"]);
    }

    public string Directory { get; }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    private static void Compile(string[] arguments)
    {
        Outcome outcome = TimurCommand.Execute("gcc", arguments);
        Assert.True(outcome.Code == 0, outcome.ToString());
    }
}

/// <summary>Attempts to get out of a default container; each has to be stopped.</summary>
public sealed class EscapeTests(AttackPrograms programs) : IClassFixture<AttackPrograms>, IDisposable
{
    private const string DefaultCapabilities = "00000000a80425fb";
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    private Outcome Attack(string arguments, params string[] options) => _timur.Shell($"/attacks/attack {arguments}", ["-v", $"{programs.Directory}:/attacks:ro", .. options]);

    [Fact]
    public void Calls_that_reach_the_kernel_or_other_namespaces_are_refused()
    {
        string[] lines = Lines(Attack("calls"));
        Assert.InRange(lines.Length, 45, 60);
        Assert.All(lines, line => Assert.Matches(" (EPERM|ENOSYS|ESRCH)$", line));
        Assert.Contains("process_vm_readv-1 ESRCH", lines);
        Assert.Contains("unshare-user EPERM", lines);
        Assert.Contains("clone3-user ENOSYS", lines);
        Assert.Contains("i386-mount EPERM", lines);
    }

    [Fact]
    public void The_same_calls_work_where_they_are_meant_to()
    {
        // A control: the attacks are able to succeed.
        string[] lines = Lines(Attack("calls", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"));
        Assert.Contains("mount SUCCEEDED", lines);
        Assert.Contains("unshare-mount SUCCEEDED", lines);
        Assert.Contains("fsopen SUCCEEDED", lines);
        Assert.Contains("keyctl SUCCEEDED", lines);
    }

    [Fact]
    public void Kernel_files_cannot_be_written()
    {
        string pattern = File.ReadAllText("/proc/sys/kernel/core_pattern");
        string[] lines = Lines(Attack("files"));
        Assert.Equal(21, lines.Length);
        Assert.All(lines, line => Assert.Matches(" (EROFS|ENOENT|EACCES|EPERM)$", line));
        Assert.Contains("/proc/sys/kernel/core_pattern EROFS", lines);
        Assert.Equal(pattern, File.ReadAllText("/proc/sys/kernel/core_pattern"));
    }

    [Fact]
    public void Nodes_of_the_hosts_disks_and_memory_can_be_made_but_not_opened()
    {
        string[] numbers = File.ReadAllText(Directory.GetDirectories("/sys/block").Order().Last() + "/dev").Trim().Split(':');
        string[] lines = Lines(Attack($"disk {numbers[0]} {numbers[1]}"));
        Assert.Equal(7, lines.Length);
        Assert.All(lines, line => Assert.EndsWith(" EPERM", line));
    }

    [Fact]
    public void File_handles_and_a_chroot_lead_nowhere()
    {
        Assert.Equal("shocker EPERM\n", Attack("shocker /attacks/attack").Out);
        Assert.Equal("chroot same-root\n", Attack("chroot").Out);
    }

    [Fact]
    public void Processes_outside_can_neither_be_seen_traced_nor_signalled()
    {
        Assert.Equal("/proc/1\n", _timur.Shell("echo /proc/[0-9]*").Out);
        Assert.Equal("ptrace ESRCH\n", Attack($"ptrace {Environment.ProcessId}").Out);
        Assert.NotEqual(0, _timur.Shell($"kill -0 {Environment.ProcessId}").Code);
    }

    [Theory]
    [InlineData("/proc/kcore")]
    [InlineData("/proc/keys")]
    [InlineData("/proc/timer_list")]
    [InlineData("/proc/interrupts")]
    [InlineData("/sys/firmware")]
    [InlineData("/proc/acpi")]
    public void Masked_paths_show_nothing_even_around_the_mask(string path)
    {
        Assert.Equal("0\n", _timur.Shell($"(cat {path}; ls {path}/) 2>/dev/null | wc -c; umount {path} 2>/dev/null").Out);
        Assert.Equal("0\n", _timur.Shell($"(cat /proc/1/root{path}; cat /proc/self/cwd{path}; ls /proc/1/root{path}/) 2>/dev/null | wc -c").Out);
        Assert.NotEqual(0, _timur.Shell($"rm -r {path}").Code);
    }

    [Fact]
    public void Only_the_standard_streams_are_open_in_the_payload_and_in_exec()
    {
        // A caller with open files hands none of them on.
        const string list = "ls /proc/self/fd; ls -l /proc/self/fd | grep -c secret";
        File.WriteAllText(_timur.Root + "/secret", "x");
        _timur.Start("box", "sleep 100");
        string open = $"exec 5<{_timur.Root}/secret 9<{_timur.Root}/secret 200<{_timur.Root}";
        Outcome run = TimurCommand.Execute("bash", ["-c", $"{open}; {_timur.Words} run --rm --network none busybox sh -c '{list}'"]);
        Outcome exec = TimurCommand.Execute("bash", ["-c", $"{open}; {_timur.Words} exec box sh -c '{list}'"]);
        Outcome init = TimurCommand.Execute("bash", ["-c", $"{open}; {_timur.Words} run --rm --init --network none busybox sh -c 'ls /proc/1/fd | wc -l'"]);
        Assert.Equal(("0\n1\n2\n3\n0\n", "0\n1\n2\n3\n0\n"), (run.Out, exec.Out));
        Assert.Equal("0\n", init.Out);
        TimurCommand.Execute("bash", ["-c", $"{open}; {_timur.Words} run -d --name held --network none busybox sleep 100"]);
        string monitor = _timur.Inspect("held", "{{.State.MonitorPid}}");
        Assert.DoesNotContain("secret", TimurCommand.Execute("ls", ["-l", $"/proc/{monitor}/fd"]).Out);
    }

    [Fact]
    public void Standard_input_of_nothing_is_not_the_hosts_null_device()
    {
        DateTime before = File.GetLastWriteTimeUtc("/dev/null");
        _timur.Start("box", "touch -d 2001-01-01 /proc/self/fd/0; sleep 100");
        _timur.Run("exec", "box", "touch", "-d", "2001-01-01", "/proc/self/fd/0");
        _timur.Run("exec", "-d", "box", "sh", "-c", "touch -d 2001-01-01 /proc/self/fd/0 /proc/self/fd/1");
        _timur.Run("exec", "box", "true");
        Assert.Equal(before, File.GetLastWriteTimeUtc("/dev/null"));
    }

    [Fact]
    public void A_working_directory_through_a_descriptor_is_refused()
    {
        // CVE-2024-21626: a descriptor that is still open while the directory is entered.
        _timur.Start("box", "mkdir /links; for i in 3 4 5 6 7 8 9 10; do ln -s /proc/self/fd/$i /links/$i; done; sleep 100");
        SpinWait.SpinUntil(() => _timur.Run("exec", "box", "ls", "/links/10").Code == 0, 3000);
        foreach (int number in Enumerable.Range(3, 14))
        {
            foreach (string path in (string[])[$"/proc/self/fd/{number}", $"/proc/self/fd/{number}/../../..", $"/links/{number}", $"/proc/1/fd/{number}", $"/proc/thread-self/fd/{number}/../../.."])
            {
                foreach (Outcome outcome in (Outcome[])[_timur.Run("run", "--rm", "--network", "none", "-w", path, "busybox", "ls", "-a", "../../../../../.."), _timur.Run("exec", "-w", path, "box", "ls", "-a", "../../../../../..")])
                {
                    // The image has no /boot, the host has.
                    Assert.True(outcome.Code != 0 || !outcome.Out.Contains("boot", StringComparison.Ordinal), $"{path}: {outcome}");
                }
            }
        }

        Assert.Equal(0, TimurCommand.Execute("tar", ["-cf", _timur.Root + "/i.tar", "-C", Path.GetDirectoryName(BusyboxPath)!, "busybox"]).Code);
        Assert.Equal(0, _timur.Run("import", "-c", "WORKDIR /proc/self/fd/8", _timur.Root + "/i.tar", "trick").Code);
        Assert.Equal(125, _timur.Run("run", "--rm", "--network", "none", "trick", "/busybox", "pwd").Code);
    }

    [Theory]
    [InlineData("/evil", false)]
    [InlineData("/link", false)]
    [InlineData("/evil", true)]
    public void The_timur_binary_cannot_be_overwritten_from_inside(string command, bool upgraded)
    {
        // CVE-2019-5736: the image makes timur execute itself inside, where its file is opened and later written to.
        string root = _timur.Root + "/evilroot";
        foreach (string directory in (string[])["/bin", "/lib64", "/lib"])
        {
            Directory.CreateDirectory(root + directory);
        }

        File.Copy(BusyboxPath, root + "/bin/busybox");
        File.Copy(programs.Directory + "/attack", root + "/attack");
        foreach (string loader in (string[])["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"])
        {
            File.Copy(programs.Directory + "/loader", root + loader);
        }

        File.WriteAllText(root + "/evil", "#!/proc/self/exe\n");
        File.SetUnixFileMode(root + "/evil", (UnixFileMode)0x1ED);
        File.CreateSymbolicLink(root + "/link", "/proc/self/exe");
        string first = Copy("first");
        string second = upgraded ? Copy("second") : first;
        string[] store = ["--root", _timur.Root + "/data", "--state", _timur.Root + "/run"];
        Assert.Equal(0, TimurCommand.Execute(first, [.. store, "run", "-d", "--name", "victim", "--network", "none", "--rootfs", root, "/bin/busybox", "sleep", "100"]).Code);
        string hash = Hash(second);
        Assert.Equal(0, TimurCommand.Execute(second, [.. store, "exec", "-d", "victim", command]).Code);
        Assert.True(SpinWait.SpinUntil(() => File.Exists(root + "/result") && File.ReadAllText(root + "/result").Length > 0, 60_000));
        Assert.Matches("^overwrite (EROFS|ETXTBSY)\n$", File.ReadAllText(root + "/result"));
        File.Delete(root + "/result");
        TimurCommand.Execute(second, [.. store, "run", "--rm", "--network", "none", "--rootfs", root, command]);
        Assert.Matches("^overwrite (EROFS|ETXTBSY)\n$", File.ReadAllText(root + "/result"));
        Assert.Equal(hash, Hash(second));
    }

    [Fact]
    public void A_setuid_program_gives_nothing()
    {
        string program = _timur.Root + "/suid";
        File.Copy(programs.Directory + "/attack", program);
        File.SetUnixFileMode(program, (UnixFileMode)0x9ED);
        Assert.Equal("1000 1000\n", _timur.Shell("/suid ids", "-u", "1000", "-v", $"{program}:/suid").Out);
        Assert.Equal("1000 0\n", _timur.Shell("/suid ids", "-u", "1000", "-v", $"{program}:/suid", "--security-opt", "no-new-privileges=false").Out);
    }

    [Fact]
    public void Capability_sets_are_exact_for_every_way_in()
    {
        // An inheritable set that isn't empty gives file capabilities to others (CVE-2022-29162).
        _timur.Start("box", "sleep 100");
        string none = "0000000000000000";
        Assert.Equal(Sets(none, DefaultCapabilities, DefaultCapabilities, DefaultCapabilities, none), _timur.Shell(Show).Out);
        Assert.Equal(Sets(none, none, none, DefaultCapabilities, none), _timur.Shell(Show, "-u", "1000").Out);
        Assert.Equal(Sets(none, none, none, none, none), _timur.Shell(Show, "--cap-drop", "ALL").Out);
        Assert.Equal(Sets(none, DefaultCapabilities, DefaultCapabilities, DefaultCapabilities, none), _timur.Run("exec", "box", "sh", "-c", Show).Out);
        Assert.Equal(Sets(none, none, none, DefaultCapabilities, none), _timur.Run("exec", "-u", "1000", "box", "sh", "-c", Show).Out);
        Outcome child = _timur.Run("run", "--rm", "--init", "--network", "none", "busybox", "sh", "-c", Show);
        Assert.Equal(Sets(none, DefaultCapabilities, DefaultCapabilities, DefaultCapabilities, none), child.Out);
    }

    [Fact]
    public void Exec_in_a_container_that_was_confined_more_is_confined_as_much()
    {
        _timur.Start("tight", "sleep 100", "--cap-drop", "ALL", "--read-only", "-u", "1000", "--ulimit", "nofile=64:64");
        Outcome outcome = _timur.Run("exec", "tight", "sh", "-c", $"{Show}; id -u; ulimit -n; touch /x");
        Assert.Equal("1000\n64\n", string.Join('\n', outcome.Out.Split('\n')[5..]));
        Assert.All(outcome.Out.Split('\n')[..5], line => Assert.EndsWith("0000000000000000", line));
        Assert.Contains("Read-only", outcome.Error);
    }

    private const string Show = "grep ^Cap /proc/self/status";

    private static string BusyboxPath => File.Exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox";

    private static string Sets(string inheritable, string permitted, string effective, string bounding, string ambient)
        => $"CapInh:\t{inheritable}\nCapPrm:\t{permitted}\nCapEff:\t{effective}\nCapBnd:\t{bounding}\nCapAmb:\t{ambient}\n";

    private static string Hash(string file) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));

    private string Copy(string name)
    {
        string target = $"{_timur.Root}/{name}";
        File.Copy(TimurCommand.Path, target);
        return target;
    }

    private static string[] Lines(Outcome outcome)
    {
        Assert.True(outcome.Code == 0, outcome.ToString());
        return outcome.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
