namespace Timur.Bench;

/// <summary>The OCI runtimes on the same bundles: <c>timur oci</c>, crun and runc. Disposing deletes their containers.</summary>
/// <param name="directory">With the bundles <c>true-one</c> and <c>sleep-RUNTIME</c>.</param>
internal sealed class OciContest(Settings settings, string directory) : IDisposable
{
    internal static readonly string[] Runtimes = ["timur", "crun", "runc"];

    private readonly List<string> _running = [];

    internal IEnumerable<Candidate> Run() => Runtimes.Select(name => new Candidate(name, Command(name, "run", "--bundle", $"{directory}/true-one", $"contest-run-{name}").Time));

    /// <summary>create, start, and delete --force of a container that sleeps.</summary>
    internal IEnumerable<Candidate> Life() => Runtimes.Select(name =>
    {
        string id = $"contest-life-{name}";
        Command[] verbs = [Command(name, "create", "--bundle", $"{directory}/sleep-{name}", id), Command(name, "start", id), Command(name, "delete", "--force", id)];
        return new Candidate(name, () => verbs.Sum(verb => verb.Time()));
    });

    internal IEnumerable<Candidate> Exec()
    {
        foreach (string name in Runtimes)
        {
            Command(name, "create", "--bundle", $"{directory}/sleep-{name}", Id(name)).Time();
            _running.Add(name);
            Command(name, "start", Id(name)).Time();
        }

        return Runtimes.Select(name => new Candidate(name, Command(name, "exec", Id(name), "true").Time));
    }

    public void Dispose()
    {
        foreach (string name in _running)
        {
            Command(name, "delete", "--force", Id(name)).Time();
        }

        _running.Clear();
    }

    private static string Id(string runtime) => $"contest-exec-{runtime}";

    private Command Command(string runtime, params string[] words)
    {
        string[] program = runtime == "timur" ? [settings.Timur, "oci"] : [$"{settings.Peers}/{runtime}"];
        return new Command([.. program, "--root", $"{directory}/oci-{runtime}", .. words], ["PATH=" + Environment.GetEnvironmentVariable("PATH")]);
    }
}
