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

    /// <summary>cgroup v2 files, written as they are.</summary>
    public IReadOnlyDictionary<string, string> Unified { get; init; } = new Dictionary<string, string>();
}

/// <summary>Bytes; -1 is unlimited. <paramref name="Swap"/> is memory and swap together.</summary>
public sealed record MemoryResources(long? Limit = null, long? Reservation = null, long? Swap = null, long? Swappiness = null, bool DisableOomKiller = false);

/// <summary>Times in microseconds.</summary>
public sealed record CpuResources(ulong? Shares = null, long? Quota = null, ulong? Period = null, string? Cpus = null, string? Mems = null);

/// <summary>Weights are 10 to 1000; rates are bytes or operations per second.</summary>
public sealed record BlockIoResources
{
    public ushort? Weight { get; init; }

    public IReadOnlyList<(long Major, long Minor, long Rate)> ReadBytes { get; init; } = [];

    public IReadOnlyList<(long Major, long Minor, long Rate)> WriteBytes { get; init; } = [];

    public IReadOnlyList<(long Major, long Minor, long Rate)> ReadOperations { get; init; } = [];

    public IReadOnlyList<(long Major, long Minor, long Rate)> WriteOperations { get; init; } = [];
}

/// <summary>A rule of the device controller; null numbers are wildcards, type <c>a</c> is every device. Later rules win.</summary>
public sealed record DeviceRule(bool Allow, string Type, long? Major, long? Minor, string Access);
