using Timur.Runtime.Criu;

namespace Timur.Runtime.Containers;

/// <summary>What the caller of <c>checkpoint</c> or <c>restore</c> says; what only one of them has is as if not said in the other.</summary>
public sealed record CheckpointOptions
{
    /// <summary>criu's program: a path, or a name to look for in PATH.</summary>
    public string Program { get; init; } = "criu";

    /// <summary>Where the images are, absolute.</summary>
    public required string ImagePath { get; init; }

    /// <summary>Where criu's log goes, absolute; null is with the images.</summary>
    public string? WorkPath { get; init; }

    /// <summary>Images of an earlier pre-dump, relative to <see cref="ImagePath"/>.</summary>
    public string? ParentPath { get; init; }

    public bool LeaveRunning { get; init; }

    public bool TcpEstablished { get; init; }

    public bool TcpSkipInFlight { get; init; }

    public bool ExternalUnixSockets { get; init; }

    public bool ShellJob { get; init; }

    public bool FileLocks { get; init; }

    public bool LinkRemap { get; init; }

    public bool AutoDedup { get; init; }

    public bool LazyPages { get; init; }

    /// <summary>A descriptor that gets a NUL byte when pages can be fetched.</summary>
    public int? StatusDescriptor { get; init; }

    /// <summary>Memory only, the container goes on.</summary>
    public bool PreDump { get; init; }

    public (string Address, int Port)? PageServer { get; init; }

    public CriuCgroups Cgroups { get; init; } = CriuCgroups.Soft;

    /// <summary>The network namespace's content is left out: somebody else sets it up.</summary>
    public bool EmptyNetwork { get; init; }

    public string? LsmProfile { get; init; }

    public string? LsmMountContext { get; init; }
}
