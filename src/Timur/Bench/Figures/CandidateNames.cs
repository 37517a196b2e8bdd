namespace Timur.Bench.Figures;

/// <summary>Candidates that others are compared with, as the records name them.</summary>
internal static class CandidateNames
{
    internal const string Host = "host";

    /// <summary>The host once more: what differs between these two differs by chance.</summary>
    internal const string HostAgain = "host-again";

    /// <summary>Our default container.</summary>
    internal const string Timur = "timur";

    /// <summary>Containers of ours that differ from the default one in one layer each.</summary>
    internal static IReadOnlyList<string> Layers { get; } = ["timur-bind", "timur-disk", "timur-no-seccomp", "timur-host-network", "timur-limits"];
}
