using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Containers that are written to the disk and come back, by the newest criu that Debian has (bench/peers); the one of this Debian knows its own kernel only.</summary>
public class OciCheckpointTests
{
    private const string Counting = "i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.02; done";

    [Fact]
    public void A_container_goes_on_where_it_was_with_its_limits_namespaces_and_mounts()
    {
        using var bundle = new OciBundle();
        Directory.CreateDirectory(bundle.Directory + "/shared");
        bundle.Linux["resources"]!["pids"] = JsonNode.Parse("""{"limit":50}""");
        bundle.Mount("/shared", "bind", bundle.Directory + "/shared", "rbind", "rw");
        string id = StartCounting(bundle);
        Assert.Equal("", Checkpoint(bundle, id).Error);
        Assert.Contains("container does not exist", bundle.Execute("state", id).Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists("/sys/fs/cgroup/pids" + bundle.CgroupPath));
        int count = Count(bundle);
        Assert.Equal(count, Count(bundle));

        string again = bundle.NewId();
        Outcome restored = Restore(bundle, again, $"--pid-file {bundle.Directory}/pid");
        Assert.True(restored.Code == 0, restored.ToString());
        Assert.True(SpinWait.SpinUntil(() => Count(bundle) > count, 60_000));
        JsonNode state = bundle.StateOf(again);
        Assert.Equal(("running", File.ReadAllText(bundle.Directory + "/pid")), (state["status"]!.GetValue<string>(), state["pid"]!.ToString()));
        Assert.Equal("50", File.ReadAllText($"/sys/fs/cgroup/pids{bundle.CgroupPath}/pids.max").Trim());
        Assert.Equal("shared\ntimur\n1\n", bundle.Execute("exec", again, "sh", "-c", "echo shared >/shared/f; cat /shared/f; hostname; ls /sys/class/net | wc -l").Out.Replace(bundle.Config["hostname"]!.GetValue<string>(), "timur", StringComparison.Ordinal));
        Assert.Equal("", bundle.Execute("exec", again, "sh", "-c", "cat /proc/kcore; cat /proc/keys").Out);
        Assert.DoesNotContain(bundle.State, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    /// <summary>/conf is a link, and so is /var/run, of which the rest is in a tmpfs, as in most images.</summary>
    [Fact]
    public void What_is_mounted_behind_links_of_the_image_is_there_again()
    {
        using var bundle = new OciBundle();
        foreach (string name in new[] { "first", "second" })
        {
            Directory.CreateDirectory($"{bundle.Directory}/{name}");
            File.WriteAllText($"{bundle.Directory}/{name}/file", name + "\n");
        }

        Directory.CreateDirectory(bundle.Root + "/real/conf");
        Directory.CreateDirectory(bundle.Root + "/var");
        Directory.CreateDirectory(bundle.Root + "/run");
        File.CreateSymbolicLink(bundle.Root + "/conf", "/real/conf");
        File.CreateSymbolicLink(bundle.Root + "/var/run", "../run");
        bundle.Mount("/conf", "bind", bundle.Directory + "/first", "bind").Mount("/run", "tmpfs", "tmpfs").Mount("/var/run/secrets/of", "bind", bundle.Directory + "/second", "bind");
        string id = StartCounting(bundle);
        Assert.Equal("", Checkpoint(bundle, id).Error);
        Outcome restored = Restore(bundle, id);
        Assert.True(restored.Code == 0, restored.ToString());
        Assert.Equal("first\nsecond\n", bundle.Execute("exec", id, "cat", "/real/conf/file", "/run/secrets/of/file").Out);
    }

    /// <summary>The place of the inner one is in what the outer one binds, and its source is named by a way round.</summary>
    [Fact]
    public void A_mount_inside_a_bound_directory_gets_its_place_again()
    {
        using var bundle = new OciBundle();
        string outer = bundle.Directory + "/outer";
        Directory.CreateDirectory(outer);
        Directory.CreateDirectory(bundle.Directory + "/inner/.");
        File.WriteAllText(bundle.Directory + "/inner/file", "inner\n");
        File.CreateSymbolicLink(bundle.Directory + "/way", "inner");
        bundle.Mount("/test", "bind", "outer/.", "bind").Mount("/test/for/nested", "bind", bundle.Directory + "//way/.", "bind");
        string id = StartCounting(bundle);
        Assert.Equal("", Checkpoint(bundle, id).Error);
        Directory.Delete(outer + "/for", recursive: true);
        Outcome restored = Restore(bundle, id);
        Assert.True(restored.Code == 0, restored.ToString());
        Assert.Equal("inner\n", bundle.Execute("exec", id, "cat", "/test/for/nested/file").Out);
        Assert.True(Directory.Exists(outer + "/for/nested"));
    }

    /// <summary>criu gives what it brings back a time namespace.</summary>
    [Fact]
    public void What_exec_starts_after_a_restore_is_part_of_the_next_checkpoint()
    {
        using var bundle = new OciBundle();
        string id = StartCounting(bundle);
        for (int round = 0; round < 2; round++)
        {
            Assert.Equal("", Checkpoint(bundle, id).Error);
            Outcome restored = Restore(bundle, id);
            Assert.True(restored.Code == 0, restored.ToString());
            Assert.Equal("as one\n", bundle.Execute("exec", id, "sh", "-c", "[ \"$(readlink /proc/1/ns/time)\" = \"$(readlink /proc/self/ns/time)\" ] && echo as one").Out);
            Assert.Equal(round.ToString() + "\n", bundle.Execute("exec", id, "sh", "-c", "grep -l '^sleep.1000' /proc/*/cmdline | wc -l").Out);
            Assert.Equal(0, bundle.Execute("exec", id, "sh", "-c", "sleep 1000 </dev/null >/dev/null 2>&1 &").Code);
        }
    }

    [Fact]
    public void A_container_may_go_on_after_the_checkpoint()
    {
        using var bundle = new OciBundle();
        string id = StartCounting(bundle);
        Assert.Equal(0, Checkpoint(bundle, id, "--leave-running").Code);
        Assert.Equal("running", bundle.Status(id));
        int count = Count(bundle);
        Assert.True(SpinWait.SpinUntil(() => Count(bundle) > count, 60_000));
    }

    [Fact]
    public void A_restored_container_in_the_foreground_has_its_callers_pipes_and_gives_its_code()
    {
        using var bundle = new OciBundle();
        bundle.Shell("echo first; read line; echo got $line; exit 4").Save();
        string id = bundle.NewId();
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"""
            mkfifo {bundle.Directory}/in; sleep 100 >{bundle.Directory}/in & holder=$!
            cat {bundle.Directory}/in | {bundle.Words} run --bundle {bundle.Directory} {id} 2>/dev/null | cat >{bundle.Directory}/before &
            until grep -q first {bundle.Directory}/before && {bundle.Words} state {id} >/dev/null 2>&1; do sleep 0.05; done
            {bundle.Words} --criu {Criu.Program} checkpoint --image-path {bundle.Directory}/images {id} || exit 1; kill $holder
            (sleep 0.3; echo word) | ({bundle.Words} --criu {Criu.Program} restore --bundle {bundle.Directory} --image-path {bundle.Directory}/images {id} 2>/dev/null; echo code $?) | cat
            """]);
        Assert.True(outcome.Out == "got word\ncode 4\n", outcome.ToString());
        Assert.Equal("", bundle.Execute("list", "-q").Out);
    }

