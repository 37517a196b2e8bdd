using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Timur.SystemTests;

/// <summary>What is refused is named with its reason and a way out, and the machine and the store are as before.</summary>
public sealed class RefusalTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public RefusalTests()
    {
        // The first run makes what stays: the image, the filter, the cgroup parent.
        Assert.Equal(0, _timur.Shell("true").Code);
    }

    public void Dispose() => _timur.Dispose();

    [Theory]
    [InlineData("--memory: '-5m' isn't a size", "-m=-5m")]
    [InlineData("--memory: '12x' isn't a size", "-m", "12x")]
    [InlineData("--memory: '99999999999999999999999' isn't a size", "-m", "99999999999999999999999")]
    [InlineData("--memory-swap is less than --memory", "-m", "64m", "--memory-swap", "32m")]
    [InlineData("--memory-reservation is more than --memory", "-m", "64m", "--memory-reservation", "1g")]
    [InlineData("--memory-swappiness 500 is out of range", "-m", "64m", "--memory-swappiness", "500")]
    [InlineData("--cpus: '-1' isn't a number of cores", "--cpus=-1")]
    [InlineData("--cpus: 'NaN' isn't a number of cores", "--cpus", "NaN")]
    [InlineData("--cpus: '0.001' isn't a number of cores", "--cpus", "0.001")]
    [InlineData("--cpu-quota 10: the kernel takes 1000 microseconds or more", "--cpu-quota", "10")]
    [InlineData("--cpu-period 5 is out of range", "--cpu-period", "5")]
    [InlineData("--cpu-shares -3 is out of range", "--cpu-shares=-3")]
    [InlineData("--cpuset-cpus: the kernel refuses 99", "--cpuset-cpus", "99")]
    [InlineData("--cpuset-cpus: the kernel refuses abc", "--cpuset-cpus", "abc")]
    [InlineData("--pids-limit -5 is out of range", "--pids-limit=-5")]
    [InlineData("--pids-limit: 'abc' isn't a whole number", "--pids-limit", "abc")]
    [InlineData("--shm-size 0: nothing would fit", "--shm-size", "0")]
    [InlineData("--oom-score-adj 5000 is out of range", "--oom-score-adj", "5000")]
    [InlineData("--ulimit nofile=5:3: the soft limit is above the hard one", "--ulimit", "nofile=5:3")]
    [InlineData("--ulimit nofile=-5: '-5' isn't a number", "--ulimit", "nofile=-5")]
    [InlineData("--stop-timeout: 'abc' isn't a whole number", "--stop-timeout", "abc")]
    [InlineData("--stop-signal: 'FOO' isn't a signal", "--stop-signal", "FOO")]
    [InlineData("--log-opt: 'max-file=0' is unknown", "--log-opt", "max-file=0")]
    [InlineData("--log-opt max-size: '-5' isn't a size", "--log-opt", "max-size=-5")]
    [InlineData("--restart: 'sometimes' isn't a policy", "--restart", "sometimes")]
    [InlineData("--hostname: 'a\nb' isn't a host name", "--hostname", "a\nb")]
    [InlineData("--dns: 'there' isn't an address", "--dns", "there")]
    [InlineData("--user: user 4294967295 is out of range", "-u", "4294967295")]
    [InlineData("--user: group 4294967295 is out of range", "-u", "0:4294967295")]
    [InlineData("--env: '=x' has no name", "-e", "=x")]
    [InlineData("--cgroup-parent: '../../x' leads out of the hierarchy", "--cgroup-parent", "../../x")]
    [InlineData("mount /x: unknown option 'bad'", "-v", "newvolume:/x:bad")]
    [InlineData("mount /x: /etc/passwd/x: Not a directory", "-v", "/etc/passwd/x:/x")]
    [InlineData("mount /x: /nope: No such file or directory", "--mount", "type=bind,src=/nope,dst=/x")]
    [InlineData("the source '' isn't an absolute path", "--mount", "type=bind,dst=/x")]
    [InlineData("/dev/nope isn't a device of this machine", "--device", "/dev/nope")]
    [InlineData("--workdir: 'here' isn't an absolute path", "-w", "here")]
    [InlineData("--sysctl kernel.core_pattern=x: it would change the whole machine", "--sysctl", "kernel.core_pattern=x")]
    [InlineData("--sysctl net/../../kernel/core_pattern=x: it would change the whole machine", "--sysctl", "net/../../kernel/core_pattern=x")]
    [InlineData("--security-opt seccomp=/nope: No such file or directory", "--security-opt", "seccomp=/nope")]
    [InlineData("'../x' isn't a container name", "--name", "../x")]
    [InlineData("there is no container 'nosuch'", "--pid", "container:nosuch")]
    [InlineData("isn't a platform", "--platform", "linux/")]
    [InlineData("sometimes", "--pull", "sometimes")]
    [InlineData("for linux/amd64 and not for linux/s390x", "--platform", "linux/s390x", "--pull", "never")]
    [InlineData("unknown option --nosuch", "--nosuch")]
    public void A_bad_option_is_refused_with_a_way_out_and_leaves_nothing(string message, params string[] options)
    {
        string before = Residue.Of(_timur);
        Outcome outcome = _timur.Run(["run", "--network", "none", .. options, "busybox", "true"]);
        Assert.Equal(125, outcome.Code);
        Assert.Contains(message, outcome.Error);
        AssertThreeParts(outcome);
        Assert.Equal(before, Residue.Of(_timur));
    }

    [Theory]
    [InlineData("fsconfig tmpfs size=abc: Invalid argument", "--tmpfs", "/x:size=abc")]
    [InlineData("open /bin/sh: Not a directory", "-w", "/bin/sh")]
    public void What_only_the_kernel_can_refuse_is_explained_too(string message, params string[] options)
    {
        string before = Residue.Of(_timur);
        Outcome outcome = _timur.Shell("true", options);
        Assert.Equal(125, outcome.Code);
        Assert.Contains(message, outcome.Error);
        AssertThreeParts(outcome);
        Assert.Equal(before, Residue.Of(_timur));
    }

    [Theory]
    [InlineData("--cap-add", "FLY")]
    [InlineData("-u", "ghost")]
    [InlineData("-v", "/nope:/x")]
    [InlineData("--ulimit", "nofile=5:3")]
    [InlineData("--cpus", "900")]
    public void Create_refuses_what_could_never_start(string option, string value)
    {
        string before = Residue.Of(_timur);
        Assert.Equal(125, _timur.Run("create", option, value, "busybox", "true").Code);
        Assert.Equal(before, Residue.Of(_timur));
    }

    [Fact]
    public void Explain_makes_no_volume()
    {
        string before = Residue.Of(_timur);
        Assert.Contains("/x", _timur.Run("run", "--explain", "-v", "later:/x", "-v", "/y", "busybox", "true").Out);
        Assert.Equal(before, Residue.Of(_timur));
    }

    [Fact]
    public void More_memory_than_the_machine_has_is_a_warning_and_with_strict_an_error()
    {
        Outcome outcome = _timur.Shell("true", "-m", "900t");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("is more than this machine has", outcome.Error);
        string before = Residue.Of(_timur);
        Assert.Equal(125, _timur.Shell("true", "-m", "900t", "--strict").Code);
        Assert.Equal(before, Residue.Of(_timur));
    }

    [Theory]
    [InlineData(127, "executable file not found in $PATH", "nope")]
    [InlineData(127, "no such file or directory", "/m/nope")]
    [InlineData(126, "permission denied", "/m/plain")]
    [InlineData(126, "permission denied", "/m")]
    [InlineData(126, "another architecture", "/m/foreign")]
    [InlineData(127, "interpreter", "/m/script")]
    [InlineData(127, "dynamic loader", "/m/dynamic")]
    [InlineData(126, "exec format error", "/m/text")]
    [InlineData(126, "exec format error", "/m/empty")]
    [InlineData(126, "", "")]
    public void A_command_that_cannot_run_is_explained_by_run_and_exec(int code, string message, string command)
    {
        MakePrograms();
        _timur.Start("box", "sleep 100", "-v", $"{_timur.Root}/m:/m");
        string before = Residue.Of(_timur);
        foreach (Outcome outcome in (Outcome[])
            [_timur.Run("run", "--network", "none", "--rm", "-v", $"{_timur.Root}/m:/m", "busybox", command), _timur.Run("exec", "box", command)])
        {
            Assert.Equal(code, outcome.Code);
            Assert.Contains(message, outcome.Error);
            AssertThreeParts(outcome);
        }

        Assert.Equal(before, Residue.Of(_timur));
    }

    [Fact]
    public void A_container_that_cannot_start_stays_with_its_reason_and_holds_nothing()
    {
        Outcome outcome = _timur.Run("run", "--name", "never", "--network", "none", "busybox", "nope");
        Assert.Equal(127, outcome.Code);
        Assert.NotEqual("running", _timur.Inspect("never", "{{.State.Status}}"));
        Assert.NotEqual("", _timur.Inspect("never", "{{.State.Error}}"));
        Assert.DoesNotContain("cgroups\n  ", Residue.Of(_timur));
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
        Assert.Equal(0, _timur.Run("rm", "never").Code);
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void A_port_that_a_program_of_the_machine_has_is_refused_with_its_holder(string protocol) => PrivateHost.Run(_ =>
    {
        using var timur = new TimurCommand();
        Assert.Equal(0, timur.Run("run", "--rm", "-p", "9000:80", "busybox", "true").Code);
        string before = Residue.Of(timur);
        using var holder = protocol == "tcp" ? new Socket(SocketType.Stream, ProtocolType.Tcp) : new Socket(SocketType.Dgram, ProtocolType.Udp);
        holder.Bind(new IPEndPoint(IPAddress.Any, 9000));
        if (protocol == "tcp")
        {
            holder.Listen();
        }

        Outcome outcome = timur.Run("run", "-p", $"9000:80/{protocol}", "busybox", "true");
        Assert.Equal(125, outcome.Code);
        Assert.Contains($"port 9000{(protocol == "udp" ? "/udp" : "")} on 0.0.0.0 is held by pid {Environment.ProcessId}", outcome.Error);
        AssertThreeParts(outcome);
        timur.Run("rm", "-f", timur.Run("ps", "-aq").Out.Trim());
        Assert.Equal(before, Residue.Of(timur));
    });

    [Theory]
    [InlineData("state", "status=Runn")]
    [InlineData("state", "\0\0\0\0")]
    [InlineData("container.json", "")]
    [InlineData("container.json", "{\"id\":\"")]
    [InlineData("container.json", "[]")]
    [InlineData("container.json", "{\"Id\":5}")]
    public void A_damaged_record_of_one_container_leaves_the_others_usable(string file, string content)
    {
        _timur.Start("well", "sleep 100");
        _timur.Start("hurt", "true");
        _timur.Run("wait", "hurt");
        string id = _timur.Inspect("hurt", "{{.Id}}");
        string path = $"{_timur.Root}/data/containers/{id}/{file}";
        File.WriteAllText(path, content);

        Outcome exec = _timur.Run("exec", "well", "echo", "fine");
        Assert.Equal((0, "fine\n"), (exec.Code, exec.Out));
        Outcome list = _timur.Run("ps", "-a", "--format", "{{.Names}}");
        Assert.Equal(125, list.Code);
        Assert.Contains(path, list.Error);
        AssertThreeParts(list);
        Outcome start = _timur.Run("start", "hurt");
        Assert.Equal(125, start.Code);
        Assert.Contains(path, start.Error);
        Assert.Equal(1, _timur.Run("system", "check").Code);
        Assert.Equal(0, _timur.Run("system", "check", "--repair").Code);
        Assert.Contains("well", _timur.Run("ps", "-a").Out);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Fact]
    public void An_empty_state_is_what_a_power_cut_leaves_and_the_container_starts_again()
    {
        _timur.Start("cut", "echo again");
        _timur.Run("wait", "cut");
        File.WriteAllText($"{_timur.Root}/data/containers/{_timur.Inspect("cut", "{{.Id}}")}/state", "");
        Assert.Equal("created", _timur.Inspect("cut", "{{.State.Status}}"));
        Assert.Equal("again\n", _timur.Run("start", "-a", "cut").Out);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Fact]
    public void What_is_no_archive_makes_no_image()
    {
        string[] before = Images();
        foreach (string file in (string[])["/dev/null", "/etc/passwd", "/nope", "/etc"])
        {
            Outcome outcome = _timur.Run("import", file, "bad");
            Assert.Equal(125, outcome.Code);
            AssertThreeParts(outcome);
        }

        Assert.Equal(before, Images());
    }

    [Fact]
    public void An_archive_that_was_cut_off_makes_no_image()
    {
        byte[] tar = MakeArchive();
        foreach (int length in (int[])[0, 1, 100, 700, tar.Length / 2, tar.Length / 3 * 2])
        {
            string[] before = Images();
            File.WriteAllBytes(_timur.Root + "/cut.tar", tar[..length]);
            Outcome outcome = _timur.Run("import", _timur.Root + "/cut.tar", "cut");
            Assert.Equal(125, outcome.Code);
            AssertThreeParts(outcome);
            Assert.Equal(before, Images());
        }
    }

    private byte[] MakeArchive()
    {
        MakePrograms();
        Assert.Equal(0, TimurCommand.Execute("tar", ["-C", _timur.Root, "-cf", _timur.Root + "/whole.tar", "m"]).Code);
        return File.ReadAllBytes(_timur.Root + "/whole.tar");
    }

    private string[] Images() => [.. Directory.GetFileSystemEntries(_timur.Root + "/data/images", "*", new EnumerationOptions { AttributesToSkip = 0, RecurseSubdirectories = true, MaxRecursionDepth = 1 }).Order()];

    private void MakePrograms()
    {
        string directory = _timur.Root + "/m";
        Directory.CreateDirectory(directory);
        byte[] elf = File.ReadAllBytes(File.Exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox");
        elf[18] = 0x28;
        File.WriteAllBytes(directory + "/foreign", elf);
        File.WriteAllText(directory + "/script", "#!/nope\n");
        File.WriteAllText(directory + "/text", "no first line\n");
        File.WriteAllText(directory + "/empty", "");
        File.WriteAllText(directory + "/plain", "#!/bin/sh\n");
        File.Copy("/bin/true", directory + "/dynamic", overwrite: true);
        foreach (string name in (string[])["foreign", "script", "text", "empty", "dynamic"])
        {
            File.SetUnixFileMode($"{directory}/{name}", (UnixFileMode)0x1ED);
        }
    }

    /// <summary>The first line names what and why, an indented one what to do.</summary>
    private static void AssertThreeParts(Outcome outcome) => Assert.Matches(@"(?s)^(timur: warning: [^\n]*\n)*timur: [^\n]{10}.*\n  \S", outcome.Error);
}
