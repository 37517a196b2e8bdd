using Xunit;

namespace Timur.SystemTests;

/// <summary>
/// SIGKILL at any moment: strace delivers it at the n-th system call, so that every stage of a command is hit and a failure can be repeated. Afterwards the
/// next command works, system check finds what is left and takes it away, and the machine is as before.
/// </summary>
public sealed class KillTests : IDisposable
{
    private const int Rounds = 14;
    private readonly TimurCommand _timur = new(ownBinary: true);

    public void Dispose() => _timur.Dispose();

    [Theory]
    [InlineData("run -d --network none busybox sleep 100", "")]
    [InlineData("run -d --network none --disk 96m busybox sleep 100", "")]
    [InlineData("run --rm --network none busybox true", "")]
    [InlineData("run --rm --init -i --network none -m 32m busybox true", "")]
    [InlineData("create --name made busybox true", "t rm -f made")]
    [InlineData("create --disk 80m --preallocate busybox true", "")]
    [InlineData("start box", "t rm -f box; t create --name box --network none busybox sleep 100")]
    [InlineData("exec box true", "t rm -f box; t run -d --name box --network none busybox sleep 100")]
    [InlineData("stop -t 0 box", "t rm -f box; t run -d --name box --network none busybox sleep 100")]
    [InlineData("restart -t 0 box", "t rm -f box; t run -d --name box --network none busybox sleep 100")]
    [InlineData("kill box", "t rm -f box; t run -d --rm --name box --network none busybox sleep 100")]
    [InlineData("rm -f box", "t rm -f box; t run -d --name box --network none --disk 96m busybox sleep 100")]
    [InlineData("pause box", "t rm -f box; t run -d --name box --network none busybox sleep 100")]
    [InlineData("unpause box", "t rm -f box; t run -d --name box --network none busybox sleep 100; t pause box")]
    [InlineData("rename box other", "t rm -f box other; t create --name box busybox true")]
    [InlineData("import ROOT/image.tar brought", "t rmi brought; tar -C /etc -cf ROOT/image.tar alternatives")]
    [InlineData("rmi brought", "tar -C /etc -cf ROOT/image.tar alternatives; t import ROOT/image.tar brought")]
    [InlineData("disk clone box copy", "t disk rm copy; t create --name box --disk 96m busybox true")]
    [InlineData("disk snapshot box early", "t disk rm box@early; t create --name box --disk 96m busybox true")]
    [InlineData("disk rollback box early", "t create --name box --disk 96m busybox true; t disk snapshot box early")]
    [InlineData("init", "rm -rf ROOT/data/images ROOT/data/filters")]
    [InlineData("system check --repair", "t rm -f box; t run -d --name box --network none busybox sleep 100; kill -9 $(t inspect --format '{{.State.MonitorPid}}' box)")]
    [InlineData("clear -f", "t run -d --network none busybox sleep 100; t create busybox true")]
    public void A_command_that_is_killed_leaves_what_check_finds_and_repairs(string command, string prepare)
    {
        Assert.Equal(0, _timur.Shell("true").Code);
        string before = Residue.Of(_timur);
        prepare = prepare.Replace("ROOT", _timur.Root, StringComparison.Ordinal);
        command = command.Replace("ROOT", _timur.Root, StringComparison.Ordinal);
        int calls = CountCalls(command, prepare);
        for (int round = 0; round < Rounds; round++)
        {
            // The first hundred calls are the runtime's. Every third round hits helper processes, too.
            int when = 100 + ((calls - 100) * (round + 1) / Rounds);
            Script(prepare);
            Traced(command, $"{(round % 3 == 2 ? "-f" : "")} -e inject=all:signal=KILL:when={when}");
            AssertUsable($"{command} at call {when} of {calls}");
        }

        Settle(before);
    }

    [Fact]
    public void A_bridged_container_with_ports_whose_start_is_killed_leaves_no_link_address_or_rule() => PrivateHost.Run(_ =>
    {
        using var timur = new TimurCommand(ownBinary: true);
        var tests = new KillTestsOn(timur);
        tests.Run();
    });

    [Theory]
    [InlineData("monitor", "")]
    [InlineData("monitor", "--rm")]
    [InlineData("monitor", "--init")]
    [InlineData("monitor", "--disk 96m")]
    [InlineData("payload", "")]
    [InlineData("payload", "--rm")]
    [InlineData("payload", "--init")]
    public void A_monitor_or_payload_that_is_killed_leaves_a_container_that_every_command_can_handle(string whom, string options)
    {
        Assert.Equal(0, _timur.Shell("true").Code);
        string before = Residue.Of(_timur);
        foreach (string next in (string[])["stop -t 1 box", "rm -f box", "kill box", "system check --repair", "restart -t 1 box", "wait box", "start box"])
        {
            Script($"t run -d --name box --network none {options} busybox sleep 100");
            Script($"kill -9 $(t inspect --format '{{{{.State.{(whom == "monitor" ? "MonitorPid" : "Pid")}}}}}' box)");
            Assert.Equal(0, _timur.Run("ps", "-a").Code);
            if (next != "wait box" || whom == "payload")
            {
                Outcome outcome = Script("t " + next);
                Assert.True(outcome.Code is 0 or 1 or 125, $"{next}: {outcome}");
                Assert.DoesNotContain("defect", outcome.Error);
            }

            AssertUsable(next);
            Script("t rm -f box");
            Assert.Equal("", _timur.Run("ps", "-aq").Out);
            Assert.Equal(before, Residue.Of(_timur));
        }

        Settle(before);
    }

