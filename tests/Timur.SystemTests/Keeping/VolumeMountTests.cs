using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>Volumes that are file systems of their own: all who use one at once see the same, and while nobody does nothing is mounted.</summary>
public sealed class VolumeMountTests : IDisposable
{
    private readonly TimurCommand _timur = new(ownBinary: true);

    public VolumeMountTests() => _timur.Must("$T volume create mem --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,mode=700,nosuid");

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void Containers_that_use_a_tmpfs_volume_at_once_see_the_same_files_and_the_last_one_takes_them_along()
    {
        _timur.Start("one", "echo early >/m/early; sleep 1000", "-v", "mem:/m");
        _timur.Start("two", "sleep 1000", "-v", "mem:/elsewhere:ro");
        Assert.Equal("now", _timur.Must("$T exec one sh -c 'echo now >/m/file'; $T exec two cat /elsewhere/file"));
        Assert.NotEqual(0, _timur.Run("exec", "two", "touch", "/elsewhere/own").Code);

        // This machine sees it where inspect says.
        Assert.Equal("now", _timur.Must("cat $($T volume inspect --format '{{.Mountpoint}}' mem)/file"));
        Assert.Contains("nosuid", Mounted());
        Assert.Equal("1024", _timur.Must("$T exec two df -k /elsewhere | awk 'END { print $2 }'"));
        _timur.Must("$T rm -f one");
        Assert.Equal("now", _timur.Must("$T exec two cat /elsewhere/file"));
        _timur.Must("$T kill two; $T wait two");
        Assert.Equal("", Mounted());
        Assert.Equal("", _timur.Must("$T start two >/dev/null; $T exec two ls -A /elsewhere"));
        _timur.Must("$T restart -t 0 two");
        Assert.Single(Mounted().Split('\n'));
        _timur.Must("$T rm -f two");
        Assert.Equal("", Mounted());
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void Ids_inside_a_user_namespace_are_the_volumes_own()
    {
        _timur.Start("plain", "touch /m/file; chown 5:6 /m/file; sleep 1000", "-v", "mem:/m");
        Assert.True(SpinWait.SpinUntil(() => _timur.Run("exec", "plain", "stat", "-c", "%u", "/m/file").Out == "5\n", 30_000));
        Assert.Equal("5 6", _timur.Must("$T run --rm --network none --userns auto -v mem:/m busybox sh -c 'stat -c \"%u %g\" /m/file; touch /m/new; chown 7:8 /m/new'"));
        Assert.Equal("7 8", _timur.Must("$T exec plain stat -c '%u %g' /m/new"));
    }

    [Fact]
    public void Archives_and_copies_reach_what_is_mounted_and_mount_it_for_a_moment_where_nobody_uses_it()
    {
        _timur.Start("one", "sleep 1000", "-v", "mem:/m");
        _timur.Must("mkdir $ROOT/in; echo brought >$ROOT/in/file; tar -C $ROOT/in -cf - file | $T volume import mem -; echo copied >$ROOT/in/other; $T cp $ROOT/in/other one:/m/");
        Assert.Equal("brought\ncopied", _timur.Must("$T exec one cat /m/file /m/other"));
        Assert.Equal("./\nfile\nother", _timur.Must("$T volume export mem | tar -t | sort"));

        // A stopped container sees what another one has in it.
        _timur.Must("$T create --name idle -v mem:/there busybox true");
        Assert.Equal("brought", _timur.Must("$T cp idle:/there/file - | tar -xO"));
        _timur.Must("$T rm -f one");
        Assert.Equal("./", _timur.Must("$T volume export mem | tar -t"));
        Assert.NotEqual(0, _timur.Run("cp", "idle:/there/file", "-").Code);
        Assert.Equal("", Mounted());

        // A directory of this machine is reached where it is.
        _timur.Must("mkdir $ROOT/host; $T volume create bound --opt type=none --opt device=$ROOT/host --opt o=bind; tar -C $ROOT/in -cf - . | $T volume import bound -");
        Assert.Equal("brought", _timur.Must("$T volume rm bound >/dev/null; cat $ROOT/host/file"));
    }

    [Fact]
    public void Start_and_end_of_many_at_once_never_unmount_what_one_of_them_uses()
    {
        // Each finds its own file as long as it lives; the last one leaves nothing.
        Outcome outcome = _timur.Script("""
            for i in $(seq 8); do
                ( for j in 1 2 3; do $T run --rm --network none -v mem:/m busybox sh -c "echo x >/m/$i.$j && sleep 0.$i && cat /m/$i.$j >/dev/null" || echo failed; done ) &
            done
            wait
            """);
        Assert.Equal((0, ""), (outcome.Code, outcome.Out + outcome.Error));
        Assert.Equal("", Mounted());
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Theory]
    [InlineData("stop -t 0 box")]
    [InlineData("rm -f box")]
    [InlineData("kill box")]
    [InlineData("system check --repair")]
    public void After_the_death_of_its_monitor_nothing_stays_mounted(string next)
    {
        _timur.Start("box", "sleep 1000", "-v", "mem:/m");
        _timur.Must("monitor=$($T inspect --format '{{.State.MonitorPid}}' box); kill -9 $monitor; while kill -0 $monitor 2>/dev/null; do sleep 0.05; done");
        Assert.NotEqual("", Mounted());
        _timur.Must("$T " + next);
        Assert.Equal("", Mounted());
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void What_a_crash_left_mounted_is_found_and_never_taken_over()
    {
        LeaveMounted();
        Assert.Equal("", _timur.Must("$T run --rm --network none -v mem:/m busybox ls -A /m"));
        Assert.Equal("", Mounted());
        LeaveMounted();
        Assert.Contains("volume mem is mounted, but no container runs that has it", _timur.Run("system", "check").Out);
        _timur.Must("$T system check --repair");
        Assert.Equal("", Mounted());
        LeaveMounted();
        _timur.Must("$T rm box; $T volume rm mem");
        Assert.Equal("", Mounted());
        Assert.Equal("", _timur.Must("ls -A $ROOT/data/volumes"));
    }

    [Fact]
    public void Clear_takes_away_what_is_mounted_and_leaves_what_somebody_else_mounted()
    {
        LeaveMounted();
        _timur.Must("$T volume create plain; mkdir $ROOT/kept; touch $ROOT/kept/file; mount --bind $ROOT/kept $ROOT/data/volumes/plain/_data");
        try
        {
            _timur.Must("$T run --rm --network none -v plain:/p busybox test -e /p/file; $T system check --repair");
            Assert.Contains("plain", Mounted());
            _timur.Run("clear", "-f", "--all");
            Assert.DoesNotContain("/mem/", Mounted());
            Assert.True(File.Exists(_timur.Root + "/kept/file"));
        }
        finally
        {
            _timur.Script("umount $ROOT/data/volumes/plain/_data");
        }
    }

    [Fact]
    public void Commands_that_are_killed_leave_no_volume_mounted_after_a_repair()
    {
        _timur.Must("$T create --name box --network none -v mem:/m busybox sleep 1000");
        int calls = Calls("start box");
        _timur.Must("$T stop -t 0 box");
        for (int round = 0; round < 12; round++)
        {
            _timur.Script($"timeout -s KILL 2 strace -qq {(round % 3 == 2 ? "-f" : "")} -o /dev/null -e inject=all:signal=KILL:when={100 + ((calls - 100) * (round + 1) / 12)} $T start box");
            _timur.Must("$T ps -a >/dev/null; $T start box; $T exec box touch /m/file; $T stop -t 0 box");
            Assert.Equal("", Mounted());
        }

        Thread.Sleep(1100);
        _timur.Must("$T system check --repair");
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
        Assert.Equal("", Mounted());
    }

    [Fact]
    public void What_cant_be_mounted_says_so_and_leaves_nothing()
    {
        _timur.Must("$T volume create wrong --opt type=tmpfs --opt device=tmpfs --opt o=size=lots; $T volume create none --opt type=ext4 --opt device=/dev/null");
        foreach (string volume in (string[])["wrong", "none"])
        {
            Outcome outcome = _timur.Shell("true", "-v", volume + ":/m");
            Assert.True(outcome.Code == 125 && outcome.Error.Contains($"volume {volume} can't be mounted", StringComparison.Ordinal) && !outcome.Error.Contains("defect", StringComparison.Ordinal), outcome.ToString());
        }

        // One that could be mounted doesn't stay when another one can't.
        Assert.Equal(125, _timur.Shell("true", "-v", "mem:/m", "-v", "wrong:/w").Code);
        Assert.Equal("", Mounted());
        Assert.Equal("", _timur.Must("$T ps -aq"));
    }

    /// <summary>A monitor that was killed, and then its container's process.</summary>
    private void LeaveMounted()
    {
        _timur.Must("$T rm -f box 2>/dev/null || true");
        _timur.Start("box", "touch /m/stale; sleep 1000", "-v", "mem:/m");
        Assert.True(SpinWait.SpinUntil(() => _timur.Script("test -e $ROOT/data/volumes/mem/_data/stale").Code == 0, 30_000));
        _timur.Must("pid=$($T inspect --format '{{.State.Pid}}' box); kill -9 $($T inspect --format '{{.State.MonitorPid}}' box); kill -9 $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done");
        Assert.NotEqual("", Mounted());
    }

    private int Calls(string command)
    {
        _timur.Script($"strace -qq -o $ROOT/trace $T {command}");
        return File.ReadAllLines(_timur.Root + "/trace").Length;
    }

    private string Mounted() => string.Join('\n', File.ReadAllLines("/proc/self/mountinfo").Where(line => line.Contains(_timur.Root, StringComparison.Ordinal)));
}
