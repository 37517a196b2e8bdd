using Timur.SystemTests.Layers;
using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>What the store occupies, what is removed of it, and how it is mended.</summary>
public sealed class StoreCareTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void Usage_is_what_du_counts_kind_by_kind()
    {
        var sample = new SampleImage(_timur.Root + "/sample");
        _timur.Must("$T load -i $ROOT/sample; $T create --name stopped --network none it; $T run --rm --network none -v data:/d busybox sh -c 'head -c 2000000 /dev/urandom >/d/file; ln /d/file /d/hard'; $T create --name disky --disk 80m busybox; $T create --disk kept:64m busybox >/dev/null; ln $ROOT/data/volumes/data/_data/file $ROOT/data/volumes/data/_data/third");
        _timur.Must("touch \"$ROOT/data/volumes/data/_data/$(printf 'caf\\351')\"");
        Assert.NotEmpty(sample.Id);
        _timur.AwaitDisk();
        string rows = _timur.Must("$T system df --format '{{.Type}}={{.Bytes}}'");
        Assert.Equal(_timur.DiskUsage(""), rows.Split('\n').Sum(row => long.Parse(row[(row.IndexOf('=') + 1)..])));
        Assert.Contains($"Images={_timur.DiskUsage("/images")}\n", rows);
        Assert.Contains($"Local Volumes={_timur.DiskUsage("/volumes")}\n", rows);
        long disk = _timur.DiskUsage("/containers/*/disk.img");
        Assert.Contains($"Containers={_timur.DiskUsage("/containers") - disk}\n", rows);
        Assert.Contains($"Disks={_timur.DiskUsage("/disks") + disk}\n", rows);
        Assert.Equal("Images 2 2\nContainers 3 0\nLocal Volumes 1 0\nDisks 2 0", _timur.Must("$T system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | head -4"));
        Assert.Contains("RECLAIMABLE", _timur.Must("$T system df"));
        string all = _timur.Must("$T system df -v");
        Assert.All(["SHARED SIZE", "stopped", "data", "disky"], word => Assert.Contains(word, all, StringComparison.Ordinal));
    }

    [Fact]
    public void What_can_be_reclaimed_is_what_a_prune_gives_back()
    {
        _timur.Must("$T run --rm --network none busybox true; mkdir $ROOT/t; head -c 3000000 /dev/urandom >$ROOT/t/f; tar -C $ROOT/t -cf - . | $T import - unused:1; $T create --name old --network none busybox true >/dev/null; $T volume create >/dev/null");
        long promised = _timur.Must("$T system df --format '{{.Type}} {{.ReclaimableBytes}}' | grep -E '^(Images)' | cut -d' ' -f2").Split('\n').Sum(long.Parse);
        long before = _timur.DiskUsage("/images");
        _timur.Must("$T image prune -a -f");
        Assert.True(SpinWait.SpinUntil(() => !Directory.EnumerateFileSystemEntries(_timur.Root + "/data/trash").Any(), 60_000));
        Assert.Equal(promised, before - _timur.DiskUsage("/images"));
        Assert.DoesNotContain("Deleted Volumes", _timur.Must("$T system prune -f --filter until=1h --volumes"));
        string pruned = _timur.Must("$T system prune -a -f --volumes");
        Assert.All(["Deleted Containers:", "Deleted Volumes:", "Deleted Images:"], heading => Assert.Contains(heading, pruned, StringComparison.Ordinal));
        Assert.Equal("", _timur.Must("$T ps -aq; $T images -q; $T volume ls -q"));
        _timur.Must("$T create --name one -l keep=yes --network none busybox true; $T create --name two --network none busybox true");
        _timur.Must("$T container prune -f --filter label!=keep");
        Assert.Equal("one", _timur.Must("$T ps -a --format '{{.Names}}'"));
        foreach (string filter in (string[])["colour=red", "until=whenever"])
        {
            Assert.Equal(125, _timur.Run("system", "prune", "-f", "--filter", filter).Code);
        }

        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void What_a_layer_shares_with_its_copy_for_a_stack_counts_once()
    {
        OciLayout.Write(_timur.Root + "/layout", OciLayout.LinkedBase(), new TarBuilder().File("bin/large", new string('x', 8_000_000)));
        _timur.Must("$T load -q -i $ROOT/layout");
        Assert.NotEmpty(Directory.GetFiles(_timur.Root + "/data/images/stacks"));
        long promised = long.Parse(_timur.Must("$T system df --format '{{.Type}} {{.ReclaimableBytes}}' | sed -n 's/^Images //p'"));
        Assert.InRange(promised, 8_000_000, _timur.DiskUsage("/images"));
        long before = _timur.DiskUsage("/images");
        _timur.Must("$T rmi it");
        Assert.True(SpinWait.SpinUntil(() => !Directory.EnumerateFileSystemEntries(_timur.Root + "/data/trash").Any(), 60_000));
        Assert.Equal(promised, before - _timur.DiskUsage("/images"));
    }

    [Fact]
    public void Whatever_brings_an_image_keeps_to_the_budget_and_steps_of_builds_go_before_images()
    {
        _timur.Must("$T run --name box --network none busybox true; mkdir $ROOT/t; head -c 3000000 /dev/urandom >$ROOT/t/f; printf 'FROM busybox\nRUN head -c 3000000 /dev/urandom >/f\n' >$ROOT/Dockerfile");
        foreach (string command in (string[])["commit -q box new:1", "build -q --network none -t new:1 -f $ROOT/Dockerfile $ROOT/t"])
        {
            _timur.Must("$T build -q --network none --no-cache -f $ROOT/Dockerfile $ROOT/t; $T builder prune >/dev/null; tar -C $ROOT/t -cf - . | $T import -q - old:1");
            Outcome made = TimurCommand.Execute("sh", ["-c", $"ROOT={_timur.Root}; TIMUR_BUDGET=1m {_timur.Words} {command}"]);
            Assert.Contains("the store is over its budget: removed image old:1", made.Error);
            Assert.Contains("new:1", _timur.Must("$T images --format '{{.Repository}}:{{.Tag}}'"));
            _timur.Must("$T rmi new:1");
        }

        _timur.Must("$T build -q --network none --no-cache -f $ROOT/Dockerfile $ROOT/t | xargs $T rmi; $T system prune -f --budget 3m; test $($T builder prune | grep -c 'removed 0 steps') = 1");
    }

    [Fact]
    public void A_terminal_is_asked_first()
    {
        _timur.Must("$T create --name kept --network none busybox true");
        Outcome no = TimurCommand.Execute("sh", ["-c", $"echo n | script -qec '{_timur.Words} container prune' /dev/null"]);
        Assert.Contains("[y/N]", no.Out);
        Assert.Equal("kept", _timur.Must("$T ps -a --format '{{.Names}}'"));
        TimurCommand.Execute("sh", ["-c", $"echo y | script -qec '{_timur.Words} container prune' /dev/null"]);
        Assert.Equal("", _timur.Must("$T ps -aq"));
    }

    [Fact]
    public void A_budget_takes_compressed_layers_first_then_unused_images_and_never_volumes()
    {
        _ = new SampleImage(_timur.Root + "/sample");
        _timur.Must("$T load -i $ROOT/sample; $T tag it app:1; $T rmi it; mkdir $ROOT/t; head -c 3000000 /dev/urandom >$ROOT/t/f; tar -C $ROOT/t -cf - . | $T import - other:1; $T run -d --name works --network none -v data:/d busybox sleep 100; head -c 9000000 /dev/zero >$ROOT/data/volumes/data/_data/big");
        long all = _timur.DiskUsage("/images");
        long blobs = _timur.DiskUsage("/images/blobs/*");
        Assert.Contains("compressed layers of app:1", _timur.Must($"$T system prune -f --budget {all - (blobs / 2)}b"));
        Assert.Equal("app:1 busybox:latest other:1", Names());
        Assert.Equal(0, _timur.Run("run", "--rm", "--network", "none", "app:1", "busybox", "true").Code);
        _timur.Must("$T save app:1 >/dev/null");
        _timur.Must("$T system prune -f --budget 1b");
        Assert.Equal("busybox:latest", Names());
        Assert.Equal("fine", _timur.Must("$T exec works echo fine"));
        Assert.True(File.Exists(_timur.Root + "/data/volumes/data/_data/big"));

        // As a setting it is kept to whenever something comes, which itself stays.
        File.WriteAllText(_timur.Root + "/data/budget", "4m\n");
        _timur.Must("tar -C $ROOT/t -cf - . | $T import - first:1");
        Outcome second = TimurCommand.Execute("sh", ["-c", $"head -c 3000000 /dev/urandom >{_timur.Root}/t/g; tar -C {_timur.Root}/t -cf - . | {_timur.Words} import - second:1"]);
        Assert.Contains("over its budget: removed image first:1", second.Error);
        Assert.Equal("busybox:latest second:1", Names());
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Theory]
    [InlineData("truncate -s -100 $BLOB", "", "bytes instead of")]
    [InlineData("printf x | dd of=$BLOB bs=1 seek=2000 conv=notrunc 2>/dev/null", "--digests", "compressed layer of image")]
    [InlineData("rm $BLOB", "", "is missing")]
    [InlineData("rm -rf $LAYER", "", "unpacked again")]
    [InlineData("echo altered >$LAYER/etc/changed", "--deep", "was altered; it is unpacked again")]
    [InlineData("chmod 777 $LAYER/etc", "--digests", "was altered; it is unpacked again")]
    [InlineData("rm $LAYER/sub/hard", "--digests", "was altered; it is unpacked again")]
    [InlineData("mkdir $IMAGES/layers/.unpack.0123456789abcdef.1; touch -d 2001-01-01 $IMAGES/layers/.unpack.0123456789abcdef.1", "", "part of an image")]
    [InlineData("echo 1234 >$IMAGES/names/docker.io%2Flibrary%2Fwrong:1", "", "part of an image")]
    [InlineData("for f in $IMAGES/manifests/*; do echo '{' >$f; done", "", "is damaged")]
    [InlineData("echo '{\"images\":[{\"image\":\"00ff\",\"os\":\"linux\",\"architecture\":\"amd64\"}]}' >$IMAGES/lists/docker.io%2Flibrary%2Fl:1", "", "isn't here")]
    public void Damage_of_every_kind_is_found_and_mended(string damage, string how, string found)
    {
        var sample = new SampleImage(_timur.Root + "/sample");
        _timur.Must("$T load -i $ROOT/sample; $T manifest create l:1");
        string tree = Tree.Listing($"{_timur.Root}/data/images/layers/{sample.UpperDiffId}");
        _timur.Must($"IMAGES=$ROOT/data/images BLOB=$ROOT/data/images/blobs/{sample.Layers[1].Replace(':', '-')} LAYER=$ROOT/data/images/layers/{sample.UpperDiffId}; {damage}; sleep 1.1");
        Outcome check = Check(how);
        Assert.True(check.Code == 1 && check.Out.Contains(found, StringComparison.Ordinal), check.ToString());
        Outcome repair = Check(how + " --repair");
        Assert.True(repair.Code == 0 && repair.Out.Contains(found, StringComparison.Ordinal), repair.ToString());
        Check(how + " --repair");
        Assert.Equal("everything is as recorded\n", Check("--digests").Out);
        Assert.Equal(tree, Tree.Listing($"{_timur.Root}/data/images/layers/{sample.UpperDiffId}"));
        Assert.Equal(0, _timur.Run("run", "--rm", "--network", "none", "it", "busybox", "true").Code);
        _timur.Must("$T save it >/dev/null; $T load -i $ROOT/sample");
        Assert.Equal(sample.Id, _timur.Must("$T images -q --no-trunc it"));
    }

    [Fact]
    public void An_image_that_cant_be_mended_goes_unless_a_container_needs_it()
    {
        _timur.Must("$T create --name needs --network none busybox true; rm -rf $ROOT/data/images/layers/*");
        Outcome kept = Check("--repair");
        Assert.True(kept.Code == 1 && kept.Out.Contains("nothing to make it from", StringComparison.Ordinal) && kept.Out.Contains("not ours to repair", StringComparison.Ordinal), kept.ToString());
        _timur.Must("$T rm needs");
        Assert.Equal(0, Check("--repair").Code);
        Assert.Equal("", _timur.Must("$T images -q"));
        Assert.Equal("fine\n", _timur.Shell("echo fine").Out);
        _timur.Must("for f in $ROOT/data/images/configs/*.json; do echo ' ' >>$f; done");
        Assert.Contains("was altered: the image is lost", Check("").Out);
        Check("--repair");
        Thread.Sleep(1100);
        Check("--repair");
        Assert.Equal("everything is as recorded\n", Check("").Out);
        Assert.Equal("fine\n", _timur.Shell("echo fine").Out);
    }

    private Outcome Check(string how) => _timur.Run(["system", "check", .. how.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

    private string Names() => string.Join(' ', _timur.Must("$T images --format '{{.Repository}}:{{.Tag}}'").Split('\n').Order(StringComparer.Ordinal));
}
