namespace Timur.Oci;

/// <summary>The runtime configuration read from JSON. Each complaint names the place in it.</summary>
public static partial class SpecJson
{
    /// <summary>config.json of a bundle. What isn't there is as the specification's default has it; unknown members are ignored (config.md, Extensibility).</summary>
    public static Spec Read(ReadOnlyMemory<byte> bytes, string document) => Read(JsonPart.ParseAnyCase(bytes, document), withSeccomp: true);

    /// <summary>As the other; the seccomp profile is the largest part, and may be known already.</summary>
    public static Spec Read(JsonPart root, bool withSeccomp)
    {
        Spec spec = ReadSpec(root);
        return withSeccomp && root.Find("linux")?.Find("seccomp") is { } seccomp ? spec with { Linux = spec.Linux with { Seccomp = SeccompJson.Read(seccomp) } } : spec;
    }

    /// <summary>Only the member <c>process</c> of a configuration, or null.</summary>
    public static ProcessSpec? ReadProcessOf(ReadOnlyMemory<byte> bytes, string document)
        => JsonPart.ParseAnyCase(bytes, document).Find("process") is { } process ? ReadProcess(process) : null;

    /// <summary>A process alone, as the file that <c>exec --process</c> names holds it.</summary>
    public static ProcessSpec ReadProcess(ReadOnlyMemory<byte> bytes, string document) => ReadProcess(JsonPart.ParseAnyCase(bytes, document));

    /// <summary>Resources alone, as the file that <c>update --resources</c> names holds them.</summary>
    public static LinuxResources ReadResources(ReadOnlyMemory<byte> bytes, string document) => ResourcesJson.Read(JsonPart.ParseAnyCase(bytes, document));

    private static Spec ReadSpec(JsonPart root) => new()
    {
        OciVersion = root.RequireText("ociVersion"),
        Process = root.Find("process") is { } process ? ReadProcess(process) : null,
        Root = root.Find("root") is { } rootfs ? new RootSpec(rootfs.RequireText("path"), rootfs.Flag("readonly")) : null,
        Hostname = root.Text("hostname") is { Length: > 0 } hostname ? hostname : null,
        Domainname = root.Text("domainname") is { Length: > 0 } domainname ? domainname : null,
        Mounts = root.List("mounts", ReadMount),
        Hooks = root.Find("hooks") is { } hooks ? ReadHooks(hooks) : new HooksSpec(),
        Linux = root.Find("linux") is { } linux ? ReadLinux(linux) : new LinuxSpec(),
        Annotations = root.TextMap("annotations"),
    };

    private static ProcessSpec ReadProcess(JsonPart part)
    {
        JsonPart? user = part.Find("user");
        JsonPart? size = part.Find("consoleSize");
        return new ProcessSpec
        {
            Terminal = part.Flag("terminal"),
            ConsoleHeight = (ushort)(size?.Find("height")?.AsRange(0, ushort.MaxValue) ?? 0),
            ConsoleWidth = (ushort)(size?.Find("width")?.AsRange(0, ushort.MaxValue) ?? 0),
            UserId = user?.Find("uid")?.AsOwner() ?? 0,
            GroupId = user?.Find("gid")?.AsOwner() ?? 0,
            Umask = user?.Find("umask")?.AsId(),
            AdditionalGroups = user?.List("additionalGids", group => group.AsOwner()) ?? [],
            Args = part.Texts("args"),
            Env = part.Texts("env"),
            Cwd = part.Text("cwd") is { } cwd ? cwd : throw part.Complain("cwd is missing"),
            Capabilities = part.Find("capabilities") is { } capabilities ? ReadCapabilities(capabilities) : null,
            Rlimits = part.List("rlimits", limit => new RlimitSpec(limit.RequireText("type"), limit.Require("soft").AsUnsigned(), limit.Require("hard").AsUnsigned())),
            NoNewPrivileges = part.Flag("noNewPrivileges"),
            ApparmorProfile = part.Text("apparmorProfile") is { Length: > 0 } profile ? profile : null,
            SelinuxLabel = part.Text("selinuxLabel") is { Length: > 0 } label ? label : null,
            OomScoreAdj = part.Find("oomScoreAdj") is { } adjustment ? (int)adjustment.AsRange(-1000, 1000) : null,
            IoPriority = part.Find("ioPriority") is { } priority ? (ReadIoClass(priority), (int)(priority.Find("priority")?.AsRange(0, 7) ?? 0)) : null,
            Scheduler = part.Find("scheduler") is { } scheduler ? ReadScheduler(scheduler) : null,
            ExecCpuAffinity = part.Find("execCPUAffinity") is { } affinity ? (affinity.Text("initial"), affinity.Text("final")) : null,
        };
    }

    private static CapabilitiesSpec ReadCapabilities(JsonPart part) => new()
    {
        Bounding = part.Texts("bounding"),
        Effective = part.Texts("effective"),
        Inheritable = part.Texts("inheritable"),
        Permitted = part.Texts("permitted"),
        Ambient = part.Texts("ambient"),
    };

    private static int ReadIoClass(JsonPart part) => part.RequireText("class") switch
    {
        "IOPRIO_CLASS_RT" => 1,
        "IOPRIO_CLASS_BE" => 2,
        "IOPRIO_CLASS_IDLE" => 3,
        { } name => throw part.Complain($"class '{name}' isn't an I/O class, such as IOPRIO_CLASS_BE"),
    };

    private static SchedulerSpec ReadScheduler(JsonPart part) => new(
        part.RequireText("policy"), (int)(part.Find("nice")?.AsRange(-20, 19) ?? 0), (int)(part.Find("priority")?.AsRange(int.MinValue, int.MaxValue) ?? 0), part.Texts("flags"),
        part.Find("runtime")?.AsUnsigned() ?? 0, part.Find("deadline")?.AsUnsigned() ?? 0, part.Find("period")?.AsUnsigned() ?? 0);

    private static MountSpec ReadMount(JsonPart part) => new()
    {
        Destination = part.RequireText("destination"),
        Type = part.Text("type") is { Length: > 0 } type ? type : null,
        Source = part.Text("source") is { Length: > 0 } source ? source : null,
        Options = part.Texts("options"),
        UidMappings = part.List("uidMappings", ReadMapping),
        GidMappings = part.List("gidMappings", ReadMapping),
    };

    private static IdMapping ReadMapping(JsonPart part) => new(part.Require("containerID").AsId(), part.Require("hostID").AsId(), part.Require("size").AsId());

    private static HooksSpec ReadHooks(JsonPart part) => new()
    {
        Prestart = part.List("prestart", ReadHook),
        CreateRuntime = part.List("createRuntime", ReadHook),
        CreateContainer = part.List("createContainer", ReadHook),
        StartContainer = part.List("startContainer", ReadHook),
        Poststart = part.List("poststart", ReadHook),
        Poststop = part.List("poststop", ReadHook),
    };

    private static HookSpec ReadHook(JsonPart part)
    {
        string path = part.RequireText("path");
        if (!path.StartsWith('/'))
        {
            throw part.Complain($"path '{path}' isn't absolute");
        }

        long? seconds = part.Number("timeout");
        return seconds is null or (> 0 and < int.MaxValue / 1000)
            ? new HookSpec(path, part.Texts("args"), part.Texts("env"), (int?)seconds)
            : throw part.Complain($"timeout {seconds} isn't a number of seconds above zero");
    }
}
