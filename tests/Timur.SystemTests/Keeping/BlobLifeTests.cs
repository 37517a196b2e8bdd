using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>Compressed layers live as long as an image has them, also one that was only built on the image that brought them.</summary>
public sealed class BlobLifeTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly SampleImage _sample;

    public BlobLifeTests()
    {
        _sample = new SampleImage(_timur.Root + "/sample");
        _timur.Must("$T load -q -i $ROOT/sample; $T tag it base:1; $T rmi it; printf 'FROM base:1\nRUN echo x >/made\nENV A=b\n' >$ROOT/Dockerfile");
    }

    public void Dispose() => _timur.Dispose();

    [Theory]
    [InlineData("$T build -q --network none -t made -f $ROOT/Dockerfile $ROOT/sample")]
    [InlineData("$T run --name box --network none base:1 busybox touch /made; $T commit -q box made; $T rm box")]
    [InlineData("$T build -q --network none -t made -f $ROOT/Dockerfile $ROOT/sample; printf 'FROM made\nRUN echo y >/again\n' | $T build -q --network none -t made -; $T builder prune")]
    public void A_built_image_is_saved_and_pushed_in_the_same_way_after_its_base_is_gone(string make)
    {
        _timur.Must(make);
        string before = Saved();
        using var registry = new RegistryServer(_timur.Root + "/registry");
        string pushed = _timur.Must($"$T push -q --tls-verify=false made {registry.Host}/made:1");
        Assert.All(_sample.Layers, layer => Assert.True(File.Exists(BlobOf(layer))));
        _timur.Must("$T rmi base:1");
        Assert.All(_sample.Layers, layer => Assert.True(File.Exists(BlobOf(layer))));
        Assert.Equal("everything is as recorded", _timur.Must("$T system check --digests"));
        _timur.Must("$T image prune -f; $T builder prune; $T system prune -f");
        Assert.Equal(before, Saved());
        Assert.Equal(pushed, _timur.Must($"$T push -q --tls-verify=false made {registry.Host}/again:1"));
        Assert.Equal("b", _timur.Must("$T run --rm --network none made busybox sh -c 'test -e /made && echo b'"));

        // The last image that has them takes them along.
        long promised = Reclaimable();
        long all = _timur.DiskUsage("/images");
        _timur.Must("$T rmi made; $T rmi -f $($T images -q) 2>/dev/null || true");
        Assert.Empty(Directory.GetFileSystemEntries(_timur.Root + "/data/images/blobs"));
        Assert.Empty(Directory.GetFileSystemEntries(_timur.Root + "/data/images/origins"));
        Assert.True(SpinWait.SpinUntil(() => !Directory.EnumerateFileSystemEntries(_timur.Root + "/data/trash").Any(), 60_000));
        _timur.Must("$T builder prune");
        Assert.InRange(all - _timur.DiskUsage("/images"), promised, all);
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void An_image_on_another_ones_layers_counts_them_as_its_own()
    {
        _timur.Must("$T build -q --network none -t made -f $ROOT/Dockerfile $ROOT/sample; $T create --name box --network none made busybox true");
        long blobs = _sample.Layers.Sum(layer => new FileInfo(BlobOf(layer)).Length);

        // The base goes for nothing but its records: its layers and blobs are the other one's, which a container needs.
        Assert.InRange(Reclaimable(), 1, blobs - 1);
        long promised = Reclaimable();
        long before = _timur.DiskUsage("/images");
        _timur.Must("$T image prune -a -f");
        Assert.Equal(promised, before - _timur.DiskUsage("/images"));
        Assert.Equal(0, Reclaimable());
        Assert.Equal("made:latest", _timur.Must("$T images --format '{{.Repository}}:{{.Tag}}'"));
    }

    [Fact]
    public void A_damaged_blob_or_layer_of_a_base_that_is_gone_is_found_and_mended()
    {
        _timur.Must("$T build -q --network none -t made -f $ROOT/Dockerfile $ROOT/sample; $T rmi base:1");
        string before = Saved();
        _timur.Must($"rm -rf $ROOT/data/images/layers/{_sample.UpperDiffId}; sleep 1.1");
        Assert.Contains("it is unpacked again", _timur.Run("system", "check").Out);
        _timur.Must("$T system check --repair");
        Assert.Equal(before, Saved());
        _timur.Must($"truncate -s -100 {BlobOf(_sample.Layers[1])}; sleep 1.1");
        Assert.Contains("bytes instead of", _timur.Run("system", "check").Out);
        _timur.Must("$T system check --repair; $T system check --repair");
        Assert.Equal("everything is as recorded", _timur.Must("$T system check --digests"));
        _timur.Must("$T save made >/dev/null; $T run --rm --network none made busybox cat /made");
    }

    [Fact]
    public void What_an_interrupted_build_or_removal_left_is_a_leftover()
    {
        _timur.Must("$T build -q --network none -t made -f $ROOT/Dockerfile $ROOT/sample; $T rmi base:1; rm $ROOT/data/images/configs/*.json $ROOT/data/images/names/*; sleep 1.1");
        Assert.Contains("part of an image", _timur.Run("system", "check").Out);
        _timur.Must("$T system check --repair; $T builder prune; $T system check --repair");
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
        Assert.Empty(Directory.GetFileSystemEntries(_timur.Root + "/data/images/blobs"));
        Assert.Empty(Directory.GetFileSystemEntries(_timur.Root + "/data/images/origins"));
    }

    [Fact]
    public void A_budget_takes_them_from_images_that_were_built_here_too()
    {
        _timur.Must("$T build -q --network none -t made -f $ROOT/Dockerfile $ROOT/sample; $T rmi base:1; $T builder prune");
        Assert.Contains("compressed layers of made", _timur.Must($"$T system prune -f --budget {_timur.DiskUsage("/images") - 1}b"));
        Assert.Empty(Directory.GetFileSystemEntries(_timur.Root + "/data/images/blobs"));
        _timur.Must("$T save made >/dev/null");
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    private string BlobOf(string layer) => $"{_timur.Root}/data/images/blobs/{layer.Replace(':', '-')}";

    /// <summary>Digest of the saved image's index, which names its manifest.</summary>
    private string Saved() => _timur.Must("$T save --format oci-archive made | tar -xO index.json | sha256sum");

    private long Reclaimable() => long.Parse(_timur.Must("$T system df --format '{{.Type}} {{.ReclaimableBytes}}' | sed -n 's/^Images //p'"));
}
