namespace Timur.Oci;

/// <summary>The member <c>linux</c> of the runtime configuration (config-linux.md).</summary>
public static partial class SpecJson
{
    private static LinuxSpec ReadLinux(JsonPart part) => new()
    {
        Namespaces = ReadNamespaces(part),
        UidMappings = part.List("uidMappings", ReadMapping),
        GidMappings = part.List("gidMappings", ReadMapping),
        TimeOffsets = part.Map("timeOffsets", offset => (offset.Number("secs") ?? 0, (uint)(offset.Find("nanosecs")?.AsRange(0, 999_999_999) ?? 0))),
        Devices = part.List("devices", ReadDevice),
        CgroupsPath = part.Text("cgroupsPath") is { Length: > 0 } path ? path : null,
        Resources = part.Find("resources") is { } resources ? ResourcesJson.Read(resources) : null,
        Sysctl = part.TextMap("sysctl"),
        RootfsPropagation = part.Text("rootfsPropagation") is { Length: > 0 } propagation ? ReadPropagation(part, propagation) : null,
        MaskedPaths = part.Texts("maskedPaths"),
        ReadonlyPaths = part.Texts("readonlyPaths"),
        MountLabel = part.Text("mountLabel") is { Length: > 0 } label ? label : null,
        Personality = part.Find("personality") is { } personality ? ReadPersonality(personality) : null,
        IntelRdt = part.Find("intelRdt") is { } rdt ? ReadIntelRdt(rdt) : null,
        NetDevices = ReadNetDevices(part),
        MemoryPolicy = part.Find("memoryPolicy") is { } policy ? ReadMemoryPolicy(policy) : null,
    };

    private static IReadOnlyList<NamespaceSpec> ReadNamespaces(JsonPart part)
    {
        var types = new HashSet<string>();
        return part.List("namespaces", ns =>
        {
            string type = ns.RequireText("type");
            if (type is not ("pid" or "network" or "mount" or "ipc" or "uts" or "user" or "cgroup" or "time"))
            {
                throw ns.Complain($"type '{type}' isn't a namespace, such as pid or network");
            }

            string? path = ns.Text("path");
            if (path is { Length: > 0 } && !path.StartsWith('/'))
            {
                throw ns.Complain($"path '{path}' isn't absolute");
            }

            return types.Add(type) ? new NamespaceSpec(type, path is { Length: > 0 } ? path : null) : throw ns.Complain($"type '{type}' is there twice");
        });
    }

    private static DeviceSpec ReadDevice(JsonPart part)
    {
        string path = part.RequireText("path");
        string type = part.RequireText("type");
        if (!path.StartsWith('/'))
        {
            throw part.Complain($"path '{path}' isn't absolute");
        }

        if (type is not ("c" or "b" or "u" or "p"))
        {
            throw part.Complain($"type '{type}' is none of c, b, u, p");
        }

        const long largestMajor = 0xfff;
        const long largestMinor = 0xfffff;
        return new DeviceSpec(
            path, type, part.Find("major")?.AsRange(0, largestMajor) ?? 0, part.Find("minor")?.AsRange(0, largestMinor) ?? 0, part.Find("fileMode")?.AsId() & 0xfff,
            part.Find("uid")?.AsOwner() ?? 0, part.Find("gid")?.AsOwner() ?? 0);
    }

    private static string ReadPropagation(JsonPart part, string propagation)
        => propagation is "shared" or "rshared" or "slave" or "rslave" or "private" or "rprivate" or "unbindable" or "runbindable"
            ? propagation : throw part.Complain($"rootfsPropagation '{propagation}' is none of shared, slave, private, unbindable");

    internal static MemoryPolicySpec ReadMemoryPolicy(JsonPart part) => new(part.Text("mode") ?? "", part.Text("nodes") ?? "", part.Texts("flags"));

    private static string ReadPersonality(JsonPart part)
    {
        string domain = part.RequireText("domain");
        return domain is "LINUX" or "LINUX32" ? domain : throw part.Complain($"domain '{domain}' is neither LINUX nor LINUX32");
    }

    private static IntelRdtSpec ReadIntelRdt(JsonPart part)
    {
        var schemata = new List<string>();
        foreach (string name in (ReadOnlySpan<string>)["l3CacheSchema", "memBwSchema"])
        {
            if (part.Text(name) is { Length: > 0 } schema)
            {
                schemata.Add(schema);
            }
        }

        schemata.AddRange(part.Texts("schemata"));
        string? closId = part.Text("closID") is { Length: > 0 } id ? id : null;
        return closId is null || (closId is not ("." or "..") && !closId.Contains('/'))
            ? new IntelRdtSpec(closId, schemata, part.Flag("enableMonitoring")) : throw part.Complain($"closID '{closId}' isn't a name");
    }

    private static IReadOnlyDictionary<string, string> ReadNetDevices(JsonPart part)
    {
        IReadOnlyDictionary<string, string?> devices = part.Map("netDevices", device => device.Text("name"));
        var names = new Dictionary<string, string>();
        foreach ((string outside, string? inside) in devices)
        {
            names[outside] = inside is { Length: > 0 } ? inside : outside;
        }

        return names;
    }
}