    [Fact]
    public void A_namespace_that_was_joined_and_hooks_are_there_again()
    {
        using var bundle = new OciBundle();
        string space = "timur-criu-" + Environment.ProcessId;
        TimurCommand.Execute("ip", ["netns", "add", space]);
        try
        {
            bundle.Namespace("network", "/run/netns/" + space);
            bundle.Hook("createRuntime", $"echo $(sed 's/.*\"status\":\"\\([a-z]*\\)\".*/\\1/') >>{bundle.Directory}/hooked");
            string id = StartCounting(bundle);
            Assert.Equal("", Checkpoint(bundle, id).Error);
            Outcome restored = Restore(bundle, id);
            Assert.True(restored.Code == 0, restored.ToString());
            int pid = bundle.StateOf(id)["pid"]!.GetValue<int>();
            Assert.Equal(TimurCommand.Execute("stat", ["-Lc", "%i", "/run/netns/" + space]).Out, TimurCommand.Execute("stat", ["-Lc", "%i", $"/proc/{pid}/ns/net"]).Out);
            Assert.Equal("creating\ncreating\n", File.ReadAllText(bundle.Directory + "/hooked"));
        }
        finally
        {
            TimurCommand.Execute("ip", ["netns", "del", space]);
        }
    }

    [Fact]
    public void What_criu_cannot_write_down_is_told_in_its_own_words_and_the_container_goes_on()
    {
        using var bundle = new OciBundle();
        bundle.Save();

        // Its output is a file outside.
        string id = bundle.Shell("exec sleep 100").Start();
        Outcome outcome = Checkpoint(bundle, id);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("criu failed: type DUMP", outcome.Error, StringComparison.Ordinal);
        Assert.Contains($"Error (criu/files-reg.c", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("running", bundle.Status(id));
    }

    [Theory]
    [InlineData("/nonexistent", "criu: /nonexistent: no such file or directory")]
    [InlineData("/bin/true", "criu ended before it answered")]
    public void Without_criu_it_says_so_and_nothing_changes(string program, string message)
    {
        using var bundle = new OciBundle();
        string id = bundle.Shell("sleep 100").Start();
        Assert.Contains(message, bundle.Execute(["--criu", program], ["checkpoint", "--image-path", bundle.Directory + "/images", id]).Error, StringComparison.Ordinal);
        Assert.Equal("running", bundle.Status(id));
        Assert.Contains(message, bundle.Execute(["--criu", program], ["restore", "--bundle", bundle.Directory, "--image-path", bundle.Directory, "other"]).Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bundle.State + "/other"));
    }

