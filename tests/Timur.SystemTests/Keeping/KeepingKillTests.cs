using System.Diagnostics;
using Timur.SystemTests.Registries;
using Xunit;
using Xunit.Abstractions;

namespace Timur.SystemTests.Keeping;

/// <summary>
/// SIGKILL at random moments of everything that writes into the store. Afterwards check says what is left, repair mends it, and the same command succeeds when it is
/// given again. The seed is printed; TIMUR_SEED repeats a run, TIMUR_KILLS sets how many there are of each.
/// </summary>
public sealed class KeepingKillTests : IDisposable
{
    private const int UsualKills = 8;
    private readonly TimurCommand _timur = new(ownBinary: true);
    private readonly ITestOutputHelper _output;
    private readonly int _seed = int.TryParse(Environment.GetEnvironmentVariable("TIMUR_SEED"), out int seed) ? seed : Environment.TickCount;
    private readonly int _kills = int.TryParse(Environment.GetEnvironmentVariable("TIMUR_KILLS"), out int kills) ? kills : UsualKills;

    public KeepingKillTests(ITestOutputHelper output)
    {
        _output = output;
        _output.WriteLine($"TIMUR_SEED={_seed} TIMUR_KILLS={_kills}");
    }

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_pull_that_is_killed_succeeds_when_repeated()
    {
        using var registry = new RegistryServer(_timur.Root + "/registry");
        new SampleImage(_timur.Root + "/sample", bytes: 12_000_000).Push($"{registry.Host}/app:1");
        Rounds($"$T pull -q {registry.Host}/app:1", $"$T rmi -f {registry.Host}/app:1", $"$T run --rm --network none {registry.Host}/app:1 busybox true");
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public void A_load_that_is_killed_succeeds_when_repeated(string format)
    {
        _ = new SampleImage(_timur.Root + "/sample", bytes: 12_000_000);
        Must($"$T load -i $ROOT/sample; $T save --format {format} -o $ROOT/saved.tar it; $T rmi it");
        Rounds("$T load -i $ROOT/saved.tar", "$T rmi -f it", "$T run --rm --network none it busybox true");
    }

    [Fact]
    public void A_removal_that_is_killed_succeeds_when_repeated()
    {
        _ = new SampleImage(_timur.Root + "/sample", bytes: 4_000_000);
        Rounds("$T rmi -f it", "$T load -i $ROOT/sample", "test -z \"$($T images -q)\"");
    }

    [Fact]
    public void An_import_that_is_killed_succeeds_when_repeated()
    {
        Must("mkdir -p $ROOT/tree/bin; cp /bin/busybox $ROOT/tree/bin; seq 1 400 | sed \"s,^,$ROOT/tree/,\" | xargs touch; tar -C $ROOT/tree -czf $ROOT/tree.tar.gz .");
        Rounds("$T import $ROOT/tree.tar.gz img", "$T rmi -f img", "$T run --rm --network none img busybox true");
    }

    [Fact]
    public void The_first_use_of_a_volume_that_is_killed_leaves_it_empty_or_filled()
    {
        Must("mkdir -p $ROOT/tree/bin $ROOT/tree/files; cp /bin/busybox $ROOT/tree/bin; seq 1 400 | sed \"s,^,$ROOT/tree/files/,\" | xargs touch; tar -C $ROOT/tree -cf - . | $T import - img");
        Rounds("$T run --rm --network none -v data:/files img busybox true", "($T rm -f -v $($T ps -aq) || true; $T volume rm -f data)", "test $(ls $ROOT/data/volumes/data/_data | wc -l) = 400",
            () => Assert.Contains(Must("test -e $ROOT/data/volumes/data/_data && ls $ROOT/data/volumes/data/_data | wc -l || echo 0"), (string[])["0", "400"]));
    }

    /// <param name="prepare">Brings about what the command needs.</param>
    /// <param name="proof">Says that the command has done its work.</param>
    /// <param name="afterKill">What has to be true of what the killed command left.</param>
    private void Rounds(string command, string prepare, string proof, Action? afterKill = null)
    {
        var random = new Random(_seed);
        Must($"{prepare} >/dev/null 2>&1 || true");
        var watch = Stopwatch.StartNew();
        Must(command);
        int longest = (int)watch.ElapsedMilliseconds + 2;
        for (int round = 0; round < _kills; round++)
        {
            Must($"{prepare} >/dev/null 2>&1 || true");
            int delay = random.Next(longest);
            using (Process process = Process.Start("sh", ["-c", $"ROOT={_timur.Root}; T='{_timur.Words}'; exec {command} >/dev/null 2>&1"]))
            {
                Thread.Sleep(delay);
                process.Kill();
                process.WaitForExit();
            }

            string what = $"{command}, killed after {delay} of {longest} ms (TIMUR_SEED={_seed}, round {round})";
            afterKill?.Invoke();
            if (round % 2 == 0)
            {
                // What is younger than a second may still be in somebody's hands; another process may be emptying the trash.
                Thread.Sleep(1100);
                Repair(what);
            }

            Outcome again = Script($"{command} && {proof}");
            Assert.True(again.Code == 0, $"{what}: {again}");
        }

        Thread.Sleep(1100);
        Repair($"{command} (TIMUR_SEED={_seed})");
        Must(proof);
    }

    private void Repair(string what)
    {
        Outcome repair = _timur.Run("system", "check", "--repair", "--digests");
        Assert.True(repair.Code == 0, $"{what}: {repair}");
        foreach (string line in repair.Out.Split('\n').Where(line => line.StartsWith("repaired", StringComparison.Ordinal)))
        {
            _output.WriteLine(line);
        }

        Outcome check = _timur.Run("system", "check", "--digests");
        Assert.True(check.Out == "everything is as recorded\n", $"{what}: {repair}{check}");
    }

    private string Must(string script)
    {
        Outcome outcome = Script(script);
        return outcome.Code == 0 ? outcome.Out.Trim() : throw new InvalidOperationException($"{script}: {outcome}");
    }

    private Outcome Script(string script) => TimurCommand.Execute("sh", ["-c", $"set -e; ROOT={_timur.Root}; T='{_timur.Words}'; {script}"]);
}
