using MathNet.Numerics.Statistics;
using Timur.Bench.Candidates;
using Timur.Bench.Figures;
using Timur.Kernel;

namespace Timur.Bench;

/// <summary>What one run came to: figures, or the reason there are none.</summary>
internal readonly record struct Outcome(IReadOnlyDictionary<string, double> Values, double[][]? Histogram = null, string? Failure = null, bool TimedOut = false)
{
    private static readonly Dictionary<string, double> Nothing = [];

    internal static Outcome Failed(string why, bool timedOut = false) => new(Nothing, Failure: why, TimedOut: timedOut);
}

/// <summary>Runs loads in candidates, once each time.</summary>
internal sealed class Trial(Workplace work, CancellationToken cancelled) : IDisposable
{
    private readonly string? _disk = DiskCounters.FileFor(work.Directory);
    private readonly Dictionary<(string Candidate, string Command), ChildProgram> _programs = [];

    private string Output => work.Directory + "/output";

    private string Errors => work.Directory + "/errors";

    internal Outcome Run(Load load, Dose dose, Candidate candidate)
    {
        try
        {
            return load switch
            {
                SysbenchLoad sysbench => Sysbench(sysbench, dose, candidate),
                { Name: "crowd" } => Crowd(candidate),
                { Name: "resident" } => Resident(candidate),
                _ => Life(candidate, Command(load, candidate)!),
            };
        }
        catch (Exception e) when (e is ProgramFailed or FormatException or SyscallException)
        {
            return Outcome.Failed(e.Message);
        }
    }

    /// <summary>Whether the candidate has such a thing at all; one that can't even say so is run, and fails with its reason.</summary>
    internal static bool Applies(Load load, Candidate candidate)
    {
        try
        {
            return load switch
            {
                SysbenchLoad => candidate.IsEntered,
                { Name: "resident" } => candidate.FirstProcess() is not null,
                _ => Command(load, candidate) is not null,
            };
        }
        catch (ProgramFailed)
        {
            return true;
        }
    }

    /// <summary>What is timed at a load of a container's life; null where the candidate has no such thing.</summary>
    private static string[]? Command(Load load, Candidate candidate) => load.Name switch
    {
        "start" => candidate.Start(0, network: false),
        "network" => candidate.Start(0, network: true),
        "exec" => candidate.IsEntered ? candidate.Inside("true") : null,
        "crowd" => candidate.Start(1, network: false),
        "oci" => candidate.CreateStartDelete(),
        "list-none" => candidate.List(many: false, all: false),
        "list" => candidate.List(many: true, all: false),
        "list-all" => candidate.List(many: true, all: true),
        _ => throw new InvalidOperationException($"load {load.Name} has no command"),
    };

    /// <summary>sysbench's own files, made or removed: <c>prepare</c> or <c>cleanup</c>.</summary>
    internal void TestFiles(Candidate candidate, SysbenchLoad load, Dose dose, string step)
    {
        string[] words = [.. load.Words(dose), step];
        var limit = work.Limit + TimeSpan.FromSeconds(dose.Mebibytes / 10);
        ProgramRun run = Program(candidate, candidate.Inside(["sysbench", .. words])).Run(limit, cancelled);
        if (!run.Succeeded)
        {
            throw new ProgramFailed(Complaint(["sysbench", .. words], run, limit));
        }
    }

    public void Dispose()
    {
        foreach (ChildProgram program in _programs.Values)
        {
            program.Dispose();
        }
    }

