using System.Text.Json;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Containers from their making to their end.</summary>
public sealed class LifecycleTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_container_in_the_background_is_listed_logged_entered_and_stopped()
    {
        _timur.Start("bg", "echo out; echo err >&2; trap 'exit 3' TERM; while :; do sleep 0.05; done");
        Assert.Equal("bg\tUp Less than a second\n", _timur.Run("ps", "--format", "{{.Names}}\\t{{.Status}}").Out);
        SpinWait.SpinUntil(() => _timur.Run("logs", "bg").Error.Length > 0, 60_000);
        Outcome logs = _timur.Run("logs", "bg");
        Assert.Equal(("out\n", "err\n"), (logs.Out, logs.Error));
        Assert.Equal("inside\n", _timur.Run("exec", "bg", "echo", "inside").Out);
        Assert.Equal(5, _timur.Run("exec", "bg", "sh", "-c", "exit 5").Code);
        Assert.Equal(127, _timur.Run("exec", "bg", "nope").Code);
        Assert.Equal(0, _timur.Run("stop", "bg").Code);
        Assert.StartsWith("Exited (3) ", _timur.Run("ps", "-a", "--format", "{{.Status}}").Out);
        Assert.Equal("", _timur.Run("ps", "-q").Out);
    }

    [Fact]
    public void Exec_has_the_containers_confinement()
    {
        _timur.Start("box", "sleep 100", "-m", "64m");
        string status = _timur.Run("exec", "box", "cat", "/proc/self/status").Out;
        Assert.Contains("CapEff:\t00000000a80425fb", status);
        Assert.Contains("NoNewPrivs:\t1", status);
        Assert.Contains("Seccomp:\t2", status);
        string id = _timur.Inspect("box", "{{.Id}}");
        Assert.Contains(id, TimurCommand.Execute("sh", ["-c", $"{_timur.Words} exec -d box sleep 77; sleep 0.2; cat /proc/$(pgrep -f '^sleep 77')/cgroup"]).Out);
        Assert.Equal("65534\n", _timur.Run("exec", "-u", "nobody", "box", "id", "-u").Out);
    }

    [Fact]
    public void A_stopped_container_keeps_its_files_and_starts_again()
    {
        _timur.Start("again", "echo line >> /count; wc -l < /count");
        _timur.Run("wait", "again");
        Assert.Equal(0, _timur.Run("start", "again").Code);
        _timur.Run("wait", "again");
        Assert.Equal("1\n2\n", _timur.Run("logs", "again").Out);
        Assert.Equal("3\n", _timur.Run("start", "-a", "again").Out);
    }

    [Fact]
    public void Pausing_stops_the_clock_of_the_processes()
    {
        _timur.Start("ticks", "while :; do echo x >> /ticks; sleep 0.02; done");
        _timur.Run("pause", "ticks");
        Assert.Equal("paused", _timur.Inspect("ticks", "{{.State.Status}}"));
        string path = $"/proc/{_timur.Inspect("ticks", "{{.State.Pid}}")}/root/ticks";
        long before = new FileInfo(path).Length;
        Thread.Sleep(300);
        Assert.Equal(before, new FileInfo(path).Length);
        Assert.Contains("is paused", _timur.Run("exec", "ticks", "true").Error);
        _timur.Run("unpause", "ticks");
        Assert.True(SpinWait.SpinUntil(() => new FileInfo(path).Length > before, 60_000));
    }

    [Fact]
    public void Restart_policies_count_and_end()
    {
        _timur.Start("thrice", "exit 4", "--restart", "on-failure:2");
        Assert.True(SpinWait.SpinUntil(() => _timur.Inspect("thrice", "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}") == "exited 2 4", 60_000), _timur.Run("ps", "-a").Out);
        _timur.Start("always", "sleep 0.1", "--restart", "always");
        Assert.True(SpinWait.SpinUntil(() => int.Parse(_timur.Inspect("always", "{{.RestartCount}}")) > 0, 60_000));
        _timur.Run("stop", "-t", "0", "always");
        Thread.Sleep(500);
        Assert.Equal("exited", _timur.Inspect("always", "{{.State.Status}}"));
    }

    [Fact]
    public void Names_change_and_prefixes_find()
    {
        _timur.Start("before", "sleep 100");
        string id = _timur.Inspect("before", "{{.Id}}");
        Assert.Equal(0, _timur.Run("rename", "before", "after").Code);
        Assert.Equal("/after", _timur.Inspect(id[..8], "{{.Name}}"));
        Assert.Equal(0, _timur.Run("rm", "-f", id[..12]).Code);
    }

    [Fact]
    public void Removing_a_running_container_needs_force()
    {
        _timur.Start("busy", "sleep 100");
        Assert.Equal(2, _timur.Run("rm", "busy").Code);
        Assert.Equal(0, _timur.Run("rm", "-f", "busy").Code);
        Assert.Equal(0, _timur.Run("rm", "-f", "busy").Code);
        Assert.Equal(1, _timur.Run("rm", "busy").Code);
    }

    [Fact]
    public void Wait_prints_the_exit_code_even_of_a_container_that_removes_itself()
    {
        _timur.Start("gone", "sleep 0.3; exit 6", "--rm");
        Assert.Equal("6\n", _timur.Run("wait", "gone").Out);
        Assert.Equal("", _timur.Run("ps", "-aq").Out);
    }

    /// <summary>The fourth delay is 0.8 s: long enough to be met while it waits.</summary>
    [Fact]
    public void Wait_takes_a_container_that_waits_for_its_restart_for_a_running_one()
    {
        _timur.Start("later", "echo >>/lives; [ $(wc -l </lives) -gt 4 ] && exec sleep 0.5; exit 3", "--restart", "on-failure");
        Assert.True(SpinWait.SpinUntil(() => _timur.Inspect("later", "{{.State.Status}} {{.RestartCount}}") == "restarting 3", 60_000), _timur.Run("ps", "-a").Out);
        Assert.Equal("0\n", _timur.Run("wait", "later").Out);
        Assert.Equal("exited 4", _timur.Inspect("later", "{{.State.Status}} {{.RestartCount}}"));
    }

    [Fact]
    public void Inspect_shows_the_images_variables_and_the_options_that_override_them()
    {
        string archive = _timur.Root + "/empty.tar";
        Assert.Equal(0, TimurCommand.Execute("tar", ["-cf", archive, "-T", "/dev/null"]).Code);
        _timur.Run("import", "-c", "ENV KEPT=image", "-c", "ENV CHANGED=image", "-c", "WORKDIR /work", "-c", "USER 7", archive, "varied");
        _timur.Run("create", "--name", "varied", "-e", "CHANGED=option", "-e", "ADDED=option", "varied", "/true");
        Assert.Equal(
            """["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","KEPT=image","CHANGED=option","ADDED=option"]""",
            _timur.Inspect("varied", "{{json .Config.Env}}"));
        Assert.Equal("/work 7", _timur.Inspect("varied", "{{.Config.WorkingDir}} {{.Config.User}}"));
        string[] names = [.. System.Text.Json.JsonDocument.Parse(_timur.Run("inspect", "varied").Out).RootElement[0].EnumerateObject().Select(property => property.Name)];
        Assert.DoesNotContain("MonitorPid", names);
    }

    [Fact]
    public void Clearing_all_leaves_nothing_in_the_store()
    {
        _timur.Start("left", "sleep 100");
        Assert.NotEmpty(Directory.GetFileSystemEntries(_timur.Root + "/data"));
        Assert.Equal(0, _timur.Run("clear", "--force", "--all").Code);
        Assert.Empty(Directory.GetFileSystemEntries(_timur.Root + "/data"));
        Assert.False(Directory.Exists(_timur.Root + "/run"));
    }

    [Fact]
    public void Attach_follows_the_output_and_the_end()
    {
        _timur.Start("talk", "read line; echo got $line; exit 8", "-i");
        Outcome outcome = TimurCommand.Execute(TimurCommand.Path, ["--root", _timur.Root + "/data", "--state", _timur.Root + "/run", "attach", "talk"], "hello\n");
        Assert.Equal((8, "got hello\n"), (outcome.Code, outcome.Out));
    }

    [Fact]
    public void Detach_keys_leave_the_container_running()
    {
        string keys = "printf '\\020\\021'";
        TimurCommand.Execute("sh", ["-c", $"(sleep 1; {keys}; sleep 1) | script -qec '{_timur.Words} run -it --name stay --network none busybox sleep 60' /dev/null"]);
        Assert.Equal("running", _timur.Inspect("stay", "{{.State.Status}}"));
    }

    [Fact]
    public void Signals_to_the_command_reach_the_payload()
    {
        string script = $"{_timur.Words} run --rm --network none busybox sh -c 'trap \"echo caught; exit 11\" INT; while :; do sleep 0.05; done' & sleep 1; kill -INT $!; wait $!; echo $?";
        Assert.Equal("caught\n11\n", TimurCommand.Execute("bash", ["-c", $"set -m; {script}"]).Out);
    }

    [Fact]
    public void The_command_may_die_and_the_container_goes_on()
    {
        TimurCommand.Execute("sh", ["-c", $"{_timur.Words} run --name alone --network none busybox sh -c 'sleep 1; echo done' >/dev/null 2>&1 & sleep 0.4; kill -9 $!"]);
        Assert.Equal("0\n", _timur.Run("wait", "alone").Out);
        Assert.Equal("done\n", _timur.Run("logs", "alone").Out);
    }

    [Fact]
    public void Lists_filter_and_format_as_scripts_expect()
    {
        _timur.Start("one", "true", "-l", "role=web", "-l", "env=dev");
        _timur.Start("two", "exit 3", "-l", "role=db");
        _timur.Run("wait", "one", "two");
        Assert.Equal("one\n", _timur.Run("ps", "-a", "--filter", "label=role=web", "--filter", "label=env", "--format", "{{.Names}}").Out);
        Assert.Equal("two\n", _timur.Run("ps", "--filter", "exited=3", "--format", "{{.Names}}").Out);
        Assert.Equal("two\none\n", _timur.Run("ps", "-a", "--filter", "name=one", "--filter", "name=two", "--format", "{{.Names}}").Out);
        foreach (string line in _timur.Run("ps", "-a", "--format", "json").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.Equal(12, JsonDocument.Parse(line).RootElement.GetProperty("ID").GetString()!.Length);
        }

        Assert.StartsWith("NAMES   STATE\n", _timur.Run("ps", "-a", "--format", "table {{.Names}}\\t{{.State}}").Out);
        Assert.Equal(JsonValueKind.Array, JsonDocument.Parse(_timur.Run("inspect", "one").Out).RootElement.ValueKind);
        Assert.Equal("web", _timur.Inspect("one", "{{index .Config.Labels \"role\"}}"));
        Outcome again = _timur.Run("inspect", "--as", "run", "two");
        Assert.Contains("--label=role=db", again.Out);
    }

    [Fact]
    public void Logs_rotate_follow_and_carry_times()
    {
        _timur.Start("chatty", "i=0; while [ $i -lt 400 ]; do echo line $i of a log that has to turn over; i=$((i+1)); done", "--log-opt", "max-size=8k", "--log-opt", "max-file=2");
        _timur.Run("wait", "chatty");
        string[] lines = _timur.Run("logs", "chatty").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(lines.Length, 50, 399);
        Assert.StartsWith("line 399 ", lines[^1]);
        Assert.Equal("line 399 of a log that has to turn over\n", _timur.Run("logs", "--tail", "1", "chatty").Out);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line 399", _timur.Run("logs", "-t", "--tail", "1", "chatty").Out);
        _timur.Start("slow", "echo a; sleep 0.5; echo b");
        Assert.Equal("a\nb\n", _timur.Run("logs", "-f", "slow").Out);
    }

    [Fact]
    public void Processes_in_cgroups_that_a_container_made_itself_are_listed_and_ended_with_it()
    {
        const string script = "for c in /sys/fs/cgroup/*/; do mkdir $c/inner; echo $$ > $c/inner/cgroup.procs; done; sleep 1000 & wait";
        _timur.Start("nested", script, "--privileged");
        SpinWait.SpinUntil(() => _timur.Run("top", "nested").Out.Contains("sleep 1000", StringComparison.Ordinal), 60_000);
        Assert.Contains("sleep 1000", _timur.Run("top", "nested").Out);
        Assert.Equal(0, _timur.Run("rm", "-f", "nested").Code);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }
}
