using System.Text.Json;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>What is kept of an OCI container beside its configuration: <c>state.json</c> in its directory.</summary>
public sealed record ContainerRecord
{
    public required string OciVersion { get; init; }

    public required string Id { get; init; }

    /// <summary>The bundle's directory, absolute.</summary>
    public required string Bundle { get; init; }

    /// <summary>The root file system on the host, absolute.</summary>
    public required string Rootfs { get; init; }

    /// <summary>The container's first process as the host sees it; 0 until it exists.</summary>
    public int Pid { get; init; }

    /// <summary>Its start time (<see cref="Processes.StartTime"/>): a later process with the same id is another one.</summary>
    public ulong PidStart { get; init; }

    /// <summary>Hooks run before its process is let go; somebody else may ask for the state meanwhile.</summary>
    public bool IsBeingMade { get; init; }

    /// <summary>RFC 3339.</summary>
    public required string Created { get; init; }

    /// <summary>In each hierarchy; empty where it has none of its own.</summary>
    public required string CgroupPath { get; init; }

    /// <summary>The unit of systemd's that its cgroup is, or null.</summary>
    public string? SystemdUnit { get; init; }

    /// <summary>The namespaces that a further process joins, but for the process namespace.</summary>
    public CloneFlags Joins { get; init; }

    /// <summary>It has a process namespace that isn't the runtime's: its processes end with its first.</summary>
    public bool OwnProcesses { get; init; }

    /// <summary>Its ids are its own: capabilities there mean nothing outside.</summary>
    public bool OwnUsers { get; init; }

    /// <summary>A further process may enter by way of its payload's image (<see cref="Disguise"/>).</summary>
    public bool Disguisable { get; init; }

    /// <summary>Flags of seccomp(2) for further processes; the filter is the file <c>filter</c>.</summary>
    public uint FilterFlags { get; init; }

    /// <summary>Where the seccomp agent listens, or null.</summary>
    public string? ListenerPath { get; init; }

    /// <summary>What the agent is told beside the container's state.</summary>
    public string ListenerMetadata { get; init; } = "";

    /// <summary>The configuration has hooks for after the creation.</summary>
    public bool HasHooks { get; init; }

    /// <summary>Its execution domain (config-linux.md, Personality), or null.</summary>
    public string? Personality { get; init; }

    /// <summary>Where the memory of its processes comes from, those of <c>exec</c> included, or null.</summary>
    public MemoryPolicySpec? MemoryPolicy { get; init; }

    /// <summary>The resctrl group that was made for it and goes with it, or null.</summary>
    public string? OwnClosId { get; init; }

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    internal byte[] ToBytes()
    {
        using var stream = new MemoryStream(1024);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", OciVersion);
            json.WriteString("id", Id);
            json.WriteString("bundle", Bundle);
            json.WriteString("rootfs", Rootfs);
            json.WriteNumber("pid", Pid);
            json.WriteNumber("pidStart", PidStart);
            if (IsBeingMade)
            {
                json.WriteBoolean("isBeingMade", true);
            }

            json.WriteString("created", Created);
            json.WriteString("cgroupPath", CgroupPath);
            SpecJson.Optional(json, "systemdUnit", SystemdUnit);
            json.WriteNumber("joins", (long)Joins);
            json.WriteBoolean("ownProcesses", OwnProcesses);
            json.WriteBoolean("ownUsers", OwnUsers);
            json.WriteBoolean("disguisable", Disguisable);
            json.WriteNumber("filterFlags", FilterFlags);
            SpecJson.Optional(json, "listenerPath", ListenerPath);
            json.WriteString("listenerMetadata", ListenerMetadata);
            json.WriteBoolean("hasHooks", HasHooks);
            SpecJson.Optional(json, "personality", Personality);
            WriteMemoryPolicy(json);
            SpecJson.Optional(json, "ownClosId", OwnClosId);
            json.WriteStartObject("annotations");
            foreach ((string key, string value) in Annotations)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private void WriteMemoryPolicy(Utf8JsonWriter json)
    {
        if (MemoryPolicy is not { } policy)
        {
            return;
        }

        json.WriteStartObject("memoryPolicy");
        json.WriteString("mode", policy.Mode);
        json.WriteString("nodes", policy.Nodes);
        json.WriteStartArray("flags");
        foreach (string flag in policy.Flags)
        {
            json.WriteStringValue(flag);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    internal static ContainerRecord FromBytes(byte[] bytes, string document)
    {
        var root = JsonPart.Parse(bytes, document);
        return new ContainerRecord
        {
            OciVersion = root.RequireText("ociVersion"),
            Id = root.RequireText("id"),
            Bundle = root.RequireText("bundle"),
            Rootfs = root.RequireText("rootfs"),
            Pid = (int)(root.Number("pid") ?? 0),
            PidStart = root.Find("pidStart")?.AsUnsigned() ?? 0,
            IsBeingMade = root.Flag("isBeingMade"),
            Created = root.RequireText("created"),
            CgroupPath = root.RequireText("cgroupPath"),
            SystemdUnit = root.Text("systemdUnit"),
            Joins = (CloneFlags)(root.Number("joins") ?? 0),
            OwnProcesses = root.Flag("ownProcesses"),
            OwnUsers = root.Flag("ownUsers"),
            Disguisable = root.Flag("disguisable"),
            FilterFlags = root.Find("filterFlags")?.AsId() ?? 0,
            ListenerPath = root.Text("listenerPath"),
            ListenerMetadata = root.Text("listenerMetadata") ?? "",
            HasHooks = root.Flag("hasHooks"),
            Personality = root.Text("personality"),
            MemoryPolicy = root.Find("memoryPolicy") is { } policy ? SpecJson.ReadMemoryPolicy(policy) : null,
            OwnClosId = root.Text("ownClosId"),
            Annotations = root.TextMap("annotations"),
        };
    }
}