    [Fact]
    public void Mistakes_are_refused_in_the_words_that_callers_know()
    {
        using var bundle = new OciBundle();
        string created = bundle.Shell("sleep 100").Create();
        Assert.Contains("Container cannot be checkpointed in created state", Checkpoint(bundle, created).Error, StringComparison.Ordinal);
        Assert.Contains("container does not exist", bundle.Execute("checkpoint", "nobody").Error, StringComparison.Ordinal);
        bundle.Execute("start", created);
        Assert.Contains("--manage-cgroups-mode: 'all' is none of soft, full, strict, ignore", Checkpoint(bundle, created, "--manage-cgroups-mode", "all").Error, StringComparison.Ordinal);
        Assert.Contains("namespace pid is not supported", Checkpoint(bundle, created, "--empty-ns", "pid").Error, StringComparison.Ordinal);
        Assert.Contains("--parent-path must be relative", Checkpoint(bundle, created, "--parent-path", "/x").Error, StringComparison.Ordinal);
        Outcome orphan = Checkpoint(bundle, created, "--parent-path", "../none");
        Assert.Contains($"--parent-path ../none: {bundle.Directory}/none: no such directory", orphan.Error, StringComparison.Ordinal);
        Assert.Contains("images/descriptors.json: no such file or directory", Restore(bundle, bundle.NewId()).Error, StringComparison.Ordinal);
    }

    /// <summary>criu waits for whoever fetches the pages, here for ever: the container can be removed all the same.</summary>
    [Fact]
    public void A_container_whose_pages_nobody_fetches_can_be_removed()
    {
        using var bundle = new OciBundle();
        string id = StartDetached(bundle.Shell("exec sleep 1000"));
        Outcome outcome = TimurCommand.Execute("unshare", ["-n", "--", "sh", "-c", $$"""
            cd {{bundle.Directory}}; ip link set lo up; mkfifo ready
            {{bundle.Words}} --criu {{Criu.Program}} checkpoint --lazy-pages --page-server 127.0.0.1:27277 --status-fd 3 --image-path images {{id}} 3>ready >/dev/null 2>&1 &
            head -c 1 ready | od -An -c | tr -d ' '
            {{bundle.Words}} delete --force {{id}}; echo $?
            criu=$(cat /proc/$!/task/$!/children); kill $!; for pid in $criu; do kill -KILL $pid; done; wait $!; true
            """]);
        Assert.True(outcome.Out == "\\0\n0\n", outcome.ToString());
        Assert.Contains("container does not exist", bundle.Execute("state", id).Error, StringComparison.Ordinal);
    }

    /// <summary>Where the kernel doesn't tell which pages were written.</summary>
    [Fact]
    public void A_pre_dump_needs_what_the_kernel_may_lack()
    {
        using var bundle = new OciBundle();
        string id = StartCounting(bundle);
        Outcome outcome = Checkpoint(bundle, id, "--pre-dump");
        bool tracks = TimurCommand.Execute(Criu.Program, ["check", "--feature", "mem_dirty_track"]).Code == 0;
        Assert.True(tracks ? outcome.Code == 0 : outcome.Error.Contains("criu is missing features: MemTrack", StringComparison.Ordinal), outcome.ToString());
        Assert.Equal("running", bundle.Status(id));
    }

    private static string StartCounting(OciBundle bundle)
    {
        string id = StartDetached(bundle.Shell(Counting));
        Assert.True(SpinWait.SpinUntil(() => Count(bundle) > 0, 60_000));
        return id;
    }

    private static string StartDetached(OciBundle bundle)
    {
        bundle.Save();
        string id = bundle.NewId();
        Outcome started = TimurCommand.Execute("sh", ["-c", $"exec {bundle.Words} run -d --bundle {bundle.Directory} {id} </dev/null >/dev/null 2>&1"]);
        Assert.True(started.Code == 0, started.ToString());
        return id;
    }

    private static int Count(OciBundle bundle)
    {
        // The shell empties it before it writes.
        string text = "";
        SpinWait.SpinUntil(() => File.Exists(bundle.Root + "/tmp/count") && (text = File.ReadAllText(bundle.Root + "/tmp/count")).EndsWith('\n'), 1000);
        return text.Length > 0 ? int.Parse(text) : 0;
    }

    private static Outcome Checkpoint(OciBundle bundle, string id, params string[] options)
        => bundle.Execute(["--criu", Criu.Program], ["checkpoint", "--image-path", bundle.Directory + "/images", .. options, id]);

    private static Outcome Restore(OciBundle bundle, string id, string options = "")
    {
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"{bundle.Words} --log {bundle.Directory}/log --criu {Criu.Program} restore --detach --bundle {bundle.Directory} --image-path {bundle.Directory}/images {options} {id} </dev/null >/dev/null 2>/dev/null"]);
        return outcome with { Error = File.Exists(bundle.Directory + "/log") ? File.ReadAllText(bundle.Directory + "/log") : "" };
    }
}
