using Xunit;

namespace Timur.SystemTests;

/// <summary>Roots on disk images.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_disk_is_a_hard_limit_and_goes_without_a_trace()
    {
        Outcome outcome = _timur.Shell("dd if=/dev/zero of=/big bs=1M count=200 2>&1; df -m / | tail -1", "--disk", "128m");
        Assert.Contains("No space left on device", outcome.Out);
        Assert.Empty(LoopFiles());
        Assert.Empty(Directory.GetDirectories(_timur.Root + "/data/containers"));
    }

    [Fact]
    public void Snapshots_bring_the_past_back_and_clones_go_their_own_way()
    {
        _timur.Start("disky", "sleep 100", "--disk", "128m");
        _timur.Run("exec", "disky", "sh", "-c", "echo one > /f; sync");
        Assert.Equal(2, _timur.Run("disk", "snapshot", "disky", "early").Code);
        _timur.Run("stop", "-t", "0", "disky");
        Assert.Equal(0, _timur.Run("disk", "snapshot", "disky", "early").Code);
        Assert.Equal(0, _timur.Run("disk", "clone", "disky", "copy").Code);
        _timur.Run("start", "disky");
        _timur.Run("exec", "disky", "sh", "-c", "echo two > /f; sync");
        _timur.Run("stop", "-t", "0", "disky");
        Assert.Equal(0, _timur.Run("disk", "rollback", "disky", "early").Code);
        _timur.Run("start", "disky");
        Assert.Equal("one\n", _timur.Run("exec", "disky", "cat", "/f").Out);
        Assert.Equal("one\n", _timur.Shell("cat /f", "--disk", "copy").Out);
        Assert.Contains("early", _timur.Run("disk", "ls").Out);
        Assert.Equal(0, _timur.Run("disk", "rm", "copy").Code);
        Assert.Equal(2, _timur.Run("disk", "rm", "disky").Code);
        Assert.Equal(1, _timur.Run("disk", "rm", "nosuch").Code);
    }

    [Fact]
    public void Disks_grow_and_shrink_but_not_below_what_is_used()
    {
        _timur.Start("sized", "dd if=/dev/urandom of=/data bs=1M count=80 2>/dev/null; sync", "--disk", "160m");
        _timur.Run("wait", "sized");
        Outcome tooSmall = _timur.Run("disk", "resize", "sized", "70m");
        Assert.Equal(125, tooSmall.Code);
        Assert.Contains("can't shrink", tooSmall.Error);
        Assert.Equal(0, _timur.Run("disk", "resize", "sized", "300m").Code);
        _timur.Run("start", "-a", "sized");
        Assert.Equal("0", _timur.Inspect("sized", "{{.State.ExitCode}}"));
    }

    [Theory]
    [InlineData("1m", "too small")]
    [InlineData("nosuch", "there is no disk")]
    [InlineData("12x", "isn't a size")]
    public void A_bad_disk_is_explained(string disk, string message)
    {
        Outcome outcome = _timur.Shell("true", "--disk", disk);
        Assert.Equal(125, outcome.Code);
        Assert.Contains(message, outcome.Error);
        Assert.Equal("", _timur.Run("ps", "-aq").Out);
    }

    private string[] LoopFiles() => Directory.GetDirectories("/sys/block", "loop*")
        .Select(device => device + "/loop/backing_file").Where(File.Exists).Select(File.ReadAllText).Where(file => file.StartsWith(_timur.Root, StringComparison.Ordinal)).ToArray();
}
