using System.Runtime.InteropServices;
using Timur.Kernel;
using Timur.SystemTests.Registries;
using Xunit;
using Xunit.Abstractions;

namespace Timur.SystemTests.Keeping;

/// <summary>
/// The machine loses its power while images are made: the store is on a file system of its own that the kernel cuts off from its disk at a random moment, as its developers
/// test file systems (EXT4_IOC_SHUTDOWN without flushing the journal). What the disk has is mounted again, and read in another start of the machine: by another boot_id.
/// </summary>
public sealed class PowerCutTests : IDisposable
{
    private const int UsualCuts = 4;
    private const string Healthy = "everything is as recorded\n";

    private readonly TimurCommand _timur = new(ownBinary: true);
    private readonly ITestOutputHelper _output;
    private readonly int _seed = int.TryParse(Environment.GetEnvironmentVariable("TIMUR_SEED"), out int seed) ? seed : Environment.TickCount;
    private readonly int _cuts = int.TryParse(Environment.GetEnvironmentVariable("TIMUR_KILLS"), out int cuts) ? cuts : UsualCuts;
    private readonly Random _random;

    public PowerCutTests(ITestOutputHelper output)
    {
        (_output, _random) = (output, new Random(_seed));
        _output.WriteLine($"TIMUR_SEED={_seed} TIMUR_KILLS={_cuts}");
        _timur.Must("truncate -s 1G $ROOT/disk; mkfs.ext4 -q -E lazy_itable_init=1 $ROOT/disk; mount -o loop $ROOT/disk $ROOT/data");
    }

    public void Dispose()
    {
        WaitForProcesses();
        Unmount();
        _timur.Dispose();
    }

    [Fact]
    public void A_pull()
    {
        using var registry = new RegistryServer(_timur.Root + "/registry");
        new SampleImage(_timur.Root + "/sample", bytes: 12_000_000).Push($"{registry.Host}/app:1");
        Cut($"$T pull -q {registry.Host}/app:1", $"$T rmi -f {registry.Host}/app:1", $"$T run --rm --network none {registry.Host}/app:1 busybox sh -c 'busybox test $(busybox stat -c %s /sub/random) = 12000000'");
    }

    [Fact]
    public void A_load()
    {
        _ = new SampleImage(_timur.Root + "/sample", bytes: 12_000_000);
        Cut("$T load -i $ROOT/sample", "$T rmi -f it", "$T run --rm --network none it busybox sh -c 'busybox test $(busybox stat -c %s /sub/random) = 12000000'");
    }

    [Fact]
    public void A_build_and_a_second_name()
    {
        Directory.CreateDirectory(_timur.Root + "/context");
        File.WriteAllText(_timur.Root + "/context/Dockerfile", "FROM busybox\nRUN head -c 9000000 /dev/urandom >/one && seq 1 300 | sed s,^,/tmp/, | xargs touch\nRUN cp /one /two\n");
        _timur.Must("$T run --rm --network none busybox true");
        Cut(
            "$T build -q -t made $ROOT/context && $T tag made other", "($T rmi -f made other; $T builder prune -af)",
            "$T run --rm --network none other sh -c 'cmp /one /two && test $(ls /tmp | wc -l) = 300 && test $(stat -c %s /one) = 9000000'");
    }

    [Fact]
    public void A_built_layer_that_lost_its_bytes_is_not_run()
    {
        Directory.CreateDirectory(_timur.Root + "/context");
        File.WriteAllText(_timur.Root + "/context/Dockerfile", "FROM busybox\nRUN echo content >/file\n");
        string layer = _timur.Must("$T build -q -t made $ROOT/context >/dev/null; $T inspect --format '{{json .RootFS.Layers}}' made").Split("sha256:")[^1][..64];
        WaitForProcesses();
        _timur.Must($"mkdir $ROOT/data/images/settling; ln -s another-start $ROOT/data/images/settling/{layer}.1.1; : >$ROOT/data/images/layers/{layer}/file");
        Outcome run = _timur.Script("$T run --rm --network none made cat /file");
        Assert.NotEqual(0, run.Code);
        Assert.Contains("timur: the image made:latest was lost: build or pull it again", run.Error);
        _timur.Must("$T build -q -t made $ROOT/context");
        Assert.Equal("content", _timur.Must("$T run --rm --network none made cat /file"));
        Assert.Equal(Healthy, _timur.Run("system", "check", "--digests").Out);
    }

    [Fact]
    public void A_pulled_layer_that_lost_its_bytes_is_unpacked_again_and_a_sound_one_stays()
    {
        var sample = new SampleImage(_timur.Root + "/sample");
        _timur.Must("$T load -i $ROOT/sample");
        WaitForProcesses();
        string inode = _timur.Must("stat -c %i $ROOT/data/images/layers/*/bin");
        _timur.Must($"mkdir $ROOT/data/images/settling; ln -s another-start $ROOT/data/images/settling/{sample.UpperDiffId}.1.1; : >$ROOT/data/images/layers/{sample.UpperDiffId}/sub/random");
        Outcome run = _timur.Script("$T run --rm --network none it busybox stat -c %s /sub/random");
        Assert.Equal("3000000", run.Out.Trim());
        Assert.Contains("the machine went down", run.Error);
        Assert.Equal(inode, _timur.Must("stat -c %i $ROOT/data/images/layers/*/bin"));
        WaitForProcesses();
        Assert.False(Directory.Exists(_timur.Root + "/data/images/settling"));
    }

