using Timur.Kernel;

namespace Timur.Bench.Candidates;

/// <summary>What a candidate must make room for.</summary>
/// <param name="FileMebibytes">Test files, 0 when none are used.</param>
internal readonly record struct Needs(int FileMebibytes);

/// <summary>Somewhere programs can run: this machine itself, a container of ours, a container of another engine's.</summary>
/// <param name="name">As <c>--against</c> takes it.</param>
/// <param name="title">As the report shows it.</param>
internal abstract class Candidate(string name, string title)
{
    /// <summary>Where the test files are, inside.</summary>
    protected const string Place = "/bench";

    internal string Name => name;

    internal string Title => title;

    /// <summary>The program that does it and its version, for the report.</summary>
    internal string Version { get; private protected set; } = "";

    /// <summary>What its test files stand on, for the report.</summary>
    internal virtual string Storage => "overlay on this machine's file system";

    /// <summary>The working directory its commands are started in; null where they change it themselves.</summary>
    internal virtual string? WorkingDirectory => null;

    /// <summary>Makes it ready; what must be undone is promised to the workplace first.</summary>
    /// <exception cref="ProgramFailed">It can't run on this machine, and why.</exception>
    internal abstract void Prepare(Workplace work, BenchImage image, Needs needs);

    /// <summary>Whether anything else than <c>true</c> can be run inside.</summary>
    internal virtual bool IsEntered => true;

    /// <summary>The command that runs these words inside, in the directory of its test files.</summary>
    internal abstract string[] Inside(params string[] words);

    /// <summary>The command that makes a container, runs <c>true</c> in it, and removes it; null where there is none.</summary>
    /// <param name="number">Several run at once; each has a number of its own.</param>
    internal virtual string[]? Start(int number, bool network) => null;

    /// <summary>The first process of its running container, as this machine numbers it; null where there is none.</summary>
    internal virtual int? FirstProcess() => null;

    /// <summary>The command that creates a container from a bundle, starts it and deletes it; null where it isn't an OCI runtime.</summary>
    internal virtual string[]? CreateStartDelete() => null;

    /// <summary>The command that lists containers, of a store with none or with many; null where there is none.</summary>
    internal virtual string[]? List(bool many, bool all) => null;

    /// <summary>Runs an action beside so many idle containers, where that makes a difference, and hands it their first processes.</summary>
    internal virtual T WithIdle<T>(int count, Func<IReadOnlyList<int>, T> action) => action([FirstProcess()!.Value]);

    /// <summary><c>WithIdle</c> for engines with Docker's command line.</summary>
    protected static T WithIdle<T>(Workplace work, string[] engine, string name, string[] optionsAndImage, int count, Func<IReadOnlyList<int>, T> action)
    {
        string[] names = [.. Enumerable.Range(0, count).Select(number => $"{name}-idle{number}")];
        try
        {
            foreach (string one in names)
            {
                work.OnEnd([.. engine, "inspect", one], [.. engine, "rm", "--force", one]);
                work.Do([.. engine, "run", "--detach", "--name", one, "--network", "none", .. optionsAndImage, "sleep", "1000000"]);
            }

            return action([.. names.Select(one => int.Parse(work.Do([.. engine, "inspect", "--format", "{{.State.Pid}}", one])))]);
        }
        finally
        {
            work.Do([.. engine, "rm", "--force", .. names]);
        }
    }

    /// <summary>A root of its own for a peer that brings none: an overlay on the image's tree, as the engines above such runtimes make it.</summary>
    protected static string Overlay(Workplace work, BenchImage image, string name)
    {
        string root = work.Folder(name + "/root");
        string options = $"lowerdir={image.Tree},upperdir={work.Folder(name + "/upper")},workdir={work.Folder(name + "/work")}";
        if (!Mounts.TryMount("overlay", root, "overlay", out Errno why, data: options))
        {
            throw new ProgramFailed($"an overlay for {name}: {why.Describe()}");
        }

        Directories.Create(root + Place);
        return root;
    }
}
