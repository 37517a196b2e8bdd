namespace Timur.Cgroups;

/// <summary>What limits are called in messages: by the options of <c>timur run</c>, or by their members of the OCI configuration's linux.resources.</summary>
public sealed record LimitWords
{
    public required string Memory { get; init; }

    public required string MemoryReservation { get; init; }

    public required string MemorySwap { get; init; }

    public required string Swappiness { get; init; }

    public required string DisableOomKiller { get; init; }

    public required string TcpMemory { get; init; }

    public required string CpuShares { get; init; }

    public required string CpuQuota { get; init; }

    public required string CpuPeriod { get; init; }

    public required string CpuBurst { get; init; }

    public required string CpuIdle { get; init; }

    public required string RealtimeRuntime { get; init; }

    public required string RealtimePeriod { get; init; }

    public required string Cpus { get; init; }

    public required string MemoryNodes { get; init; }

    public required string Tasks { get; init; }

    public required string BlockIoWeight { get; init; }

    public required string BlockIoLeafWeight { get; init; }

    public required string BlockIoDeviceWeight { get; init; }

    public required string ReadBytes { get; init; }

    public required string WriteBytes { get; init; }

    public required string ReadOperations { get; init; }

    public required string WriteOperations { get; init; }

    public required string Devices { get; init; }

    public required string Hugepages { get; init; }

    public required string PacketClass { get; init; }

    public required string PacketPriority { get; init; }

    public required string Rdma { get; init; }

    public required string Unified { get; init; }

    /// <summary>The options of <c>timur run</c>.</summary>
    public static LimitWords Options { get; } = new()
    {
        Memory = "--memory",
        MemoryReservation = "--memory-reservation",
        MemorySwap = "--memory-swap",
        Swappiness = "--memory-swappiness",
        DisableOomKiller = "--oom-kill-disable",
        TcpMemory = "the limit on TCP memory",
        CpuShares = "--cpu-shares",
        CpuQuota = "--cpus",
        CpuPeriod = "--cpu-period",
        CpuBurst = "the CPU burst",
        CpuIdle = "CPU idle",
        RealtimeRuntime = "the real-time runtime",
        RealtimePeriod = "the real-time period",
        Cpus = "--cpuset-cpus",
        MemoryNodes = "--cpuset-mems",
        Tasks = "--pids-limit",
        BlockIoWeight = "--blkio-weight",
        BlockIoLeafWeight = "the leaf weight of block I/O",
        BlockIoDeviceWeight = "the block I/O weight of a device",
        ReadBytes = "--device-read-bps",
        WriteBytes = "--device-write-bps",
        ReadOperations = "--device-read-iops",
        WriteOperations = "--device-write-iops",
        Devices = "device rules",
        Hugepages = "the limit on huge pages",
        PacketClass = "the class of network packets",
        PacketPriority = "the priority of network packets",
        Rdma = "the RDMA limit",
        Unified = "unified",
    };

    /// <summary>Members of linux.resources (config-linux.md, Control groups).</summary>
    public static LimitWords Members { get; } = new()
    {
        Memory = "memory.limit",
        MemoryReservation = "memory.reservation",
        MemorySwap = "memory.swap",
        Swappiness = "memory.swappiness",
        DisableOomKiller = "memory.disableOOMKiller",
        TcpMemory = "memory.kernelTCP",
        CpuShares = "cpu.shares",
        CpuQuota = "cpu.quota",
        CpuPeriod = "cpu.period",
        CpuBurst = "cpu.burst",
        CpuIdle = "cpu.idle",
        RealtimeRuntime = "cpu.realtimeRuntime",
        RealtimePeriod = "cpu.realtimePeriod",
        Cpus = "cpu.cpus",
        MemoryNodes = "cpu.mems",
        Tasks = "pids.limit",
        BlockIoWeight = "blockIO.weight",
        BlockIoLeafWeight = "blockIO.leafWeight",
        BlockIoDeviceWeight = "blockIO.weightDevice",
        ReadBytes = "blockIO.throttleReadBpsDevice",
        WriteBytes = "blockIO.throttleWriteBpsDevice",
        ReadOperations = "blockIO.throttleReadIOPSDevice",
        WriteOperations = "blockIO.throttleWriteIOPSDevice",
        Devices = "devices",
        Hugepages = "hugepageLimits",
        PacketClass = "network.classID",
        PacketPriority = "network.priorities",
        Rdma = "rdma",
        Unified = "unified",
    };

    /// <summary>The options of an OCI runtime's <c>update</c>.</summary>
    public static LimitWords UpdateOptions { get; } = Options with
    {
        TcpMemory = "--kernel-memory-tcp",
        CpuShares = "--cpu-share",
        CpuQuota = "--cpu-quota",
        CpuBurst = "--cpu-burst",
        CpuIdle = "--cpu-idle",
        RealtimeRuntime = "--cpu-rt-runtime",
        RealtimePeriod = "--cpu-rt-period",
    };
}