    [Fact]
    public void A_layer_that_lost_its_bytes_together_with_its_blob_and_records_without_any_leave_no_image()
    {
        var sample = new SampleImage(_timur.Root + "/sample");
        _timur.Must("$T load -i $ROOT/sample; $T tag it second; $T run --rm --network none busybox true");
        WaitForProcesses();
        string blob = sample.Layers[1].Replace(':', '-');
        _timur.Must($"cd $ROOT/data/images; mkdir settling; for name in {sample.UpperDiffId} {blob} records; do ln -s another-start settling/$name.1.1; done; : >layers/{sample.UpperDiffId}/sub/random; truncate -s 1000 blobs/{blob}; : >names/$(ls names | grep second)");
        Outcome images = _timur.Script("$T images");
        Assert.Equal(0, images.Code);
        Assert.Contains("timur: the image it:latest was lost", images.Error);
        Assert.Contains("timur: the image second:latest was lost", images.Error);
        Assert.Contains("busybox", images.Out);
        Assert.DoesNotContain("it ", images.Out);
        WaitForProcesses();
        _timur.Must("$T load -i $ROOT/sample; test $($T run --rm --network none it busybox stat -c %s /sub/random) = 3000000");
        Assert.Equal(Healthy, _timur.Run("system", "check", "--digests").Out);
    }

    /// <param name="undo">Brings the store to where the command can be repeated.</param>
    /// <param name="proof">Succeeds when the command has done its work.</param>
    private void Cut(string command, string undo, string proof)
    {
        int longest = 0;
        for (int round = -1; round < _cuts; round++)
        {
            _timur.Must($"{undo} >/dev/null 2>&1 || true");
            WaitForProcesses();
            _timur.Must("sync -f $ROOT/data");
            if (round < 0)
            {
                var watch = System.Diagnostics.Stopwatch.StartNew();
                _timur.Must(command);
                longest = (int)watch.ElapsedMilliseconds;
                continue;
            }

            // Now and then the journal is written after the command, and some of the files never are.
            int delay = _random.Next(longest * 3 / 2);
            bool commits = round % 2 == 1;
            Task<Outcome> running = Task.Run(() => _timur.Script(command));
            Thread.Sleep(delay);
            if (commits)
            {
                _timur.Must(": >$ROOT/data/now; sync $ROOT/data/now");
            }

            PowerOff();
            string what = $"{command}, cut after {delay} of {longest} ms{(commits ? ", journal written" : "")} (TIMUR_SEED={_seed}, round {round})";
            _output.WriteLine($"{what}: exit {running.Result.Code}");
            AssertMended(what, command, proof);
        }
    }

    private void AssertMended(string what, string command, string proof)
    {
        WaitForProcesses();
        Unmount();
        _timur.Must("mount -o loop $ROOT/disk $ROOT/data; cat /proc/sys/kernel/random/uuid >$ROOT/boot");
        Outcome after = _timur.Script($$"""
            unshare -m --propagation private sh -ec "
                mount --bind $ROOT/boot /proc/sys/kernel/random/boot_id
                $T images
                sleep 1.1
                $T system check --repair --digests
                $T system check --digests
                {{command}}
                {{proof.Replace("$", "\\$", StringComparison.Ordinal).Replace("\\$T", "$T", StringComparison.Ordinal)}}"
            """);
        _output.WriteLine(after.ToString());
        Assert.True(after.Code == 0, $"{what}: {after}");
        WaitForProcesses();
    }

    /// <summary>EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: from now on nothing reaches the disk.</summary>
    private void PowerOff()
    {
        using Fd directory = Files.Open(_timur.Root + "/data", Open.Read | Open.Directory);
        uint withoutFlush = 2;
        Assert.True(Ioctl(directory.Raw, 0x8004587d, ref withoutFlush) == 0, $"ioctl: {Marshal.GetLastPInvokeError()}");
    }

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Ioctl(int descriptor, nuint request, ref uint flags);

    /// <summary>The kernel closes what a process had open a moment after it is gone.</summary>
    private void Unmount()
    {
        Outcome outcome = new(0, "", "");
        Assert.True(SpinWait.SpinUntil(() => (outcome = _timur.Script("umount $ROOT/data")).Code == 0, 60_000), outcome.ToString());
    }

    private void WaitForProcesses() => Assert.True(SpinWait.SpinUntil(() => !_timur.Processes().Any(), 60_000), string.Join('\n', _timur.Processes()));
}
