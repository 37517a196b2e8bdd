namespace Timur.Oci;

/// <summary>The runtime configuration, <c>config.json</c> (OCI runtime-spec 1.2, config.md and config-linux.md). Types only.</summary>
public sealed record Spec
{
    public string OciVersion { get; init; } = "1.3.0";

    public ProcessSpec? Process { get; init; }

    public RootSpec? Root { get; init; }

    public string? Hostname { get; init; }

    public string? Domainname { get; init; }

    public IReadOnlyList<MountSpec> Mounts { get; init; } = [];

    public HooksSpec Hooks { get; init; } = new();

    public LinuxSpec Linux { get; init; } = new();

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}

/// <summary>config.md, Root.</summary>
public sealed record RootSpec(string Path, bool Readonly = false);

/// <summary>config.md, Process.</summary>
public sealed record ProcessSpec
{
    public bool Terminal { get; init; }

    public ushort ConsoleHeight { get; init; }

    public ushort ConsoleWidth { get; init; }

    public uint UserId { get; init; }

    public uint GroupId { get; init; }

    /// <summary>Octal permission bits, or null for 022.</summary>
    public uint? Umask { get; init; }

    public IReadOnlyList<uint> AdditionalGroups { get; init; } = [];

    /// <summary>It keeps the supplementary groups of whoever called the runtime, whatever is listed.</summary>
    public bool KeepsGroups { get; init; }

    public IReadOnlyList<string> Args { get; init; } = [];

    public IReadOnlyList<string> Env { get; init; } = [];

    public string Cwd { get; init; } = "/";

    /// <summary>Null: the runtime's own capabilities stay as they are.</summary>
    public CapabilitiesSpec? Capabilities { get; init; }

    public IReadOnlyList<RlimitSpec> Rlimits { get; init; } = [];

    public bool NoNewPrivileges { get; init; }

    public string? ApparmorProfile { get; init; }

    public string? SelinuxLabel { get; init; }

    public int? OomScoreAdj { get; init; }

    /// <summary>ioprio_set(2): class 0 to 3 and level 0 to 7.</summary>
    public (int Class, int Level)? IoPriority { get; init; }

    public SchedulerSpec? Scheduler { get; init; }

    /// <summary>CPU list for exec's start and end (process.execCPUAffinity).</summary>
    public (string? Initial, string? Final)? ExecCpuAffinity { get; init; }
}

/// <summary>Five sets of capability names, such as <c>CAP_CHOWN</c>.</summary>
public sealed record CapabilitiesSpec
{
    public IReadOnlyList<string> Bounding { get; init; } = [];

    public IReadOnlyList<string> Effective { get; init; } = [];

    public IReadOnlyList<string> Inheritable { get; init; } = [];

    public IReadOnlyList<string> Permitted { get; init; } = [];

    public IReadOnlyList<string> Ambient { get; init; } = [];
}

/// <summary>A limit by its name, such as <c>RLIMIT_NOFILE</c> (getrlimit(2)).</summary>
public sealed record RlimitSpec(string Type, ulong Soft, ulong Hard);

/// <summary>sched_setattr(2), by the names of config.md.</summary>
public sealed record SchedulerSpec(string Policy, int Nice, int Priority, IReadOnlyList<string> Flags, ulong Runtime, ulong Deadline, ulong Period);

/// <summary>config.md, Mounts.</summary>
public sealed record MountSpec
{
    public string Destination { get; init; } = "";

    public string? Type { get; init; }

    public string? Source { get; init; }

    public IReadOnlyList<string> Options { get; init; } = [];

    public IReadOnlyList<IdMapping> UidMappings { get; init; } = [];

    public IReadOnlyList<IdMapping> GidMappings { get; init; } = [];
}

