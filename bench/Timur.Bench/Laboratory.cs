using System.Runtime.InteropServices;

namespace Timur.Bench;

/// <summary>The containers, bundles and candidates of all experiments; disposing removes them from the machine.</summary>
internal sealed class Laboratory : IDisposable
{
    private const int Crowd = 16;
    private const int Running = 20;
    private const int Listed = 500;

    private static readonly string[] Runtimes = ["crun", "runc"];

    /// <summary>Of the experiment with lists.</summary>
    private static readonly string[] Stores = ["none", "many"];

    private static IEnumerable<string> PeerIds => Enumerable.Range(0, Crowd).Select(number => $"crowd{number}").Append("one");

    private readonly Settings _settings;
    private readonly string _directory = Directory.CreateTempSubdirectory("timur-bench-").FullName;
    private readonly List<(string Runtime, string Id)> _peerContainers = [];

    internal Laboratory(Settings settings) => _settings = settings;

    /// <summary>Starts the container that the bundles are modelled on.</summary>
    internal void Prepare()
    {
        Timur("run", "-d", "--name", "model", "--network", "none", "busybox", "sleep", "100000");
        string configuration = Directory.GetFiles($"{_directory}/data/containers", "config.json", SearchOption.AllDirectories).Single();
        string image = Directory.GetDirectories($"{_directory}/data/images/layers").Single();
        Tools.Run("cp", "-a", image, _directory + "/rootfs");
        foreach (string runtime in OciContest.Runtimes)
        {
            Bundle.Make($"{_directory}/sleep-{runtime}", configuration, _directory + "/rootfs", $"/timur-bench/sleep-{runtime}", ["sleep", "100000"]);
        }

        foreach (string id in PeerIds)
        {
            Bundle.Make($"{_directory}/true-{id}", configuration, _directory + "/rootfs", $"/timur-bench/{id}", ["true"]);
        }
    }

    internal IReadOnlyList<(string Name, Func<TextWriter, string> Measure)> Experiments =>
    [
        ("start", raw => Paired("A container that runs `true`, from the command to its end", StartCandidates(), "crun", _settings.Rounds, raw)),
        ("exec", raw => Paired("`exec` of `true` in a running container", ExecCandidates(), "crun", _settings.Rounds, raw)),
        ("crowd", raw => Paired($"{Crowd} containers at once", CrowdCandidates(), "timur, one", Math.Max(_settings.Rounds / 5, 2), raw)),
        ("oci-run", raw => Contest("OCI: `run` of `true`", contest => contest.Run(), raw)),
        ("oci-life", raw => Contest("OCI: `create`, `start` and `delete --force` of a container that sleeps", contest => contest.Life(), raw)),
        ("oci-exec", raw => Contest("OCI: `exec` of `true`", contest => contest.Exec(), raw)),
        ("memory", Memory),
        ("list", raw => Paired($"`ps` with {Listed} containers", ListCandidates(), "ps, none", _settings.Rounds, raw)),
    ];

