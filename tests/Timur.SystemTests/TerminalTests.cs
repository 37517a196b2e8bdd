using Xunit;

namespace Timur.SystemTests;

/// <summary>Terminals: their size, keys, modes, and what happens when one side goes. script(1) is the person's terminal.</summary>
public sealed class TerminalTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    private static Outcome OnTerminal(string script) => TimurCommand.Execute("script", ["-qec", $"sh -c '{script.Replace("'", "'\\''", StringComparison.Ordinal)}'", "/dev/null"]);

    [Fact]
    public void The_size_is_there_from_the_start_and_follows_the_window()
    {
        string inside = "stty size; trap \"stty size; exit 5\" WINCH; echo ready; while :; do sleep 0.05; done";
        string resized = $"stty rows 33 cols 99; (sleep 1; stty rows 44 cols 111 </dev/tty) & {_timur.Words} run -it --rm --network none busybox sh -c '{inside}'; echo code $?";
        string output = OnTerminal(resized).Out;
        Assert.Contains("33 99", output);
        Assert.Contains("44 111", output);
        Assert.Contains("code 5", output);
    }

    [Fact]
    public void Exec_has_a_terminal_with_size_and_a_session_of_its_own()
    {
        _timur.Start("box", "sleep 100");
        string inside = "stty size; tty; trap \"stty size; exit 4\" WINCH; test -t 0 && test -t 1 && test -t 2 && echo three; while :; do sleep 0.05; done";
        string output = OnTerminal($"stty rows 22 cols 88; (sleep 1; stty rows 23 cols 89 </dev/tty) & {_timur.Words} exec -it box sh -c '{inside}'; echo code $?").Out;
        Assert.Contains("22 88", output);
        Assert.Contains("/dev/pts/", output);
        Assert.Contains("three", output);
        Assert.Contains("23 89", output);
        Assert.Contains("code 4", output);
    }

    [Fact]
    public void Control_c_is_for_the_payload()
    {
        // Bytes typed on the terminal reach the program as signals of its own terminal.
        string inside = "trap \"echo interrupted; exit 9\" INT; echo ready; while :; do sleep 0.05; done";
        Outcome outcome = TimurCommand.Execute("sh", ["-c", $"(sleep 1; printf '\\003'; sleep 1) | script -qec \"{_timur.Words} run -it --rm --network none busybox sh -c '{inside.Replace("\"", "\\\"", StringComparison.Ordinal)}'\" /dev/null; echo code $?"]);
        Assert.Contains("interrupted", outcome.Out);
        Assert.Contains("code 9", outcome.Out);
    }

    [Fact]
    public void Detach_keys_of_ones_own_leave_it_running_and_attach_comes_back()
    {
        TimurCommand.Execute("sh", ["-c", $"(sleep 1; printf 'xy'; sleep 1) | script -qec '{_timur.Words} run -it --name stay --detach-keys x,y --network none busybox cat' /dev/null"]);
        Assert.Equal("running", _timur.Inspect("stay", "{{.State.Status}}"));
        Outcome again = TimurCommand.Execute("sh", ["-c", $"(sleep 0.5; printf 'hello\\n'; sleep 0.5; printf '\\020\\021'; sleep 0.5) | script -qec '{_timur.Words} attach stay' /dev/null; echo code $?"]);
        Assert.Contains("hello", again.Out);
        Assert.Contains("code 0", again.Out);
        Assert.Equal("running", _timur.Inspect("stay", "{{.State.Status}}"));
        TimurCommand.Execute("sh", ["-c", $"(sleep 0.5; printf '\\020\\021'; sleep 0.5; printf '\\004'; sleep 0.5) | script -qec '{_timur.Words} attach --detach-keys= stay' /dev/null"]);
        Assert.Equal("0\n", _timur.Run("wait", "stay").Out);
        Assert.Contains("isn't a key", OnTerminal($"{_timur.Words} run -it --rm --detach-keys ctrl-oops --network none busybox true").Out);
    }

    [Fact]
    public void The_persons_terminal_is_as_before_whatever_happened()
    {
        _timur.Start("box", "sleep 100");
        string words = _timur.Words;
        string output = OnTerminal($"stty -a >{_timur.Root}/before; {words} run -it --rm --network none busybox sh -c 'stty raw -echo; exit 1'; {words} exec -it box sh -c 'stty -icanon; kill -9 $$'; {words} run -it --rm --network none busybox nope; stty -a >{_timur.Root}/after").Out;
        Assert.True(File.ReadAllText(_timur.Root + "/before") == File.ReadAllText(_timur.Root + "/after"), output);
    }

    [Fact]
    public void When_the_persons_terminal_goes_away_the_container_stays()
    {
        TimurCommand.Execute("sh", ["-c", $"(sleep 0.7) | timeout -s KILL 0.6 script -qec '{_timur.Words} run -it --name left --network none busybox sh -c \"sleep 1; exit 3\"' /dev/null"]);
        Assert.Equal("3\n", _timur.Run("wait", "left").Out);
    }

    [Fact]
    public void A_pipe_is_no_terminal()
    {
        foreach (string command in (string[])["run -it --rm --network none busybox true", "exec -it box true"])
        {
            _timur.Run("rm", "-f", "box");
            _timur.Start("box", "sleep 100");
            Outcome outcome = TimurCommand.Execute("sh", ["-c", $"echo | {_timur.Words} {command}"]);
            Assert.Equal(125, outcome.Code);
            Assert.Contains("not a terminal", outcome.Error);
        }
    }
}
