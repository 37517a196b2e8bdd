namespace Timur.Runtime.Containers;

/// <summary>What the caller of <c>create</c> or <c>run</c> says beside the bundle.</summary>
public sealed record CreateOptions
{
    public required string Id { get; init; }

    /// <summary>A Unix socket that gets the terminal's master, or null.</summary>
    public string? ConsoleSocket { get; init; }

    /// <summary>A file that gets the first process's id, or null.</summary>
    public string? PidFile { get; init; }

    /// <summary>A Unix socket that gets a descriptor of the first process, or null.</summary>
    public string? PidFdSocket { get; init; }

    /// <summary>Descriptors from 3 on that the payload gets.</summary>
    public int PreservedDescriptors { get; init; }

    /// <summary>How many of those are sockets that it is told of (<see cref="PassedSockets"/>).</summary>
    public int Sockets { get; init; }

    /// <summary>Chroot instead of pivot_root, for roots on an initial ramdisk.</summary>
    public bool NoPivot { get; init; }

    public CgroupManager CgroupManager { get; init; }

    public bool NoNewKeyring { get; init; }

    /// <summary>The payload doesn't wait for a start.</summary>
    public bool Immediately { get; init; }
}
