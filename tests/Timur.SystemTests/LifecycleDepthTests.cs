using Xunit;

namespace Timur.SystemTests;

/// <summary>The finer points of a container's life: what commands do in every state it can be in.</summary>
public sealed class LifecycleDepthTests : IDisposable
{
    private const string Stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void Wait_answers_for_several_in_their_order_and_names_the_missing_one()
    {
        _timur.Start("slow", "sleep 0.6; exit 4");
        _timur.Start("fast", "exit 5");
        Outcome outcome = _timur.Run("wait", "slow", "nosuch", "fast");
        Assert.Equal((125, "4\n5\n"), (outcome.Code, outcome.Out));
        Assert.Contains("there is no container 'nosuch'", outcome.Error);
        Assert.Equal("5\n", _timur.Run("wait", "fast").Out);
    }

    [Fact]
    public void Stop_asks_waits_and_kills()
    {
        _timur.Start("stubborn", Stubborn);
        Ready("stubborn");
        Assert.Equal(0, _timur.Run("stop", "-t", "1", "stubborn").Code);
        Assert.Equal("exited 137 false", _timur.Inspect("stubborn", "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}"));
        Assert.Equal(0, _timur.Run("stop", "stubborn").Code);
        _timur.Start("polite", "trap 'exit 21' USR1; echo ready; while :; do sleep 0.05; done", "--stop-signal", "USR1");
        Ready("polite");
        Assert.Equal(0, _timur.Run("stop", "polite").Code);
        Assert.Equal("21", _timur.Inspect("polite", "{{.State.ExitCode}}"));
    }

    [Fact]
    public void A_paused_container_can_be_stopped_killed_and_removed_but_not_entered_or_paused_again()
    {
        _timur.Start("still", "trap 'exit 8' TERM; echo ready; while :; do sleep 0.05; done");
        Ready("still");
        Assert.Equal(0, _timur.Run("pause", "still").Code);
        Assert.Equal("paused true true", _timur.Inspect("still", "{{.State.Status}} {{.State.Paused}} {{.State.Running}}"));
        Assert.Matches(@"^Up .* \(Paused\)\n$", _timur.Run("ps", "--format", "{{.Status}}").Out);
        Assert.Equal(125, _timur.Run("pause", "still").Code);
        Assert.Contains("unpause", _timur.Run("exec", "still", "true").Error);
        Assert.Contains("sleep", _timur.Run("top", "still").Out);
        Assert.Equal("ready\n", _timur.Run("logs", "still").Out);
        Assert.Equal(0, _timur.Run("stop", "still").Code);
        Assert.Equal("exited 8", _timur.Inspect("still", "{{.State.Status}} {{.State.ExitCode}}"));
        Assert.Equal(125, _timur.Run("pause", "still").Code);
        Assert.Equal(125, _timur.Run("unpause", "still").Code);
        _timur.Run("start", "still");
        _timur.Run("pause", "still");
        Assert.Equal(0, _timur.Run("kill", "still").Code);
        Assert.Equal("137\n", _timur.Run("wait", "still").Out);
        _timur.Run("start", "still");
        _timur.Run("pause", "still");
        Assert.Equal(0, _timur.Run("rm", "-f", "still").Code);
    }

    [Fact]
    public void Restart_gives_a_new_process_and_counts_nothing()
    {
        _timur.Start("twice", "echo life; sleep 100");
        string before = _timur.Inspect("twice", "{{.State.Pid}}");
        Assert.Equal("twice\n", _timur.Run("restart", "-t", "0", "twice").Out);
        Assert.NotEqual(before, _timur.Inspect("twice", "{{.State.Pid}}"));
        Assert.Equal("running 0", _timur.Inspect("twice", "{{.State.Status}} {{.RestartCount}}"));
        _timur.Run("stop", "-t", "0", "twice");
        Assert.Equal("twice\n", _timur.Run("restart", "twice").Out);
        Assert.True(SpinWait.SpinUntil(() => _timur.Run("logs", "twice").Out == "life\nlife\nlife\n", 60_000));
    }

    [Fact]
    public void A_new_name_is_free_to_use_and_the_old_one_is_given_back()
    {
        _timur.Start("first", "sleep 100");
        _timur.Start("second", "sleep 100");
        Assert.Contains("is taken", _timur.Run("rename", "first", "second").Error);
        Assert.Equal("/first", _timur.Inspect("first", "{{.Name}}"));
        Assert.Equal(0, _timur.Run("rename", "first", "third").Code);
        Assert.Equal(125, _timur.Run("exec", "first", "true").Code);
        Assert.Equal(0, _timur.Run("exec", "third", "true").Code);
        _timur.Start("first", "true");
        Assert.Equal(125, _timur.Run("rename", "third", "not a name").Code);
        Assert.Equal("third", _timur.Run("ps", "--filter", "name=third", "--format", "{{.Names}}").Out.Trim());
    }

