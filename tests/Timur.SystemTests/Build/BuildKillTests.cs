using Timur.SystemTests.Keeping;
using Xunit;
using Xunit.Abstractions;

namespace Timur.SystemTests.Build;

/// <summary>SIGKILL at moments all through a build and a commit: see <see cref="KillRounds"/>.</summary>
public sealed class BuildKillTests(ITestOutputHelper output) : IDisposable
{
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
        Run($"$T build -q --network none --secret id=s,src={_place.Context}/a.txt -t killed -f {file} {_place.Context}", "$T rmi -f killed; $T builder prune",
            "test $($T run --rm --network none killed cat /made/here/there) = /made/here");
    }

    [Fact]
    public void A_commit_that_is_killed_leaves_what_check_repairs_and_succeeds_when_repeated()
    {
        Assert.Equal(0, _place.Timur.Run("run", "--name", "box", "--network", "none", "base", "sh", "-c", "cp -r /usr /copy; rm /etc/base.conf").Code);
        Run("$T commit box killed", "$T rmi -f killed", "test \"$($T run --rm --network none killed sh -c 'ls /etc/base.conf 2>/dev/null; ls /copy/share/base')\" = f");
    }

    /// <summary>Nothing stays but what stood there before.</summary>
    private void Run(string command, string prepare, string proof)
    {
        string before = Residue.Of(_place.Timur);
        new KillRounds(_place.Timur, output).Run(command, prepare, proof);
        Assert.Equal(before, Residue.Of(_place.Timur));
    }
}
