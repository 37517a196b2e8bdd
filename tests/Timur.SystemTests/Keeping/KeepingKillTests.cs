using Timur.SystemTests.Layers;
using Timur.SystemTests.Registries;
using Xunit;
using Xunit.Abstractions;

namespace Timur.SystemTests.Keeping;

/// <summary>
/// SIGKILL at random moments of everything that writes into the store: see <see cref="KillRounds"/>.
/// </summary>
public sealed class KeepingKillTests : IDisposable
{
    private readonly TimurCommand _timur = new(ownBinary: true);
    private readonly ITestOutputHelper _output;

    public KeepingKillTests(ITestOutputHelper output) => _output = output;

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_pull_that_is_killed_succeeds_when_repeated()
    {
        using var registry = new RegistryServer(_timur.Root + "/registry");
        new SampleImage(_timur.Root + "/sample", bytes: 12_000_000).Push($"{registry.Host}/app:1");
        new KillRounds(_timur, _output).Run($"$T pull -q {registry.Host}/app:1", $"$T rmi -f {registry.Host}/app:1", $"$T run --rm --network none {registry.Host}/app:1 busybox true");
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public void A_load_that_is_killed_succeeds_when_repeated(string format)
    {
        _ = new SampleImage(_timur.Root + "/sample", bytes: 12_000_000);
        var rounds = new KillRounds(_timur, _output);
        _timur.Must($"$T load -i $ROOT/sample; $T save --format {format} -o $ROOT/saved.tar it; $T rmi it");
        rounds.Run("$T load -i $ROOT/saved.tar", "$T rmi -f it", "$T run --rm --network none it busybox true");
    }

    [Fact]
    public void A_removal_that_is_killed_is_finished_by_one_repair()
    {
        // The upper layer takes a link of the lower one for granted, so there is a record of what it needs, and a copy of it for this stack.
        OciLayout.Write(_timur.Root + "/sample", OciLayout.LinkedBase(), new TarBuilder().File("bin/tool", "tool"));
        new KillRounds(_timur, _output).Run("$T rmi -f it", "$T load -i $ROOT/sample", "test -z \"$($T images -q)\"");
    }

    [Fact]
    public void An_import_that_is_killed_succeeds_when_repeated()
    {
        var rounds = new KillRounds(_timur, _output);
        _timur.Must("mkdir -p $ROOT/tree/bin; cp /bin/busybox $ROOT/tree/bin; seq 1 400 | sed \"s,^,$ROOT/tree/,\" | xargs touch; tar -C $ROOT/tree -czf $ROOT/tree.tar.gz .");
        rounds.Run("$T import $ROOT/tree.tar.gz img", "$T rmi -f img", "$T run --rm --network none img busybox true");
    }

    [Fact]
    public void The_first_use_of_a_volume_that_is_killed_leaves_it_empty_or_filled()
    {
        var rounds = new KillRounds(_timur, _output)
        {
            AfterKill = () => Assert.Contains(_timur.Must("test -e $ROOT/data/volumes/data/_data && ls $ROOT/data/volumes/data/_data | wc -l || echo 0"), (string[])["0", "400"]),
        };
        _timur.Must("mkdir -p $ROOT/tree/bin $ROOT/tree/files; cp /bin/busybox $ROOT/tree/bin; seq 1 400 | sed \"s,^,$ROOT/tree/files/,\" | xargs touch; tar -C $ROOT/tree -cf - . | $T import - img");
        rounds.Run("$T run --rm --network none -v data:/files img busybox true", "($T rm -f -v $($T ps -aq) || true; $T volume rm -f data)", "test $(ls $ROOT/data/volumes/data/_data | wc -l) = 400");
    }
}