    private Outcome Sysbench(SysbenchLoad load, Dose dose, Candidate candidate)
    {
        string[] words = ["sysbench", .. load.Words(dose), "--histogram", "run"];
        TimeSpan limit = TimeSpan.FromSeconds(dose.Seconds * 3) + work.Limit;
        ChildProgram program = Program(candidate, candidate.Inside(words));
        if (load.UsesFiles)
        {
            // Nobody pays for what another has left to be written.
            work.Do("sync");
        }

        DiskCounters? before = DiskCounters.Read(_disk);
        ProgramRun run = program.Run(limit, cancelled);
        if (!run.Succeeded)
        {
            return Outcome.Failed(Complaint(words, run, limit), run.TimedOut);
        }

        SysbenchResult result = SysbenchOutput.Parse(Workplace.Text(Output));
        var values = new Dictionary<string, double>(result.Values);
        if (load.UsesFiles && before is { } earlier && DiskCounters.Read(_disk) is { } later)
        {
            AddDisk(values, later.Since(earlier));
        }

        return new Outcome(values, [.. result.Histogram.Select(bar => (double[])[bar.Milliseconds, bar.Count])]);
    }

    /// <summary>Other work of the machine's is counted, too: small beside a load that does nothing else.</summary>
    private static void AddDisk(Dictionary<string, double> values, DiskCounters counted)
    {
        double operations = values.GetValueOrDefault(Metrics.FileOperations.Key) * values["total_time"];
        if (operations > 0)
        {
            values["disk_reads_per_operation"] = counted.Reads / operations;
            values["disk_writes_per_operation"] = counted.Writes / operations;
            values["disk_flushes_per_operation"] = counted.Flushes / operations;
            values["disk_kib_per_operation"] = counted.WrittenKibibytes / operations;
        }
    }

    private Outcome Life(Candidate candidate, string[] command)
    {
        ProgramRun run = Program(candidate, command).Run(work.Limit, cancelled);
        return run.Succeeded
            ? new Outcome(new Dictionary<string, double> { [Metrics.Milliseconds.Key] = run.Wall.TotalMilliseconds, ["cpu_milliseconds"] = run.Cpu.TotalMilliseconds })
            : Outcome.Failed(Complaint(command, run, work.Limit), run.TimedOut);
    }

    private Outcome Crowd(Candidate candidate)
    {
        ChildProgram[] programs = [.. Enumerable.Range(0, LoadTable.Crowd).Select(number => Program(candidate, candidate.Start(number, network: false)!))];
        (TimeSpan wall, (ChildProgram Program, ProgramRun Run)? failed) = ChildProgram.RunTogether(programs, work.Limit, cancelled);
        return failed is { } first
            ? Outcome.Failed(Complaint(first.Program.Words, first.Run, work.Limit), first.Run.TimedOut)
            : new Outcome(new Dictionary<string, double> { [Metrics.Milliseconds.Key] = wall.TotalMilliseconds });
    }

    private static Outcome Resident(Candidate candidate)
    {
        double median = candidate.WithIdle(LoadTable.Idle, processes => processes.Select(HelperKibibytes).Median());
        return new Outcome(new Dictionary<string, double> { [Metrics.HelperMemory.Key] = median });
    }

    /// <summary>The proportional set size (proc_pid_smaps(5)) of the process that watches a container: its first process's parent, unless that is everybody's.</summary>
    private static double HelperKibibytes(int first)
    {
        string? parent = Line($"/proc/{first}/status", "PPid:");
        string? size = parent is null or "0" or "1" || parent == Processes.Self.ToString() ? null : Line($"/proc/{parent}/smaps_rollup", "Pss:");
        return size is null ? 0 : double.Parse(size.Split(' ')[0]);
    }

    private static string? Line(string file, string name)
        => (Files.TryReadText(file, out _) ?? "").Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim();

    private string Complaint(IReadOnlyList<string> words, ProgramRun run, TimeSpan limit) => Workplace.Complaint(words, run, Workplace.Text(Output) + "\n" + Workplace.Text(Errors), limit);

    /// <summary>Made once: what is timed is the program alone.</summary>
    private ChildProgram Program(Candidate candidate, string[] words)
    {
        (string, string) key = (candidate.Name, string.Join('\0', words));
        if (!_programs.TryGetValue(key, out ChildProgram? program))
        {
            _programs[key] = program = new ChildProgram(words, Workplace.Environment, Output, candidate.WorkingDirectory ?? work.Directory, Errors);
        }

        return program;
    }
}
