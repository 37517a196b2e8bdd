using System.Text.Json;
using Timur.Bench.Candidates;
using Timur.Bench.Figures;
using Timur.Kernel;

namespace Timur.Bench;

/// <summary>One benchmark from its workplace to its raw records.</summary>
internal sealed class BenchRun : IDisposable
{
    /// <summary>After so many failures in a row a candidate is left out of a load.</summary>
    private const int Patience = 3;

    private readonly BenchOptions _options;
    private readonly Display _display;
    private readonly CancellationToken _cancelled;
    private readonly Workplace _work;
    private readonly Schedule _schedule;
    private readonly Forecast _forecast;
    private readonly Trial _trial;
    private readonly List<Candidate> _ready = [];
    private readonly List<CandidateRecord> _candidates = [];
    private readonly Dictionary<(string Load, string Candidate), int> _failures = [];
    private readonly DateTimeOffset _started = DateTimeOffset.Now;
    private readonly long _clock = System.Diagnostics.Stopwatch.GetTimestamp();
    private readonly StreamWriter _raw;

    private RunDescription _description = null!;

    internal BenchRun(Workplace work, BenchOptions options, Display display, CancellationToken cancelled)
    {
        (_work, _options, _display, _cancelled) = (work, options, display, cancelled);
        (_schedule, _trial) = (new Schedule(options), new Trial(work, cancelled));
        _forecast = new Forecast(options, _schedule);
        _raw = new StreamWriter($"{options.Output}/raw.jsonl", append: false) { AutoFlush = true };
    }

    /// <summary>Brings the candidates up; those that can't run here are recorded with their own words.</summary>
    internal void Prepare()
    {
        BenchImage image = BenchImages.Find(_work, _options, _display);
        int mebibytes = _options.Loads.OfType<SysbenchLoad>().Where(load => load.UsesFiles).Select(load => _options.DoseOf(load).Mebibytes).DefaultIfEmpty(0).Max();
        RequireSpace(mebibytes);
        List<KeyValuePair<string, string>> facts = MachineFacts.Collect(_work.Directory);
        foreach (string name in _options.Candidates)
        {
            _display.Say($"preparing {name}");
            Prepare(CandidateTable.Make(name), image, new Needs(mebibytes));
        }

        string sysbench = _options.Loads.Any(load => load is SysbenchLoad) ? _work.Do([.. image.OnHost("sysbench"), "--version"]) : "";
        _description = new RunDescription(
            _options.Version, _options.Command, _options.Pace.ToString().ToLowerInvariant(), _options.Seed, _started, null, false, $"{image.Reference} ({image.Id[..12]})", sysbench,
            _candidates, [.. _options.Loads.Select(Describe)], facts);
        RunFolder.Describe(_options.Output, _description);
    }

    /// <summary>Measures until everything is done or somebody stops it; what was measured is on the disk either way.</summary>
    internal void Measure()
    {
        _display.Begin(_options.Loads.Select(load => (load.Name, _options.DoseOf(load).Rounds)), string.Join(", ", _ready.Select(candidate => candidate.Title)), _forecast.Left(_ready.Count));
        for (int window = 0; window < _schedule.Windows && !_cancelled.IsCancellationRequested; window++)
        {
            foreach (IGrouping<bool, Load> part in _options.Loads.GroupBy(load => load is SysbenchLoad { UsesFiles: true }))
            {
                MeasureWindow(window, [.. part], withFiles: part.Key);
            }
        }

        RunFolder.Describe(_options.Output, _description with { Candidates = _candidates, Ended = DateTimeOffset.Now, Interrupted = _cancelled.IsCancellationRequested });
    }

    public void Dispose()
    {
        _raw.Dispose();
        _trial.Dispose();
    }

    private void Prepare(Candidate candidate, BenchImage image, Needs needs)
    {
        try
        {
            candidate.Prepare(_work, image, needs);
            _ready.Add(candidate);
            _candidates.Add(new CandidateRecord(candidate.Name, candidate.Title, candidate.Version, candidate.Storage, null));
        }
        catch (Exception e) when (e is ProgramFailed or SyscallException && candidate.Name is not (CandidateNames.Host or CandidateNames.HostAgain))
        {
            _display.Say($"{candidate.Title} can't run here: {e.Message}");
            _candidates.Add(new CandidateRecord(candidate.Name, candidate.Title, candidate.Version, candidate.Storage, e.Message));
        }
    }

    private LoadRecord Describe(Load load)
    {
        Dose dose = _options.DoseOf(load);
        return new LoadRecord(load.Name, load.Title, dose.Rounds, load is SysbenchLoad sysbench ? "sysbench " + string.Join(' ', sysbench.Words(dose)) : null);
    }

