using Timur.Bench.Candidates;
using Timur.Engine;
using Timur.State;

namespace Timur.Bench;

/// <summary>Finds what benchmarks left whose keeper was killed with them.</summary>
internal static class BenchCheck
{
    internal static IReadOnlyList<Finding> Run(DataPaths paths)
        => [.. Workplace.Abandoned(paths).Select(directory => new Finding($"{directory} is what a killed benchmark left", () => Workplace.Remove(directory)))];
}
