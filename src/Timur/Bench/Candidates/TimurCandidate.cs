using Timur.Bench.Figures;

namespace Timur.Bench.Candidates;

/// <summary>A container of ours, with the options of <c>timur run</c> that make the difference.</summary>
/// <param name="options">Given the place for a bind mount and what must fit.</param>
internal sealed class TimurCandidate(string name, string title, string storage, Func<string, Needs, string[]> options) : Candidate(name, title)
{
    private Workplace _work = null!;
    private string _image = "";
    private string _container = "";

    internal override string Storage => storage;

    internal override void Prepare(Workplace work, BenchImage image, Needs needs)
    {
        (_work, _image, _container) = (work, image.Reference, $"{work.Name}-{Name}");
        string[] more = options(work.Folder(Name), needs);
        work.OnEnd(work.Timur("inspect", _container), work.Timur("rm", "--force", "--volumes", _container));
        Version = "timur " + work.Do(work.Timur("version", "--format", "{{.Version}}"));
        work.Do(work.Timur(["run", "--detach", "--name", _container, "--workdir", Place, .. more, _image, "sleep", "1000000"]));
    }

    internal override string[] Inside(params string[] words) => _work.Timur(["exec", "--workdir", Place, _container, .. words]);

    internal override string[]? Start(int number, bool network)
        => _work.Timur(["run", "--rm", .. (string[])(network ? [] : ["--network", "none"]), .. options(_work.Folder(Name), new Needs(0)), _image, "true"]);

    internal override int? FirstProcess() => int.Parse(_work.Do(_work.Timur("inspect", "--format", "{{.State.Pid}}", _container)));

    internal override string[]? List(bool many, bool all)
    {
        if (Name != CandidateNames.Timur)
        {
            return null;
        }

        string store = $"{_work.Directory}/{(many ? "many" : "none")}";
        string[] timur = [Workplace.OwnProgramPath, "--root", store, "--state", store + "/run"];
        if (!Kernel.Files.Exists(store))
        {
            _work.OnEnd([.. timur, "clear", "--force", "--all"]);
            _work.Do([.. timur, "init"]);
            string create = Workplace.Quote([.. timur, "create", "--network", "none", "busybox", "true"]);
            _work.Do(TimeSpan.FromMinutes(5), "sh", "-c", $"i=0; while [ $i -lt {(many ? LoadTable.Listed : 0)} ]; do {create} >/dev/null || exit 1; i=$((i + 1)); done");
        }

        return [.. timur, "ps", .. (string[])(all ? ["-a"] : [])];
    }

    internal override T WithIdle<T>(int count, Func<IReadOnlyList<int>, T> action) => WithIdle(_work, _work.Timur(), _container, [_image], count, action);
}
