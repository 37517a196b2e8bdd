using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;
using Xunit.Abstractions;

namespace Timur.SystemTests.Keeping;

/// <summary>
/// SIGKILL at random moments of a command: half of them by the clock, scaled to the time that the command needs, half at system calls that change something, delivered
/// by strace. Only rounds in which the command really died count. The seed is printed; TIMUR_SEED repeats a run, TIMUR_KILLS sets how many there are of each kind.
/// </summary>
internal sealed class KillRounds
{
    private const int UsualKills = 3;
    private const int Killed = 128 + 9;

    private static readonly string[] Changing =
    [
        "renameat", "renameat2", "rename", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "flock", "clone3", "vfork", "fsconfig", "move_mount", "umount2", "symlinkat", "linkat",
        "fchmodat", "fchownat", "utimensat", "lsetxattr", "setxattr", "fsetxattr", "syncfs", "fsync", "ftruncate", "write", "pwrite64", "openat", "openat2", "exit_group",
    ];

    private readonly TimurCommand _timur;
    private readonly ITestOutputHelper _output;
    private readonly int _seed = int.TryParse(Environment.GetEnvironmentVariable("TIMUR_SEED"), out int seed) ? seed : Environment.TickCount;
    private readonly int _kills = int.TryParse(Environment.GetEnvironmentVariable("TIMUR_KILLS"), out int kills) ? kills : UsualKills;
    private readonly Random _random;
    private readonly HashSet<string> _repaired = [];

    internal KillRounds(TimurCommand timur, ITestOutputHelper output)
    {
        (_timur, _output, _random) = (timur, output, new Random(_seed));
        _output.WriteLine($"TIMUR_SEED={_seed} TIMUR_KILLS={_kills}");
    }

    /// <summary>Before a repair nothing is asked of the store but what this says.</summary>
    internal Action AfterKill { get; init; } = () => { };

    /// <summary>
    /// Kills the command again and again. After every second time <c>system check --repair</c> has to put everything right at once; after every time the command succeeds
    /// when it is repeated.
    /// </summary>
    /// <param name="command">For a shell, in which T is the binary with its roots, and ROOT the test's directory.</param>
    /// <param name="prepare">Brings about what the command needs.</param>
    /// <param name="proof">Succeeds when the command has done its work.</param>
    internal void Run(string command, string prepare, string proof)
    {
        _timur.Must($"{prepare} >/dev/null 2>&1 || true");
        int longest = Enumerable.Range(0, 3).Select(_ => Measure(command, prepare)).Order().ElementAt(1);
        int attempts = Kill(command, prepare, proof, () =>
        {
            int delay = _random.Next(longest);
            var watch = Stopwatch.StartNew();
            bool died = DiesAfter(command, delay);
            longest = died ? longest : Math.Max(2, (longest + (int)watch.ElapsedMilliseconds) / 2);
            return ($"after {delay} of {longest} ms", died);
        });
        _output.WriteLine($"{command}: {_kills} of {attempts} died by the clock within {longest} ms");
        _timur.Must($"{prepare} >/dev/null 2>&1 || true");
        List<(string Call, int Count)> calls = Calls(command);
        attempts = Kill(command, prepare, proof, () =>
        {
            (string call, int count) = calls[_random.Next(calls.Count)];
            int when = _random.Next(count) + 1;
            return ($"at {call} {when} of {count}", DiesAt(command, call, when));
        });
        _output.WriteLine($"{command}: {_kills} of {attempts} died at system calls ({string.Join(' ', calls.Select(call => $"{call.Call}:{call.Count}"))})");
        _timur.Must(prepare);
        _timur.Must(command);
        Repair(command);
        _timur.Must(proof);
        foreach (string kind in _repaired.Order(StringComparer.Ordinal))
        {
            _output.WriteLine("  " + kind);
        }
    }

    /// <returns>How often it was tried until it died often enough.</returns>
    private int Kill(string command, string prepare, string proof, Func<(string How, bool Died)> kill)
    {
        int attempts = 0;
        for (int died = 0; died < _kills; attempts++)
        {
            Assert.True(attempts < 20 + (5 * _kills), $"{command}: only {died} of {attempts} attempts killed it");
            _timur.Must($"{prepare} >/dev/null 2>&1 || true");
            (string how, bool isDead) = kill();
            Assert.True(SpinWait.SpinUntil(() => !_timur.Processes().Any(), 60_000), string.Join('\n', _timur.Processes()));
            if (!isDead)
            {
                continue;
            }

            string what = $"{command}, killed {how} (TIMUR_SEED={_seed}, round {died})";
            AfterKill();
            if (died++ % 2 == 0)
            {
                Repair(what);
            }

            Outcome again = _timur.Script($"{command} && {proof}");
            Assert.True(again.Code == 0, $"{what}: {again}");
        }

        return attempts;
    }

    private int Measure(string command, string prepare)
    {
        _timur.Must($"{prepare} >/dev/null 2>&1 || true");
        var watch = Stopwatch.StartNew();
        _timur.Must(command);
        return (int)watch.ElapsedMilliseconds + 1;
    }

    private bool DiesAfter(string command, int delay)
    {
        using Process process = Process.Start("sh", ["-c", $"{Variables} exec {command} >/dev/null 2>&1"]);
        Thread.Sleep(delay);
        process.Kill();
        process.WaitForExit();
        return process.ExitCode == Killed;
    }

    private bool DiesAt(string command, string call, int when)
        => TimurCommand.Execute("sh", ["-c", $"{Variables} exec strace -f -qqq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={when} {command} >/dev/null 2>&1"]).Code == Killed;

    /// <summary>What the command calls that may change something, and how often one of its threads does so: strace counts each call by itself, in each thread.</summary>
    private List<(string Call, int Count)> Calls(string command)
    {
        string trace = _timur.Root + "/trace";
        _timur.Must($"strace -f --seccomp-bpf -qqq -o {trace} -e trace={string.Join(',', Changing)} {command} >/dev/null 2>&1");
        return [.. File.ReadLines(trace).Where(line => line.Contains('(')).Select(line => line[..line.IndexOf('(')].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length == 2 && Changing.Contains(words[1])).GroupBy(words => words[1])
            .Select(calls => (calls.Key, calls.CountBy(words => words[0]).Max(thread => thread.Value))).OrderBy(call => call.Key)];
    }

    private void Repair(string what)
    {
        // What is younger than a second may still be in somebody's hands.
        Thread.Sleep(1100);
        Outcome repair = _timur.Run("system", "check", "--repair", "--digests");
        Assert.True(repair.Code == 0, $"{what}: {repair}");
        foreach (string line in repair.Out.Split('\n').Where(line => line.StartsWith("repaired", StringComparison.Ordinal)))
        {
            _repaired.Add(Regex.Replace(line, @"/\S+|\b[0-9a-f]{12}\b", "…"));
        }

        Outcome check = new(0, "", "");

        // A link dies with its namespace, in the kernel's own time.
        bool isClean = SpinWait.SpinUntil(() => (check = _timur.Run("system", "check", "--digests")).Out == "everything is as recorded\n", 10_000);
        Assert.True(isClean, $"{what}: {repair}{check}");
    }

    private string Variables => $"ROOT={_timur.Root}; T='{_timur.Words}';";
}