/// <summary>A range of ids: container, host, length.</summary>
public sealed record IdMapping(uint ContainerId, uint HostId, uint Size)
{
    /// <summary>The host's number of an id inside; null where it isn't mapped.</summary>
    public static uint? Outside(IReadOnlyList<IdMapping> mappings, uint id)
    {
        foreach (IdMapping range in mappings)
        {
            if (id >= range.ContainerId && id - range.ContainerId < range.Size)
            {
                return range.HostId + (id - range.ContainerId);
            }
        }

        return null;
    }
}

/// <summary>A command to run at a point of the life cycle (config.md, POSIX-platform hooks).</summary>
public sealed record HookSpec(string Path, IReadOnlyList<string> Args, IReadOnlyList<string> Env, int? TimeoutSeconds);

/// <summary>All six lists of hooks.</summary>
public sealed record HooksSpec
{
    public IReadOnlyList<HookSpec> Prestart { get; init; } = [];

    public IReadOnlyList<HookSpec> CreateRuntime { get; init; } = [];

    public IReadOnlyList<HookSpec> CreateContainer { get; init; } = [];

    public IReadOnlyList<HookSpec> StartContainer { get; init; } = [];

    public IReadOnlyList<HookSpec> Poststart { get; init; } = [];

    public IReadOnlyList<HookSpec> Poststop { get; init; } = [];
}

/// <summary>config-linux.md.</summary>
public sealed record LinuxSpec
{
    public IReadOnlyList<NamespaceSpec> Namespaces { get; init; } = [];

    public IReadOnlyList<IdMapping> UidMappings { get; init; } = [];

    public IReadOnlyList<IdMapping> GidMappings { get; init; } = [];

    /// <summary>Offsets of the time namespace's clocks, seconds and nanoseconds, by clock (<c>monotonic</c>, <c>boottime</c>).</summary>
    public IReadOnlyDictionary<string, (long Seconds, uint Nanoseconds)> TimeOffsets { get; init; } = new Dictionary<string, (long, uint)>();

    public IReadOnlyList<DeviceSpec> Devices { get; init; } = [];

    public string? CgroupsPath { get; init; }

    public LinuxResources? Resources { get; init; }

    public IReadOnlyDictionary<string, string> Sysctl { get; init; } = new Dictionary<string, string>();

    public string? RootfsPropagation { get; init; }

    public LinuxSeccomp? Seccomp { get; init; }

    public IReadOnlyList<string> MaskedPaths { get; init; } = [];

    public IReadOnlyList<string> ReadonlyPaths { get; init; } = [];

    public string? MountLabel { get; init; }

    /// <summary>personality(2) domain, such as <c>LINUX</c> or <c>LINUX32</c>.</summary>
    public string? Personality { get; init; }

    public IntelRdtSpec? IntelRdt { get; init; }

    /// <summary>Interfaces of the runtime's network namespace to move inside: their names there, and inside.</summary>
    public IReadOnlyDictionary<string, string> NetDevices { get; init; } = new Dictionary<string, string>();

    public MemoryPolicySpec? MemoryPolicy { get; init; }
}

/// <summary>Cache and memory bandwidth allocation by resctrl (config-linux.md, IntelRdt).</summary>
/// <param name="ClosId">The class of service; null makes one with the container's id.</param>
/// <param name="Schemata">Lines of the schemata file, those of the two older members included.</param>
public sealed record IntelRdtSpec(string? ClosId, IReadOnlyList<string> Schemata, bool EnableMonitoring);

/// <summary>set_mempolicy(2), by the names of config-linux.md.</summary>
public sealed record MemoryPolicySpec(string Mode, string Nodes, IReadOnlyList<string> Flags);

/// <summary>A namespace by its OCI name; with a path it is joined, without it is new.</summary>
public sealed record NamespaceSpec(string Type, string? Path = null);

/// <summary>A device node to make below /dev.</summary>
/// <param name="Type"><c>c</c>, <c>b</c>, <c>u</c> or <c>p</c>.</param>
/// <param name="FileMode">Permission bits, or null for 0666.</param>
public sealed record DeviceSpec(string Path, string Type, long Major, long Minor, uint? FileMode, uint UserId, uint GroupId);