    [Fact]
    public void A_restart_that_is_killed_while_it_waits_ends_the_container()
    {
        string before = Residue.Of(_timur);
        _timur.Start("again", "exit 3", "--restart", "always");
        string? waiting = null;
        Assert.True(SpinWait.SpinUntil(() => (waiting = _timur.Processes().FirstOrDefault(process => process.Contains("__restart", StringComparison.Ordinal))) is not null, 60_000));
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                // Later restarts wait longer.
                waiting = _timur.Processes().FirstOrDefault(process => process.Contains("__restart", StringComparison.Ordinal));
                return waiting is not null && int.Parse(waiting.TrimEnd().Split(' ')[^1]) > 500;
            },
            20_000));

        // The process is there a moment before the state that names it.
        Assert.True(SpinWait.SpinUntil(() => _timur.Inspect("again", "{{.State.Status}}") == "restarting", 500));
        Script($"kill -9 {waiting!.Split(' ')[0]}");
        SpinWait.SpinUntil(() => _timur.Inspect("again", "{{.State.Status}}") == "exited", 3000);
        Assert.Equal("exited 3", _timur.Inspect("again", "{{.State.Status}} {{.State.ExitCode}}"));
        Assert.Contains("was to be started again", _timur.Run("system", "check").Out);
        Settle(null);
        Assert.DoesNotContain("again", before);
    }

    [Fact]
    public void Stopping_a_container_that_waits_for_its_restart_does_not_wait_with_it()
    {
        _timur.Start("again", "exit 3", "--restart", "always");
        Assert.True(SpinWait.SpinUntil(() => _timur.Processes().Any(process => process.Contains("__restart", StringComparison.Ordinal) && int.Parse(process.TrimEnd().Split(' ')[^1]) > 1500), 60_000));
        Assert.Equal(0, _timur.Run("stop", "again").Code);
        Assert.Equal("exited", _timur.Inspect("again", "{{.State.Status}}"));
        Assert.Contains(_timur.Processes(), process => process.Contains("__restart", StringComparison.Ordinal));
    }

    private int CountCalls(string command, string prepare)
    {
        Script(prepare);
        Traced(command, $"-o {_timur.Root}/trace");
        return File.ReadAllLines(_timur.Root + "/trace").Length;
    }

    private void Traced(string command, string how)
    {
        string output = how.Contains("-o ", StringComparison.Ordinal) ? "" : "-o /dev/null";
        
        // strace -f would wait for a container that came to run: without strace it goes on alone.
        string limit = how.Contains("-f", StringComparison.Ordinal) ? "timeout -s KILL 1.5" : "";
        TimurCommand.Execute("sh", ["-c", $"{limit} strace -qq {output} {how} {_timur.Words} {command} </dev/null >/dev/null 2>&1"]);
    }

    /// <summary>"t" is the command under test.</summary>
    private Outcome Script(string script) => TimurCommand.Execute("sh", ["-c", $"t() {{ {_timur.Words} \"$@\"; }}; {script}"]);

    private void AssertUsable(string what)
    {
        Outcome list = _timur.Run("ps", "-a");
        Assert.True(list.Code == 0, $"{what}: {list}");
        Outcome next = _timur.Shell("echo fine");
        Assert.True((next.Code, next.Out) == (0, "fine\n"), $"{what}: {next}");
    }

    /// <summary>Check, repair, check again; then nothing of it is left.</summary>
    private void Settle(string? before)
    {
        // What is younger than a second may still be in somebody's hands.
        Thread.Sleep(1100);
        Outcome repair = _timur.Run("system", "check", "--repair");
        Assert.True(repair.Code == 0, repair.ToString());
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
        Script("t rm -f $(t ps -aq); t rmi brought; t disk rm copy");
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
        Assert.True(SpinWait.SpinUntil(() => !_timur.Processes().Any(), 60_000), string.Join('\n', _timur.Processes()));
        if (before is not null)
        {
            Assert.Equal(before, Residue.Of(_timur));
        }
    }

    /// <summary>The same in a network of the test's own.</summary>
    private sealed class KillTestsOn(TimurCommand timur)
    {
        internal void Run()
        {
            Assert.Equal(0, timur.Run("run", "--rm", "-p", "9000:80", "busybox", "true").Code);
            string before = Residue.Of(timur);
            for (int when = 120; when < 700; when += 40)
            {
                TimurCommand.Execute("sh", ["-c", $"{(when % 3 == 0 ? "timeout -s KILL 1.5" : "")} strace -qq -o /dev/null {(when % 3 == 0 ? "-f" : "")} -e inject=all:signal=KILL:when={when} {timur.Words} run -d -p 9000:80 -p 53:53/udp busybox sleep 100 >/dev/null 2>&1"]);
                Outcome next = timur.Run("run", "--rm", "busybox", "echo", "fine");
                Assert.True((next.Code, next.Out) == (0, "fine\n"), $"at call {when}: {next}");
                TimurCommand.Execute("sh", ["-c", $"{timur.Words} rm -f $({timur.Words} ps -aq) 2>/dev/null"]);
            }

            Thread.Sleep(1100);
            Assert.Equal(0, timur.Run("system", "check", "--repair").Code);
            Assert.True(SpinWait.SpinUntil(() => timur.Run("system", "check").Out == "everything is as recorded\n", 60_000), timur.Run("system", "check").Out);
            Assert.Equal(before, Residue.Of(timur));
        }
    }
}