    private void RequireSpace(int mebibytes)
    {
        long copies = _options.Candidates.Count;
        long needed = copies * mebibytes * 5 / 4;
        long free = new DriveInfo(_work.Directory).AvailableFreeSpace >> 20;
        if (mebibytes > 0 && free < needed)
        {
            throw new Failure(
                $"bench: the test files of {copies} candidates need {needed} MiB, and {_work.Paths.Root} has {free} MiB left",
                "free some space, choose another place with --root, a shorter run with --quick, or leave file loads out with --only cpu,threads,memory,life");
        }
    }

    private void MeasureWindow(int window, Load[] loads, bool withFiles)
    {
        var files = withFiles ? (SysbenchLoad)loads[0] : null;
        if (files is not null)
        {
            EachReady(candidate => _trial.TestFiles(candidate, files, _options.DoseOf(files), "prepare"), files);
        }

        foreach (Load load in loads)
        {
            WarmUp(load, window);
            foreach (int round in _schedule.RoundsOf(load, window))
            {
                if (!_cancelled.IsCancellationRequested)
                {
                    MeasureRound(load, window, round);
                }
            }
        }

        if (files is not null && !_cancelled.IsCancellationRequested)
        {
            EachReady(candidate => _trial.TestFiles(candidate, files, _options.DoseOf(files), "cleanup"), files);
        }
    }

    /// <summary>The first start of anything reads its files from the disk: it doesn't count. sysbench's runs are long enough, and their files were just made.</summary>
    private void WarmUp(Load load, int window)
    {
        foreach (Candidate candidate in window == 0 && load is LifeLoad { Name: not "resident" } ? _ready.Where(candidate => Trial.Applies(load, candidate)) : [])
        {
            _trial.Run(load, _options.DoseOf(load), candidate);
        }
    }

    private void MeasureRound(Load load, int window, int round)
    {
        Candidate[] order = _schedule.Shuffled(_ready.Where(candidate => Trial.Applies(load, candidate) && _failures.GetValueOrDefault((load.Name, candidate.Name)) < Patience));
        for (int place = 0; place < order.Length && !_cancelled.IsCancellationRequested; place++)
        {
            Candidate candidate = order[place];
            double at = System.Diagnostics.Stopwatch.GetElapsedTime(_clock).TotalSeconds;
            Outcome outcome = _trial.Run(load, _options.DoseOf(load), candidate);
            if (_cancelled.IsCancellationRequested)
            {
                return;
            }

            var record = new RunRecord(load.Name, candidate.Name, window, round, place, Math.Round(at, 3), outcome.Values, outcome.Histogram, outcome.Failure);
            _raw.WriteLine(JsonSerializer.Serialize(record, RecordJson.Default.RunRecord));
            _forecast.Took(load, System.Diagnostics.Stopwatch.GetElapsedTime(_clock).TotalSeconds - at);
            Judge(load, candidate, outcome);
        }

        _display.Advance(load.Name, round + 1, _forecast.Left(_ready.Count));
    }

    /// <summary>A failed run is shown and counted; a candidate that hangs is ended, as whatever it left running would disturb the others.</summary>
    private void Judge(Load load, Candidate candidate, Outcome outcome)
    {
        if (outcome.Failure is null)
        {
            _failures.Remove((load.Name, candidate.Name));
            return;
        }

        int count = _failures[(load.Name, candidate.Name)] = _failures.GetValueOrDefault((load.Name, candidate.Name)) + 1;
        _display.Say($"{candidate.Title}, {load.Name}: {outcome.Failure}");
        if (outcome.TimedOut)
        {
            Expel(candidate, outcome.Failure);
        }
        else if (count == Patience)
        {
            _display.Say($"{candidate.Title} is left out of {load.Name} from here on: it failed {Patience} times in a row");
        }
    }

    /// <summary>In random order: who makes its files first gets another place on the disk than who makes them last.</summary>
    private void EachReady(Action<Candidate> action, SysbenchLoad load)
    {
        foreach (Candidate candidate in _schedule.Shuffled(_ready))
        {
            if (_cancelled.IsCancellationRequested)
            {
                return;
            }

            try
            {
                action(candidate);
            }
            catch (ProgramFailed e) when (candidate.Name != CandidateNames.Host)
            {
                _display.Say($"{candidate.Title}: {e.Message}");
                Expel(candidate, $"{load.Name}: {e.Message}");
            }
            catch (ProgramFailed e)
            {
                throw new Failure($"bench: the test files can't be made on this machine: {e.Message}", "look at the space and rights of the store (--root)", cause: e);
            }
        }
    }

    private void Expel(Candidate candidate, string why)
    {
        if (_cancelled.IsCancellationRequested)
        {
            return;
        }

        _ready.Remove(candidate);
        int place = _candidates.FindIndex(record => record.Name == candidate.Name);
        _candidates[place] = _candidates[place] with { Failure = why };
        try
        {
            if (candidate.FirstProcess() is { } pid)
            {
                Processes.TryKill(pid, Signals.Kill, out _);
            }
        }
        catch (ProgramFailed e)
        {
            _display.Say($"{candidate.Title} may still be at work: {e.Message}");
        }
    }
}
