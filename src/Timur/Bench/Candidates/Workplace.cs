using System.Text;
using System.Text.Json;
using Timur.Bench.Figures;
using Timur.Kernel;
using Timur.State;

namespace Timur.Bench.Candidates;

/// <summary>
/// The directory of one benchmark below the store: test files, bundles, mount points. How to give back what stands outside of it is written to its file
/// <c>undo</c> before the thing is made, a command a line, so that another process can do it when this one is killed (<see cref="Keeper"/>).
/// </summary>
internal sealed class Workplace
{
    private const string UndoFile = "undo";
    private static readonly TimeSpan UndoLimit = TimeSpan.FromMinutes(2);

    private readonly DataPaths _paths;
    private readonly FileLock _lock;

    private Workplace(DataPaths paths, string name, TimeSpan limit)
    {
        (_paths, Name, Limit) = (paths, name, limit);
        Directory = $"{Parent(paths)}/{name}";
        Directories.Create(Directory);
        _lock = FileLock.OnExisting(Directory, wait: false) ?? throw new Failure($"{Directory} is in use by another benchmark", "wait until it has ended");
    }

    /// <summary>Such as <c>bench-1a2b3c4d</c>: part of the name of everything it makes.</summary>
    internal string Name { get; }

    internal string Directory { get; }

    /// <summary>How long a program may take beyond what it was told to; then it hangs.</summary>
    internal TimeSpan Limit { get; }

    internal DataPaths Paths => _paths;

