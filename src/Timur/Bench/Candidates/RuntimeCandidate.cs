using System.Text.Json.Nodes;

namespace Timur.Bench.Candidates;

/// <summary>
/// An OCI runtime such as runc or crun on the bundle that <c>timur run --network none</c> would be: the same namespaces, mounts, masks, capabilities,
/// seccomp profile and limits, taken from the configuration of one of our containers.
/// </summary>
/// <param name="program">The words that start it.</param>
internal sealed class RuntimeCandidate(string name, string title, string[] program) : Candidate(name, title)
{
    private Workplace _work = null!;
    private string _root = "";
    private string _model = "";

    private string[] Runtime => [.. program, "--root", $"{_work.Directory}/{Name}/state"];

    private string Container => $"{_work.Name}-{Name}";

    internal override void Prepare(Workplace work, BenchImage image, Needs needs)
    {
        _work = work;
        Version = work.Do([.. program, "--version"]).Split('\n')[0].Replace(" version", "");
        _root = Overlay(work, image, Name);
        _model = image.Configuration;
        work.OnEnd("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", $"*/{Container}*", "-delete");
        work.OnEnd([.. Runtime, "state", Container], [.. Runtime, "delete", "--force", Container]);
        work.Do([.. Runtime, "run", "--detach", "--bundle", Bundle(Container, "sleep", "1000000"), Container]);
    }

    internal override string[] Inside(params string[] words) => [.. Runtime, "exec", "--cwd", Place, Container, .. words];

    internal override string[]? Start(int number, bool network)
        => network ? null : [.. Runtime, "run", "--bundle", Bundle($"{Container}-{number}", "true"), $"{Container}-{number}"];

    internal override string[]? CreateStartDelete()
    {
        string id = Container + "-life";
        string bundle = Bundle(id, "sleep", "1000000");
        return ["sh", "-c", $"{Workplace.Quote([.. Runtime, "create", "--bundle", bundle, id])} && {Workplace.Quote([.. Runtime, "start", id])} && {Workplace.Quote([.. Runtime, "delete", "--force", id])}"];
    }

    internal override int? FirstProcess() => JsonNode.Parse(_work.Do([.. Runtime, "state", Container]))!["pid"]!.GetValue<int>();

    private string Bundle(string id, params string[] arguments) => RuntimeBundle.Write($"{_work.Directory}/{Name}/{id}", _model, _root, id, arguments);
}
