using Timur.Bench.Figures;

namespace Timur.Bench;

/// <summary>
/// The order of everything: windows that each hold a share of every load's rounds, so that a disturbance of some minutes can't spoil one load alone, and
/// within each round every candidate once, in a new random order.
/// </summary>
internal sealed class Schedule(BenchOptions options)
{
    private readonly Random _random = new(options.Seed);

    internal int Windows { get; } = options.Pace switch
    {
        Pace.Quick => 7,
        Pace.Standard => 5,
        _ => 10,
    };

    /// <summary>The rounds of a load that belong to a window.</summary>
    internal IEnumerable<int> RoundsOf(Load load, int window)
    {
        int rounds = options.DoseOf(load).Rounds;
        int first = rounds * window / Windows;
        return Enumerable.Range(first, (rounds * (window + 1) / Windows) - first);
    }

    internal T[] Shuffled<T>(IEnumerable<T> candidates)
    {
        T[] order = [.. candidates];
        _random.Shuffle(order);
        return order;
    }

    /// <summary>A guess at what one run takes in seconds, until it has been measured.</summary>
    internal double Guess(Load load) => load is LifeLoad ? 0.05 : Math.Max(options.DoseOf(load).Seconds, 0.5) + 0.15;

    /// <summary>A guess at what making and removing the test files takes in seconds, for one candidate in all windows.</summary>
    internal double GuessFiles(Load load) => load is SysbenchLoad { UsesFiles: true } ? Windows * options.DoseOf(load).Mebibytes / 300.0 : 0;
}