    /// <summary>What the programs get of the caller's: the search path, and where its other engines are.</summary>
    internal static string[] Environment { get; } =
    [
        "PATH=" + (System.Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin"), "HOME=/root", "LC_ALL=C",
        .. from name in (string[])["TMPDIR", "DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"]
           let value = System.Environment.GetEnvironmentVariable(name)
           where value is not null
           select $"{name}={value}",
    ];

    internal static string Parent(DataPaths paths) => paths.Root + "/bench";

    internal static Workplace Make(DataPaths paths, TimeSpan limit)
    {
        Span<byte> random = stackalloc byte[4];
        KernelRandom.Fill(random);
        return new Workplace(paths, $"bench-{Convert.ToHexStringLower(random)}", limit);
    }

    /// <summary>Workplaces whose benchmark is gone without having cleaned up.</summary>
    internal static IEnumerable<string> Abandoned(DataPaths paths)
    {
        foreach (DirectoryEntry entry in Directories.List(Parent(paths)))
        {
            string directory = $"{Parent(paths)}/{entry.Name}";
            using FileLock? guard = FileLock.TryTakeDirectory(directory, wait: false);
            if (guard is not null)
            {
                yield return directory;
            }
        }
    }

    /// <summary>Gives everything back that a workplace's undo file names, last things first, then the directory itself. Returns what didn't work.</summary>
    internal static List<string> Remove(string directory)
    {
        EndProcesses(directory);
        var failed = new List<string>();
        foreach (string line in (Files.TryReadText($"{directory}/{UndoFile}", out _) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            // The last line may have been cut off: then the thing wasn't made either.
            string[]? words = TryRead(line);
            if (words is not null && Attempt(words) is { } complaint)
            {
                failed.Add(complaint);
            }
        }

        failed.AddRange(Mounts.DetachTree(directory).Select(kept => $"umount {kept.Target}: {kept.Why.Describe()}"));

        Directories.RemoveTree(directory);
        Directories.TryRemove(Path.GetDirectoryName(directory)!, out _);
        return failed;
    }

    /// <summary>Promises to run a command at the end; to be called before what it undoes is done. It must succeed when there is nothing to undo.</summary>
    internal void OnEnd(params string[] words)
    {
        using Fd file = Files.Open($"{Directory}/{UndoFile}", Open.Write | Open.Create | Open.Append, 0x180);
        Files.Write(file, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(words, RecordJson.Default.StringArray) + "\n"));
    }

    /// <summary>As above, but the undo runs only when the check succeeds: it may never have come so far.</summary>
    internal void OnEnd(IEnumerable<string> check, IEnumerable<string> undo) => OnEnd("sh", "-c", $"if {Quote(check)} >/dev/null 2>&1; then {Quote(undo)}; fi");

    /// <summary>What a shell reads as these words.</summary>
    internal static string Quote(params IEnumerable<string> words) => string.Join(' ', words.Select(word => $"'{word.Replace("'", "'\\''")}'"));

    /// <summary>A directory in here.</summary>
    internal string Folder(string name)
    {
        string folder = $"{Directory}/{name}";
        Directories.Create(folder);
        return folder;
    }

    /// <summary>Runs a program whose time doesn't count and returns what it printed.</summary>
    /// <exception cref="ProgramFailed">It failed, hung, or isn't there.</exception>
    internal string Do(TimeSpan limit, params string[] words)
    {
        string output = $"{Directory}/output";
        ProgramRun run;
        try
        {
            using var program = new ChildProgram(words, Environment, output, Directory);
            run = program.Run(limit);
        }
        catch (SyscallException e)
        {
            throw new ProgramFailed($"{words[0]}: {e.Errno.Describe()}");
        }

        string text = Text(output);
        return run.Succeeded ? text.Trim() : throw new ProgramFailed(Complaint(words, run, text, limit));
    }

    internal string Do(params string[] words) => Do(Limit, words);

    /// <summary>This program, on the same store.</summary>
    internal string[] Timur(params string[] words) => [OwnProgramPath, "--root", _paths.Root, "--state", _paths.Run, .. words];

    internal static string OwnProgramPath { get; } = System.Environment.ProcessPath!;

    /// <summary>One line that says how a program failed: its own last words where it had any.</summary>
    internal static string Complaint(IReadOnlyList<string> words, ProgramRun run, string text, TimeSpan limit)
    {
        string name = Path.GetFileName(words[0]);
        string last = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault(line => line.StartsWith("FATAL", StringComparison.Ordinal))
            ?? text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "it said nothing";
        string how = run.TimedOut ? $"was ended after {limit.TotalSeconds:0} s without having finished" : run.End.Signaled ? $"was killed by SIG{Signals.Name(run.End.Code)}" : $"exit code {run.End.Code}";
        return $"{name} {string.Join(' ', words.Skip(1).Where(word => !word.Contains('/')).Take(4))}: {how}: {last}";
    }

    internal static string Text(string file) => Encoding.UTF8.GetString(Files.TryReadAll(file, out _) ?? []);

    /// <summary>Whatever a killed benchmark was just measuring on this machine works in here; somebody's shell may, too, but has a terminal.</summary>
    private static void EndProcesses(string directory)
    {
        foreach (DirectoryEntry entry in Directories.List("/proc"))
        {
            if (int.TryParse(entry.Name, out int pid) && pid != Processes.Self && Files.TryReadLink($"/proc/{pid}/cwd", out _) is { } place
                && (place == directory || place.StartsWith(directory + "/", StringComparison.Ordinal)) && !Processes.HasTerminal(pid))
            {
                Processes.TryKill(pid, Signals.Kill, out _);
            }
        }
    }

    private static string[]? TryRead(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, RecordJson.Default.StringArray);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Attempt(string[] words)
    {
        try
        {
            using var program = new ChildProgram(words, Environment);
            ProgramRun run = program.Run(UndoLimit);
            return run.Succeeded ? null : $"{string.Join(' ', words)}: exit code {run.End.ShellCode}";
        }
        catch (SyscallException e)
        {
            return $"{words[0]}: {e.Errno.Describe()}";
        }
    }

    /// <summary>Lets the next one, or the keeper, have it.</summary>
    internal void Release() => _lock.Dispose();
}

/// <summary>A program that belongs to a candidate failed: the candidate is out, or one run is; the benchmark goes on.</summary>
internal sealed class ProgramFailed(string message) : Exception(message);
