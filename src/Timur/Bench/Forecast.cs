using Timur.Bench.Figures;

namespace Timur.Bench;

/// <summary>How long it will still take: what each load's runs took so far, for those that are left.</summary>
internal sealed class Forecast(BenchOptions options, Schedule schedule)
{
    private readonly Dictionary<string, (double Seconds, int Runs)> _taken = [];

    internal void Took(Load load, double seconds)
    {
        (double sum, int runs) = _taken.GetValueOrDefault(load.Name);
        _taken[load.Name] = (sum + seconds, runs + 1);
    }

    internal TimeSpan Left(int candidates)
    {
        double seconds = 0;
        foreach (Load load in options.Loads)
        {
            (double sum, int runs) = _taken.GetValueOrDefault(load.Name);
            double each = runs == 0 ? schedule.Guess(load) : sum / runs;
            int all = options.DoseOf(load).Rounds * candidates;
            double undone = all == 0 ? 0 : Math.Max(all - runs, 0) / (double)all;
            seconds += (Math.Max(all - runs, 0) * each) + (undone * candidates * schedule.GuessFiles(load) / Math.Max(options.Loads.Count(other => other is SysbenchLoad { UsesFiles: true }), 1));
        }

        return TimeSpan.FromSeconds(seconds);
    }
}