    [Fact]
    public void Logs_can_be_cut_by_time_and_number_and_followed_to_the_end()
    {
        _timur.Start("two", "echo one; sleep 1.2; echo two >&2; while ! test -e /go; do sleep 0.05; done; echo three");
        Assert.True(SpinWait.SpinUntil(() => _timur.Run("logs", "two").Error == "two\n", 60_000));
        string second = _timur.Run("logs", "-t", "two").Error.Split(' ')[0];
        Outcome since = _timur.Run("logs", "--since", second, "two");
        Assert.Equal(("", "two\n"), (since.Out, since.Error));
        Outcome until = _timur.Run("logs", "--until", second[..^12] + "Z", "two");
        Assert.DoesNotContain("two", until.Error);
        Assert.Equal(("", "two\n"), (_timur.Run("logs", "--tail", "1", "two").Out, _timur.Run("logs", "--tail", "1", "two").Error));
        Assert.Equal("", _timur.Run("logs", "--tail", "0", "two").Out);
        Outcome followed = TimurCommand.Execute("sh", ["-c", $"{_timur.Words} logs -f --tail 1 two & sleep 0.3; {_timur.Words} exec two touch /go; wait"]);
        Assert.Equal(("three\n", "two\n"), (followed.Out, followed.Error));
        Assert.Equal("one\nthree\n", _timur.Run("logs", "--follow", "two").Out);
        Assert.Equal(125, _timur.Run("logs", "--tail", "some", "two").Code);
        Assert.Equal(125, _timur.Run("logs", "--since", "yesterdayish", "two").Code);
    }

    [Fact]
    public void Followed_logs_survive_their_rotation()
    {
        _timur.Start("turning", "i=0; while [ $i -lt 900 ]; do echo line $i; i=$((i+1)); test $((i % 30)) = 0 && sleep 0.03; done", "--log-opt", "max-size=4k", "--log-opt", "max-file=3");
        string[] lines = _timur.Run("logs", "-f", "turning").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("line 899", lines[^1]);
        int[] numbers = [.. lines.Select(line => int.Parse(line.Split(' ')[1]))];
        Assert.Equal(numbers.Order().Distinct(), numbers);
    }

    [Fact]
    public void Top_and_stats_show_the_containers_processes_and_traffic()
    {
        _timur.Start("busy", "sleep 77 & sleep 78 & wait");
        Assert.True(SpinWait.SpinUntil(() => _timur.Run("top", "busy").Out.Split('\n').Length == 5, 60_000), _timur.Run("top", "busy").Out);
        Assert.Contains("sleep 77", _timur.Run("top", "busy").Out);
        Assert.Equal("busy -- 3\n", _timur.Run("stats", "--no-stream", "--interval", "0", "--format", "{{.Name}} {{.NetIO}} {{.PIDs}}", "busy").Out);
        Assert.Equal(125, _timur.Run("top", "nosuch").Code);
        _timur.Run("stop", "-t", "0", "busy");
        Assert.Contains("is not running", _timur.Run("top", "busy").Error);
    }

    [Fact]
    public void Filters_and_templates_select_and_complain()
    {
        _timur.Start("one", "exit 3", "-l", "tier=front");
        _timur.Run("wait", "one");
        _timur.Start("two", "sleep 100", "-l", "tier=back", "-v", "shared:/s");
        _timur.Run("create", "--name", "three", "--network", "none", "busybox", "true");
        Assert.Equal("one\n", Names("status=exited"));
        Assert.Equal("three\n", Names("status=created"));
        Assert.Equal("two\none\n", Names("status=exited", "status=running"));
        Assert.Equal("", Names("status=exited", "exited=0"));
        Assert.Equal("two\n", Names("label=tier=back"));
        Assert.Equal("", Names("label=tier=back", "label=tier=front"));
        Assert.Equal("two\n", Names("volume=shared"));
        Assert.Equal("three\n", Names("since=two"));
        Assert.Equal("one\n", Names("before=two"));
        Assert.Equal("three\ntwo\none\n", Names("ancestor=busybox"));
        Assert.Equal("three\n", _timur.Run("ps", "-l", "--format", "{{.Names}}").Out);
        Assert.Equal("three\ntwo\n", _timur.Run("ps", "-n", "2", "--format", "{{.Names}}").Out);
        foreach (string bad in (string[])["status=nonsense", "colour=red", "name", "since=nosuch"])
        {
            Outcome outcome = _timur.Run("ps", "-a", "--filter", bad);
            Assert.Equal(125, outcome.Code);
            Assert.Contains("\n  ", outcome.Error);
        }

        Assert.Equal("exited 3 front", _timur.Inspect("one", "{{.State.Status}} {{.State.ExitCode}} {{index .Config.Labels \"tier\"}}"));
        Assert.Contains("there is no field .Nope", _timur.Run("inspect", "--format", "{{.Nope}}", "one").Error);
        Assert.Contains("no closing", _timur.Run("inspect", "--format", "{{.Id", "one").Error);
        Outcome partly = _timur.Run("inspect", "--format", "{{.Name}}", "one", "nosuch");
        Assert.Equal(1, partly.Code);
    }