    /// <summary>What was measured on, as a line of text.</summary>
    internal string Machine()
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? RuntimeInformation.OSArchitecture.ToString();
        string kernel = Tools.Run("uname", "-r");
        string crun = Tools.Run(Peer("crun"), "--version").Split('\n')[0].Replace("crun version ", "");
        string runc = Tools.Run(Peer("runc"), "--version").Split('\n')[0].Replace("runc version ", "");
        return $"Linux {kernel}, {Environment.ProcessorCount} × {model}, data on {Tools.Run("stat", "-f", "-c", "%T", _directory)}; crun {crun}, runc {runc}, Timur {Timur("version", "--format", "{{.Version}}")}.";
    }

    public void Dispose()
    {
        foreach ((string runtime, string id) in _peerContainers)
        {
            Tools.Run(Peer(runtime), "--root", $"{_directory}/{runtime}", "delete", "--force", id);
        }

        Timur("clear", "--force", "--all");
        foreach (string name in Stores)
        {
            Tools.Run(_settings.Timur, [.. Store(name)[1..], "clear", "--force", "--all"]);
        }

        Tools.Run("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", "*/timur-bench*", "-delete");
        Directory.Delete(_directory, recursive: true);
    }

    private static string Paired(string title, IReadOnlyList<Candidate> candidates, string baseline, int rounds, TextWriter raw)
    {
        var run = new PairedRun(title, candidates, baseline);
        run.Measure(rounds, raw);
        return run.Table();
    }

    private string Contest(string title, Func<OciContest, IEnumerable<Candidate>> candidates, TextWriter raw)
    {
        using var contest = new OciContest(_settings, _directory);
        return Paired(title, [.. candidates(contest)], "crun", _settings.Rounds, raw);
    }

    private List<Candidate> StartCandidates() =>
    [
        new("timur, no network", Command("run", "--rm", "--network", "none", "busybox", "true").Time),
        new("timur, default bridge", Command("run", "--rm", "busybox", "true").Time),
        .. Peers(runtime => PeerRun(runtime, "one").Time),
    ];

    private List<Candidate> ExecCandidates()
    {
        foreach (string runtime in Runtimes)
        {
            Tools.Run("sh", "-c", $"cd {_directory}/sleep-{runtime} && {Peer(runtime)} --root {_directory}/{runtime} run --detach bench-{runtime} </dev/null >/dev/null 2>{_directory}/{runtime}.log || {{ cat {_directory}/{runtime}.log >&2; exit 1; }}");
            _peerContainers.Add((runtime, $"bench-{runtime}"));
        }

        return
        [
            new("timur", Command("exec", "model", "true").Time),
            .. Peers(runtime => new Command([Peer(runtime), "--root", $"{_directory}/{runtime}", "exec", $"bench-{runtime}", "true"], Variables).Time),
        ];
    }

    private List<Candidate> CrowdCandidates()
    {
        Command none = Command("run", "--rm", "--network", "none", "busybox", "true");
        Command bridge = Command("run", "--rm", "busybox", "true");
        return
        [
            new("timur, one", none.Time),
            new($"timur, {Crowd}", () => Bench.Command.TimeTogether([.. Enumerable.Repeat(none, Crowd)])),
            new("timur, one on the bridge", bridge.Time),
            new($"timur, {Crowd} on the bridge", () => Bench.Command.TimeTogether([.. Enumerable.Repeat(bridge, Crowd)])),
            new("crun, one", PeerRun("crun", "one").Time),
            CrowdOfPeer("crun"),
        ];
    }

    private Candidate CrowdOfPeer(string runtime)
    {
        Command[] commands = [.. Enumerable.Range(0, Crowd).Select(number => PeerRun(runtime, $"crowd{number}"))];
        return new($"{runtime}, {Crowd}", () => Bench.Command.TimeTogether(commands));
    }

    /// <summary>The proportional set size (proc(5), smaps_rollup) of what stays resident beside each container.</summary>
    private string Memory(TextWriter raw)
    {
        for (int i = 0; i < Running; i++)
        {
            Timur("run", "-d", "--name", $"idle{i}", "--network", "none", "busybox", "sleep", "100000");
        }

        double[] sizes = [.. MonitorIds().Select(ProportionalKilobytes)];
        for (int i = 0; i < Running; i++)
        {
            Timur("rm", "--force", $"idle{i}");
        }

        return $"### Resident helper per running container\n\nWith {sizes.Length} running, the monitor of each has a proportional set size of {Statistics.Median(sizes) / 1000:0.00} MB (the largest {sizes.Max() / 1000:0.00} MB).\n";
    }

    private IEnumerable<string> MonitorIds()
        => Timur("inspect", "--format", "{{.State.MonitorPid}}", "model").Split('\n').Concat(
            Enumerable.Range(0, Running).Select(i => Timur("inspect", "--format", "{{.State.MonitorPid}}", $"idle{i}")));

    private static double ProportionalKilobytes(string pid)
        => double.Parse(File.ReadLines($"/proc/{pid}/smaps_rollup").First(line => line.StartsWith("Pss:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1.024;

    private string[] Store(string name) => [_settings.Timur, "--root", $"{_directory}/{name}", "--state", $"{_directory}/{name}-run"];

    private List<Candidate> ListCandidates()
    {
        foreach (string name in Stores)
        {
            Tools.Run(_settings.Timur, [.. Store(name)[1..], "init"]);
        }

        for (int i = 0; i < Listed; i++)
        {
            Tools.Run(_settings.Timur, [.. Store("many")[1..], "create", "--network", "none", "busybox", "true"]);
        }

        return
        [
            new("ps, none", new Command([.. Store("none"), "ps"], Variables).Time),
            new($"ps, {Listed} that don't run", new Command([.. Store("many"), "ps"], Variables).Time),
            new("ps -a, none", new Command([.. Store("none"), "ps", "-a"], Variables).Time),
            new($"ps -a, {Listed}", new Command([.. Store("many"), "ps", "-a"], Variables).Time),
        ];
    }

    private static IEnumerable<Candidate> Peers(Func<string, Func<double>> measure) => Runtimes.Select(name => new Candidate(name, measure(name)));

    private Command PeerRun(string runtime, string id)
        => new([Peer(runtime), "--root", $"{_directory}/{runtime}", "run", "--bundle", $"{_directory}/true-{id}", $"bench-{runtime}-{id}"], Variables);

    private Command Command(params string[] words) => new([_settings.Timur, "--root", $"{_directory}/data", "--state", $"{_directory}/run", .. words], Variables);

    private string Timur(params string[] words) => Tools.Run(_settings.Timur, ["--root", $"{_directory}/data", "--state", $"{_directory}/run", .. words]);

    private string Peer(string name) => $"{_settings.Peers}/{name}";

    private static string[] Variables => ["PATH=" + Environment.GetEnvironmentVariable("PATH")];
}
