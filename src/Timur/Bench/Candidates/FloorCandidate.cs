namespace Timur.Bench.Candidates;

/// <summary>
/// What the kernel alone takes for a container with the full default profile: bench/floor.c, a C program that makes the system calls of <c>timur oci run</c> on the
/// same bundle, and nothing else. Only on cgroup v1, whose files it writes.
/// </summary>
internal sealed class FloorCandidate() : Candidate("floor", "the same system calls in C")
{
    private Workplace _work = null!;
    private string _root = "";
    private string _filter = "";
    private string _model = "";

    internal override void Prepare(Workplace work, BenchImage image, Needs needs)
    {
        (_work, _model, Version) = (work, image.Configuration, "bench/floor.c");
        _root = Overlay(work, image, Name);
        string id = $"{work.Name}-{Name}";
        string[] runtime = [Workplace.OwnProgramPath, "oci", "--root", $"{work.Directory}/{Name}/state"];
        work.OnEnd("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", $"*/{id}*", "-delete");
        work.OnEnd([.. runtime, "state", id], [.. runtime, "delete", "--force", id]);

        // The filter as the runtime compiles it.
        work.Do([.. runtime, "run", "--detach", "--bundle", Bundle(id, "sleep", "1000000"), id]);
        _filter = $"{work.Directory}/{Name}/filter";
        work.Do("cp", $"{work.Directory}/{Name}/state/{id}/filter", _filter);
        work.Do([.. runtime, "delete", "--force", id]);
        work.Do(Start(0, network: false)!);
    }

    internal override bool IsEntered => false;

    internal override string[] Inside(params string[] words) => throw new NotSupportedException("nothing runs inside the floor");

    internal override string[]? Start(int number, bool network)
    {
        string id = $"{_work.Name}-{Name}-{number}";
        return network ? null : ["timur-floor", $"{_work.Directory}/{Name}/state-{number}", Bundle(id, "true"), _root, id, _filter, "true"];
    }

    private string Bundle(string id, params string[] arguments) => RuntimeBundle.Write($"{_work.Directory}/{Name}/{id}", _model, _root, id, arguments);
}
