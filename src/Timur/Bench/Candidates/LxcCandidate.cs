namespace Timur.Bench.Candidates;

/// <summary>LXC with an application container: lxc-start(1) for the long-lived one, lxc-execute(1) for a start.</summary>
internal sealed class LxcCandidate() : Candidate("lxc", "lxc")
{
    private Workplace _work = null!;
    private string _lives = "";

    private string Container => _work.Name + "-lxc";

    private string Containers => $"{_work.Directory}/lxc/containers";

    internal override void Prepare(Workplace work, BenchImage image, Needs needs)
    {
        _work = work;
        Version = "lxc " + work.Do("lxc-start", "--version");
        string root = Overlay(work, image, Name);
        _lives = Configuration("lives", root);
        work.Folder("lxc/containers");
        work.OnEnd(["lxc-info", "-P", Containers, "-n", Container, "-s"], ["lxc-stop", "-P", Containers, "-n", Container, "-k"]);
        work.Do("lxc-start", "-P", Containers, "-n", Container, "-f", _lives, "-L", $"{work.Directory}/lxc/console", "-o", $"{work.Directory}/lxc/log", "--", "/bin/sleep", "1000000");
    }

    internal override string[] Inside(params string[] words)
        => ["lxc-attach", "-P", Containers, "-n", Container, "--clear-env", "-v", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "--", "/bin/sh", "-c", "cd /bench && exec \"$@\"", "sh", .. words];

    internal override string[]? Start(int number, bool network)
        => network ? null : ["lxc-execute", "-P", Containers, "-n", $"{Container}-{number}", "-f", _lives, "--", "/bin/true"];

    internal override int? FirstProcess() => int.Parse(_work.Do("lxc-info", "-P", Containers, "-n", Container, "-p", "-H"));

    private string Configuration(string name, string root)
    {
        string file = $"{_work.Directory}/lxc/{name}.conf";
        string text = $"lxc.rootfs.path = dir:{root}\nlxc.net.0.type = empty\nlxc.mount.auto = proc:mixed sys:ro cgroup:mixed\nlxc.autodev = 1\n";
        Kernel.Files.WriteAll(file, System.Text.Encoding.UTF8.GetBytes(text));
        return file;
    }
}
