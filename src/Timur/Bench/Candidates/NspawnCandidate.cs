namespace Timur.Bench.Candidates;

/// <summary>systemd-nspawn(1). It has no way into a container that isn't registered: each command is a container of its own on the same root.</summary>
internal sealed class NspawnCandidate() : Candidate("nspawn", "systemd-nspawn")
{
    private string _root = "";

    internal override void Prepare(Workplace work, BenchImage image, Needs needs)
    {
        Version = work.Do("systemd-nspawn", "--version").Split('\n')[0];
        _root = Overlay(work, image, Name);
        work.Do(Inside("true"));
    }

    internal override string[] Inside(params string[] words)
        => ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--pipe", "--private-network", "--directory", _root, "--chdir", Place, "--", .. words];

    /// <summary>One root can't be used by several at once.</summary>
    internal override string[]? Start(int number, bool network) => network || number > 0 ? null : Inside("true");
}
