using Xunit;

namespace Timur.SystemTests.Build;

/// <summary>SIGKILL at moments all through a build and a commit, delivered by strace at system calls that change something.</summary>
public sealed class BuildKillTests : IDisposable
{
    private const int Rounds = 16;

    private static readonly string[] Changing =
        ["renameat2", "unlinkat", "mkdirat", "flock", "clone3", "fsconfig", "symlinkat", "linkat", "fchmodat", "utimensat", "lsetxattr", "syncfs", "write", "exit_group"];

    private readonly BuildPlace _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void A_build_that_is_killed_leaves_no_process_and_what_check_repairs_and_succeeds_when_repeated()
    {
        string file = _place.Write("killed", """
            FROM base AS one
            RUN --mount=type=secret,id=s echo 1 >/one; rm /etc/base.conf; sleep 0.01
            COPY dir /dir
            FROM base
            ADD files.tar.gz /t/
            COPY --from=one /one /dir /
            WORKDIR /made/here
            RUN --mount=type=cache,target=/c echo x >/c/x; pwd >there
            """);
        KillAll($"build -q --no-cache --secret id=s,src={_place.Context}/a.txt -t killed -f {file} {_place.Context}");
        Assert.Equal("/made/here\n", _place.Timur.Run("run", "--rm", "--network", "none", "killed", "cat", "/made/here/there").Out);
    }

    [Fact]
    public void A_commit_that_is_killed_leaves_what_check_repairs_and_succeeds_when_repeated()
    {
        Assert.Equal(0, _place.Timur.Run("run", "--name", "box", "--network", "none", "base", "sh", "-c", "cp -r /usr /copy; rm /etc/base.conf").Code);
        KillAll("commit --squash box killed");
        Assert.Equal("f\n", _place.Timur.Run("run", "--rm", "--network", "none", "killed", "sh", "-c", "ls /etc/base.conf 2>/dev/null; ls /copy/share/base").Out);
    }

    private void KillAll(string command)
    {
        TimurCommand timur = _place.Timur;
        string before = Residue.Of(timur);
        List<(string Call, int Number)> moments = Moments(command);
        int killed = 0;
        foreach ((string call, int number) in moments)
        {
            killed += Script($"strace -qq -f -o /dev/null -e inject={call}:signal=KILL:when={number} {timur.Words} {command} </dev/null >/dev/null 2>&1").Code == 0 ? 0 : 1;
            Assert.True(SpinWait.SpinUntil(() => !timur.Processes().Any(), 10_000), string.Join('\n', timur.Processes()));
            Outcome list = timur.Run("ps", "-a");
            Assert.True(list.Code == 0, list.ToString());
        }

        Assert.True(moments.Count >= Rounds && killed > moments.Count * 3 / 4, $"only {killed} of {moments.Count} were killed");

        // What is younger than a second may still be in somebody's hands.
        Thread.Sleep(1100);
        Outcome repair = timur.Run("system", "check", "--repair");
        Assert.True(repair.Code == 0, repair.ToString());
        AssertClean();
        Assert.Equal(before, Residue.Of(timur));
        BuildPlace.Succeed(Script($"{timur.Words} {command}"));
        AssertClean();
    }

    /// <summary>A link dies with its namespace, in the kernel's own time.</summary>
    private void AssertClean()
    {
        string check = "";
        Assert.True(SpinWait.SpinUntil(() => (check = _place.Timur.Run("system", "check").Out) == "everything is as recorded\n", 5000), check);
    }

    /// <summary>The first, a middle and the last of each system call that changes something, counted as strace does: by call, in each process.</summary>
    private List<(string Call, int Number)> Moments(string command)
    {
        string trace = _place.Timur.Root + "/trace";
        Script($"strace -qq -f -o {trace} {_place.Timur.Words} {command} </dev/null >/dev/null 2>&1");
        var moments = new List<(string, int)>();
        foreach (string call in Changing)
        {
            int most = File.ReadLines(trace).Where(line => line.Contains($" {call}(", StringComparison.Ordinal)).GroupBy(line => line.Split(' ')[0]).Select(calls => calls.Count()).DefaultIfEmpty(0).Max();
            moments.AddRange(((int[])[1, (most + 1) / 2, most]).Where(number => number > 0).Distinct().Select(number => (call, number)));
        }

        return moments;
    }

    private static Outcome Script(string script) => TimurCommand.Execute("sh", ["-c", script]);
}
