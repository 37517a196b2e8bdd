namespace Timur.Bench.Candidates;

/// <summary>Podman or Docker, whose command lines agree in what is needed here. Podman works in a store of its own below the workplace; Docker's daemon has only its own.</summary>
internal sealed class EngineCandidate(string name, string title, bool hasStores) : Candidate(name, title)
{
    private Workplace _work = null!;
    private string[] _engine = [];
    private string _container = "";

    /// <summary>Podman asks for more than a machine may have to give, and lowers its own limits first: a quarter of ours is always there.</summary>
    private string[] Limits => hasStores ? [.. Limit("nofile", "Max open files"), .. Limit("nproc", "Max processes")] : [];

    internal override string Storage => hasStores ? base.Storage : "the storage of its daemon";

    internal override void Prepare(Workplace work, BenchImage image, Needs needs)
    {
        _work = work;
        _engine = hasStores ? [Name, "--root", work.Folder(Name + "/data"), "--runroot", RunRoot(work), "--cgroup-manager", "cgroupfs"] : [Name];
        _container = $"{work.Name}-{Name}";
        Version = work.Do([.. _engine, "version", "--format", hasStores ? "podman {{.Client.Version}}" : "docker {{.Server.Version}}"]);
        work.OnEnd([.. _engine, "image", "inspect", _container], [.. _engine, "rmi", "--force", _container]);
        work.OnEnd([.. _engine, "inspect", _container], [.. _engine, "rm", "--force", _container]);
        work.Do(TimeSpan.FromMinutes(10), "sh", "-c", $"tar -C {Workplace.Quote(image.Tree)} -c . | {Workplace.Quote(_engine)} import - {Workplace.Quote(_container)}");
        work.Do([.. _engine, "run", "--detach", .. Limits, "--name", _container, _container, "sleep", "1000000"]);
        work.Do([.. _engine, "exec", _container, "mkdir", "-p", Place]);
    }

    /// <summary>Podman refuses one of more than 50 characters.</summary>
    private string RunRoot(Workplace work)
    {
        string directory = $"/run/{work.Name}-{Name}";
        work.OnEnd("rm", "-rf", directory);
        Kernel.Directories.Create(directory);
        return directory;
    }

    internal override string[] Inside(params string[] words) => [.. _engine, "exec", "--workdir", Place, _container, .. words];

    internal override string[]? Start(int number, bool network) => [.. _engine, "run", "--rm", .. Limits, .. (string[])(network ? [] : ["--network", "none"]), _container, "true"];

    internal override int? FirstProcess() => int.Parse(_work.Do([.. _engine, "inspect", "--format", "{{.State.Pid}}", _container]));

    internal override T WithIdle<T>(int count, Func<IReadOnlyList<int>, T> action) => WithIdle(_work, _engine, _container, [.. Limits, _container], count, action);

    /// <summary>From this process's own hard limit (proc_pid_limits(5)).</summary>
    private static string[] Limit(string name, string line)
    {
        string limits = (Kernel.Files.TryReadText("/proc/self/limits", out _) ?? "").Split('\n').First(candidate => candidate.StartsWith(line, StringComparison.Ordinal));
        return long.TryParse(limits[line.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], out long hard) ? ["--ulimit", $"{name}={hard / 4}:{hard / 4}"] : [];
    }
}
