using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests;

/// <summary>A store on a file system without room, mounted in a namespace of the test's own.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    /// <summary>Runs a script where $D is a file system of that size and t is timur with its store on it; "fill" leaves no byte free once nothing in the background gives any back, "empty" gives them back.</summary>
    private Outcome OnDisk(string size, string script)
    {
        Directory.CreateDirectory(_timur.Root + "/full");
        string prelude = $$"""
            D={{_timur.Root}}/full
            mount -t tmpfs -o size={{size}} none $D || exit 1
            t() { {{TimurCommand.Path}} --root $D/data --state {{_timur.Root}}/run2 "$@"; }
            settled() { ! test -e $D/data/images/settling && test -z "$(ls -A $D/data/trash 2>/dev/null)"; }
            fill() { until settled; do sleep 0.05; done; cat /dev/zero >$D/filler 2>/dev/null; }
            empty() { rm $D/filler; }
            mkdir $D/data
            trap 't clear -f --all >/dev/null' EXIT

            """;
        return TimurCommand.Execute("unshare", ["-m", "--propagation", "private", "sh", "-c", prelude + script]);
    }

    [Fact]
    public void Making_the_image_and_a_container_without_room_is_explained_and_leaves_nothing()
    {
        Outcome outcome = OnDisk("200k", "t run --network none busybox true; echo $?; find $D/data -name '.*' ; find $D/data/containers -mindepth 1; t system check");
        Assert.Equal("125\neverything is as recorded\n", outcome.Out);
        Assert.Contains("No space left on device", outcome.Error);
        Assert.Contains("free some space", outcome.Error);
    }

    [Fact]
    public void A_create_and_a_run_without_room_leave_nothing_and_work_again_with_room()
    {
        Outcome outcome = OnDisk("8m", """
            t run --rm --network none busybox true || exit 2
            fill
            t create busybox true; echo $?
            t run --network none busybox true; echo $?
            t ps -aq; find $D/data/names -mindepth 1
            t system check
            empty
            t run --rm --network none busybox echo fine
            """);
        Assert.Equal("125\n125\neverything is as recorded\nfine\n", outcome.Out);
        Assert.Equal(2, outcome.Error.Split("No space left on device").Length - 1);
        Assert.Equal(2, outcome.Error.Split("free some space").Length - 1);
    }

    [Fact]
    public void A_start_without_room_is_explained_and_leaves_a_container_that_starts_later()
    {
        Outcome outcome = OnDisk("8m", """
            t create --name later --network none busybox echo started >/dev/null || exit 2
            fill
            t start -a later; echo $?
            t system check
            empty
            t start -a later
            """);
        Assert.Matches("^(125\neverything is as recorded\nstarted\n|started\n0\n)", outcome.Out);
        Assert.EndsWith("started\n", outcome.Out);
    }

    [Fact]
    public void An_import_without_room_leaves_no_half_image()
    {
        Outcome outcome = OnDisk("8m", $$"""
            t init >/dev/null || exit 2
            head -c 20000000 /dev/zero > {{_timur.Root}}/big
            find $D/data -type f | sort > {{_timur.Root}}/before
            tar -C {{_timur.Root}} -cf - big | t import - big; echo $?
            find $D/data -type f | sort | diff {{_timur.Root}}/before -
            find $D/data/images -name '.*'
            t system check | grep -v bridge
            """);
        Assert.StartsWith("125\n", outcome.Out);
        Assert.DoesNotContain(".unpack", outcome.Out);
        Assert.DoesNotContain("> ", outcome.Out);
        Assert.Contains("No space left on device", outcome.Error);
    }

    /// <summary>What a pull that broke off has fetched is kept for the next one, but not where it takes the room that everything else needs.</summary>
    [Fact]
    public void A_pull_without_room_gives_back_what_it_took_and_works_with_room()
    {
        using var registry = new RegistryServer(_timur.Root + "/registry");
        new SampleImage(_timur.Root + "/sample").Push($"{registry.Host}/app:1");
        Outcome outcome = OnDisk("16m", $$"""
            t init >/dev/null || exit 2
            head -c 12000000 /dev/zero >$D/filler
            find $D/data -type f | sort >{{_timur.Root}}/before
            t pull {{registry.Host}}/app:1; echo $?
            find $D/data -type f | sort | diff {{_timur.Root}}/before -
            find $D/data/images -name '.*'
            t system check | grep -v bridge
            rm $D/filler
            t pull -q {{registry.Host}}/app:1 >/dev/null; echo $?
            t run --rm --network none {{registry.Host}}/app:1 sh -c 'busybox wc -c </sub/random'
            """);
        Assert.Equal("125\neverything is as recorded\n0\n3000000\n", outcome.Out);
        Assert.Contains("No space left on device", outcome.Error);
        Assert.Contains("free some space", outcome.Error);
    }

    [Fact]
    public void A_container_whose_log_has_no_room_goes_on_and_its_end_is_recorded()
    {
        Outcome outcome = OnDisk("8m", """
            t run -d --name loud --network none busybox sh -c 'while ! test -e /go; do sleep 0.05; done; i=0; while [ $i -lt 3000 ]; do echo "line $i of many"; i=$((i+1)); done; exit 7' >/dev/null || exit 2
            fill
            P=$(t inspect --format '{{.State.Pid}}' loud)
            mkdir /proc/$P/root/go || { empty; mkdir /proc/$P/root/go; fill; }
            t wait loud
            empty
            t inspect --format '{{.State.Status}} {{.State.ExitCode}}' loud
            t rm loud >/dev/null; t system check
            """);
        Assert.Equal("7\nexited 7\neverything is as recorded\n", outcome.Out);
    }

    [Fact]
    public void A_disk_image_without_room_is_explained_and_goes_away()
    {
        Outcome outcome = OnDisk("12m", """
            t run --rm --network none busybox true || exit 2
            fill
            t run --network none --disk 128m busybox true; echo $?
            t ps -aq; find $D/data -name '*.tmp' -o -name disk.img
            empty
            t run --rm --network none --disk 512m --preallocate busybox true; echo $?
            t ps -aq; find $D/data -name '*.tmp' -o -name disk.img
            """);
        Assert.Equal("125\n125\n", outcome.Out);
        Assert.Contains("No space left on device", outcome.Error);
    }
}