    [Fact]
    public void Variables_come_from_files_the_caller_and_the_line_in_this_order()
    {
        File.WriteAllText(_timur.Root + "/env", "# comment\nA=file\n  B=two words\n\nINHERITED\nABSENT\nC=\nD=a=b\r\n");
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"INHERITED=yes CALLER=too {_timur.Words} run --rm --network none --env-file {_timur.Root}/env -e A=line -e CALLER -e NOBODY busybox env"]);
        string[] lines = outcome.Out.Split('\n');
        foreach (string expected in (string[])["A=line", "B=two words", "INHERITED=yes", "C=", "D=a=b", "CALLER=too"])
        {
            Assert.Contains(expected, lines);
        }

        Assert.DoesNotContain(lines, line => line.StartsWith("ABSENT", StringComparison.Ordinal) || line.StartsWith("NOBODY", StringComparison.Ordinal) || line == "A=file");
        _timur.Start("box", "sleep 100", "-e", "A=own");
        Assert.Equal("exec\n", _timur.Run("exec", "-e", "A=exec", "box", "sh", "-c", "echo $A").Out);
        Assert.Equal("own\n", _timur.Run("exec", "box", "sh", "-c", "echo $A").Out);
    }

    [Fact]
    public void The_reaper_takes_orphans_and_ends_with_the_payload()
    {
        _timur.Start("reaped", "for i in 1 2 3 4 5 6 7 8; do sh -c 'sleep 0.1 & exit'; done; echo ready; while ! test -e /go; do sleep 0.05; done; exit 6", "--init");
        Ready("reaped");
        Assert.True(SpinWait.SpinUntil(() => _timur.Run("exec", "reaped", "ps", "-o", "comm,stat").Out is var list && !list.Contains(" Z", StringComparison.Ordinal) && list.Split('\n').Count(line => line.StartsWith("sleep", StringComparison.Ordinal)) <= 1, 60_000));
        _timur.Run("exec", "reaped", "touch", "/go");
        Assert.Equal("6\n", _timur.Run("wait", "reaped").Out);
    }

    [Fact]
    public void Input_of_a_visitor_ends_without_ending_the_containers()
    {
        _timur.Start("talk", "while read line; do echo got $line; done", "-i");
        foreach (string word in (string[])["one", "two"])
        {
            TimurCommand.Execute("sh", ["-c", $"(echo {word}; sleep 0.2) | timeout -s KILL 0.4 {_timur.Words} attach --sig-proxy=false talk"]);
        }

        Assert.Equal("got one\ngot two\n", _timur.Run("logs", "talk").Out);
        Assert.Equal("running", _timur.Inspect("talk", "{{.State.Status}}"));
        Assert.Equal("3\n", TimurCommand.Execute("sh", ["-c", $"printf abc | {_timur.Words} run -i --rm --network none busybox wc -c"]).Out);
    }

    [Fact]
    public void Several_visitors_see_the_same_output()
    {
        _timur.Start("shown", "while ! test -e /go; do sleep 0.05; done; echo for all; exit 2");
        string attach = $"{_timur.Words} attach shown; echo $?";
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"({attach}) & ({attach}) & sleep 0.3; {_timur.Words} exec shown touch /go; wait"]);
        Assert.Equal("2\n2\nfor all\nfor all", string.Join('\n', outcome.Out.Trim().Split('\n').Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Exec_in_the_background_leaves_its_process_in_the_container_and_a_killed_command_leaves_it_too()
    {
        _timur.Start("box", "sleep 100");
        Assert.Equal((0, ""), (_timur.Run("exec", "-d", "box", "sleep", "66").Code, ""));
        TimurCommand.Execute("sh", ["-c", $"{_timur.Words} exec box sleep 67 >/dev/null 2>&1 & sleep 0.3; kill -9 $!"]);
        Assert.True(SpinWait.SpinUntil(() => _timur.Run("top", "box").Out is var top && top.Contains("sleep 66", StringComparison.Ordinal) && top.Contains("sleep 67", StringComparison.Ordinal), 60_000));
        Assert.Equal(0, _timur.Run("rm", "-f", "box").Code);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    private string Names(params string[] filters)
        => _timur.Run(["ps", "-a", "--format", "{{.Names}}", .. filters.SelectMany(filter => (string[])["--filter", filter])]).Out;

    private void Ready(string name) => Assert.True(SpinWait.SpinUntil(() => _timur.Run("logs", name).Out.Contains("ready", StringComparison.Ordinal), 60_000));
}
