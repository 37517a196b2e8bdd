using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>The runtime where its caller or its machine isn't as it should be.</summary>
public class OciAdverseTests
{
    [Theory]
    [InlineData("<&-", 0)]
    [InlineData(">&-", 1)]
    [InlineData("2>&-", 2)]
    [InlineData("<&- >&- 2>&-", 0, 1, 2)]
    public void Whoever_is_started_without_streams_hands_no_descriptor_of_the_hosts_on(string closing, params int[] closed)
    {
        // What the runtime opens first would be the payload's standard stream: a directory of the host's is the way out of CVE-2024-21626.
        using var bundle = new OciBundle();
        const string look = "ls -l /proc/$$/fd | cat >/tmp/streams; echo said";
        string id = bundle.Shell("sleep 100").Start();
        bundle.Linux["cgroupsPath"] = bundle.CgroupPath + "-other";
        bundle.Shell(look).Save();
        AssertNull($"run --bundle {bundle.Directory} {bundle.NewId()}");
        AssertNull($"exec {id} sh -c '{look}'");

        void AssertNull(string words)
        {
            string file = bundle.Root + "/tmp/streams";
            File.Delete(file);
            Outcome outcome = TimurCommand.Execute("sh", ["-c", $"{bundle.Words} {words} {closing}"]);
            Assert.True(outcome.Code == 0, words + ": " + outcome);
            string[] lines = File.ReadAllLines(file);
            Assert.All(closed, number => Assert.Contains(lines, line => line.EndsWith($" {number} -> /dev/null", StringComparison.Ordinal)));
            Assert.DoesNotContain(lines, line => line.Contains("memfd", StringComparison.Ordinal) || line.Contains(bundle.Directory, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(OciBundle.Control, "")]
    [InlineData(OciBundle.Ours, "")]
    [InlineData(OciBundle.Ours, "{")]
    [InlineData(OciBundle.Ours, "null")]
    [InlineData(OciBundle.Ours, "{}")]
    [InlineData(OciBundle.Ours, "\0\0\0\0")]
    public void A_damaged_record_hides_no_other_container(string runtime, string content)
    {
        using var bundle = new OciBundle(runtime);
        string damaged = bundle.Shell("sleep 100").Create();
        string record = $"{bundle.State}/{damaged}/state.json";
        bundle.Linux["cgroupsPath"] = bundle.CgroupPath + "-other";
        string sound = bundle.Create();
        byte[] before = File.ReadAllBytes(record);
        File.WriteAllText(record, content);
        try
        {
            Outcome listed = bundle.Execute("list", "--quiet");
            Assert.Equal((0, sound + "\n"), (listed.Code, listed.Out));
            Assert.Contains($"load container {damaged}: ", listed.Error, StringComparison.Ordinal);
            foreach (string verb in (string[])["state", "kill", "start", "delete"])
            {
                Outcome outcome = bundle.Execute(verb, damaged);
                Assert.True(outcome.Code == 1 && outcome.Out == "" && (runtime == OciBundle.Control || outcome.Error.Contains(record + ": ", StringComparison.Ordinal)), verb + ": " + outcome);
            }
        }
        finally
        {
            File.WriteAllBytes(record, before);
        }
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_directory_that_the_caller_stands_in_may_be_gone(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Shell("pwd").Save();
        string gone = $"mkdir {bundle.Directory}/gone && cd {bundle.Directory}/gone && rmdir {bundle.Directory}/gone && {bundle.Words} run";
        Assert.Equal("/\n", TimurCommand.Execute("sh", ["-c", $"{gone} --bundle {bundle.Directory} {bundle.NewId()}"]).Out);
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"{gone} {bundle.NewId()}"]);
        Assert.Equal(1, outcome.Code);
        Assert.Contains(runtime == OciBundle.Control ? "config.json not found" : "the working directory isn't there any more", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_full_disk_for_the_records_is_told_and_leaves_nothing(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Shell("echo ran").Save();
        string id = bundle.NewId();
        Directory.CreateDirectory(bundle.State);
        Outcome outcome = TimurCommand.Execute(
            "unshare",
            [
                "-m", "sh", "-c",
                $"mount -t tmpfs -o size=16k records {bundle.State} && dd if=/dev/zero of={bundle.State}/fill bs=4k 2>/dev/null; {bundle.Words} run --bundle {bundle.Directory} {id}; echo code $?; "
                + $"rm {bundle.State}/fill; ls {bundle.State}; {bundle.Words} run --bundle {bundle.Directory} {id}; echo code $?",
            ]);
        Assert.Equal("code 1\nran\ncode 0\n", outcome.Out);
        Assert.Contains(runtime == OciBundle.Control ? "level=error" : "no space left on device", outcome.Error, StringComparison.OrdinalIgnoreCase);
        Assert.False(Directory.Exists("/sys/fs/cgroup/memory" + bundle.CgroupPath));
    }

    /// <remarks>Without a control: runc 1.1 looks whether an id is taken well before it takes it, so two of it may create the same container, and of several that start it, some may wait for ever.</remarks>
    [Fact]
    public void Of_many_at_once_one_creates_and_one_starts()
    {
        using var bundle = new OciBundle();
        bundle.Shell("echo started >>/tmp/starts; sleep 100").Save();
        string id = bundle.NewId();
        Assert.Equal(("0 1 1 1 1 1", "container with given ID already exists"), Together($"create --bundle {bundle.Directory} {id}", "container with given ID already exists"));
        Assert.Equal(("0 1 1 1 1 1", "cannot start an already running container"), Together($"start {id}", "cannot start an already running container"));
        Assert.True(SpinWait.SpinUntil(() => File.Exists(bundle.Root + "/tmp/starts") && File.ReadAllText(bundle.Root + "/tmp/starts").Length > 0, 60_000));
        Assert.Equal("started\n", File.ReadAllText(bundle.Root + "/tmp/starts"));

        (string Codes, string Words) Together(string words, string expected)
        {
            string each = $"({bundle.Words} {words} </dev/null >/dev/null 2>{bundle.Directory}/said.$i; echo $? >{bundle.Directory}/code.$i) &";
            TimurCommand.Execute("sh", ["-c", $"for i in 1 2 3 4 5 6; do {each} done; wait"]);
            string codes = string.Join(' ', Enumerable.Range(1, 6).Select(i => File.ReadAllText($"{bundle.Directory}/code.{i}").Trim()).Order());
            bool told = Enumerable.Range(1, 6).All(i => File.ReadAllText($"{bundle.Directory}/code.{i}").Trim() == "0" || File.ReadAllText($"{bundle.Directory}/said.{i}").Contains(expected, StringComparison.Ordinal));
            return (codes, told ? expected : string.Concat(Enumerable.Range(1, 6).Select(i => File.ReadAllText($"{bundle.Directory}/said.{i}"))));
        }
    }

    [Fact]
    public void What_is_made_for_the_container_is_everybodys_whatever_the_callers_umask()
    {
        using var bundle = new OciBundle();
        bundle.Process["cwd"] = "/work/deep";
        bundle.Linux["devices"] = JsonNode.Parse("""[{"path":"/dev/deep/zero","type":"c","major":1,"minor":5}]""");
        bundle.Mount("/place/deep/mount", "tmpfs", "tmpfs").Shell("umask; stat -c %a /place /place/deep /work /work/deep /dev/deep /dev/deep/zero").Save();
        Assert.Equal("0022\n755\n755\n755\n755\n755\n666\n", TimurCommand.Execute("sh", ["-c", $"umask 077; {bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()}"]).Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_paused_container_is_neither_started_nor_entered_nor_deleted(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal(0, bundle.Execute("pause", id).Code);
        Assert.Contains("cannot start a container in the paused state", bundle.Execute("start", id).Error, StringComparison.Ordinal);
        Assert.Contains("cannot exec in a paused container", bundle.Execute("exec", id, "true").Error, StringComparison.Ordinal);
        Assert.Contains($"cannot delete container {id} that is not stopped: paused", bundle.Execute("delete", id).Error, StringComparison.Ordinal);
        Assert.Equal(0, bundle.Execute("resume", id).Code);
        Assert.Contains("container not paused", bundle.Execute("resume", id).Error, StringComparison.Ordinal);
        if (runtime == OciBundle.Ours)
        {
            // In the words of runc since 1.2; before that it was "empty".
            Assert.Contains("exec args cannot be empty", bundle.Execute("exec", id).Error, StringComparison.Ordinal);
            Assert.Contains("ignoring unknown or unavailable capabilities: [CAP_NOPE]", bundle.Execute("exec", "--cap", "CAP_NOPE", id, "true").Error, StringComparison.Ordinal);
        }
    }
}
