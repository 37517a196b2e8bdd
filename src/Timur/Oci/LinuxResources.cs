namespace Timur.Oci;

/// <summary>config-linux.md, linux.resources. Null means: as the parent cgroup has it.</summary>
public sealed record LinuxResources
{
    public MemoryResources Memory { get; init; } = new();

    public CpuResources Cpu { get; init; } = new();

    /// <summary>Number of tasks; -1 is unlimited.</summary>
    public long? PidsLimit { get; init; }

    public BlockIoResources BlockIo { get; init; } = new();

    public IReadOnlyList<DeviceRule> Devices { get; init; } = [];

    /// <summary>Page size, such as <c>2MB</c>, and bytes.</summary>
    public IReadOnlyList<(string PageSize, long Limit)> HugepageLimits { get; init; } = [];

    public NetworkResources Network { get; init; } = new();

    /// <summary>Handles and objects by RDMA device; null is unlimited.</summary>
    public IReadOnlyDictionary<string, (long? Handles, long? Objects)> Rdma { get; init; } = new Dictionary<string, (long?, long?)>();

    /// <summary>cgroup v2 files, written as they are.</summary>
    public IReadOnlyDictionary<string, string> Unified { get; init; } = new Dictionary<string, string>();

    /// <summary>Something would be held to a limit of memory, processor time or number.</summary>
    public bool HasLimits
        => Memory != new MemoryResources() || Cpu != new CpuResources() || PidsLimit is not (null or -1) || HugepageLimits.Count + Rdma.Count + Unified.Count > 0;
}

/// <summary>Bytes; -1 is unlimited. <paramref name="Swap"/> is memory and swap together.</summary>
public sealed record MemoryResources(long? Limit = null, long? Reservation = null, long? Swap = null, long? Swappiness = null, bool DisableOomKiller = false)
{
    /// <summary>TCP buffers, v1 only.</summary>
    public long? KernelTcp { get; init; }

    /// <summary>A limit below what is in use already is refused.</summary>
    public bool CheckBeforeUpdate { get; init; }
}

/// <summary>Times in microseconds.</summary>
public sealed record CpuResources(ulong? Shares = null, long? Quota = null, ulong? Period = null, string? Cpus = null, string? Mems = null)
{
    /// <summary>What may be saved up of the quota.</summary>
    public ulong? Burst { get; init; }

    /// <summary>Real-time budget of each real-time period, v1 only.</summary>
    public long? RealtimeRuntime { get; init; }

    public ulong? RealtimePeriod { get; init; }

    /// <summary>1: only what nobody else wants (SCHED_IDLE).</summary>
    public long? Idle { get; init; }
}

/// <summary>The class that packets are marked with, and priorities by interface (v1 only).</summary>
public sealed record NetworkResources
{
    public uint? ClassId { get; init; }

    public IReadOnlyList<(string Interface, uint Priority)> Priorities { get; init; } = [];
}

/// <summary>Weights are 10 to 1000; rates are bytes or operations per second.</summary>
public sealed record BlockIoResources
{
    public ushort? Weight { get; init; }

    public ushort? LeafWeight { get; init; }

    public IReadOnlyList<(long Major, long Minor, ushort? Weight, ushort? LeafWeight)> WeightDevices { get; init; } = [];

    public IReadOnlyList<(long Major, long Minor, long Rate)> ReadBytes { get; init; } = [];

    public IReadOnlyList<(long Major, long Minor, long Rate)> WriteBytes { get; init; } = [];

    public IReadOnlyList<(long Major, long Minor, long Rate)> ReadOperations { get; init; } = [];

    public IReadOnlyList<(long Major, long Minor, long Rate)> WriteOperations { get; init; } = [];
}

/// <summary>A rule of the device controller; null numbers are wildcards, type <c>a</c> is every device. Later rules win.</summary>
public sealed record DeviceRule(bool Allow, string Type, long? Major, long? Minor, string Access);
