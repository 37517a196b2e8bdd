using Timur.Images;
using Timur.Kernel;
using Timur.Oci;
using Timur.Runtime;
using Timur.Runtime.Seccomp;
using Timur.State;

namespace Timur.Engine;

/// <summary>What the specification needs to know of other containers and of the host.</summary>
internal sealed record SpecSurroundings(ContainerId Id, string ContainerDirectory, string Root, IReadOnlyList<string> TreesTopFirst, DataPaths Paths, Func<string, int> PidOf);

/// <summary>Turns options and an image into an OCI specification: an ordinary one, which any OCI runtime could run.</summary>
internal sealed class SpecBuilder(RunOptions options, Image? image, SpecSurroundings around)
{
    private readonly IdMaps? _maps = IdMaps.Of(options, around.Id);

    private static readonly string[] HiddenPaths =
    [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
        "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
    ];

    private static readonly string[] ReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <summary>The arguments of the first process; a missing command is a <see cref="Failure"/>.</summary>
    internal static IReadOnlyList<string> Command(RunOptions options, Image? image)
    {
        IReadOnlyList<string> entrypoint = options.Text("entrypoint") is { } own ? (own.Length == 0 ? [] : [own]) : image?.Config.Entrypoint ?? [];
        IReadOnlyList<string> command = options.Command.Count > 0 ? options.Command
            : options.Text("entrypoint") is null ? image?.Config.Cmd ?? [] : [];
        string[] all = [.. entrypoint, .. command];
        return all.Length > 0 ? all : throw new Failure("there is no command to run: the image names none", "give one after the image, such as: timur run IMAGE sh");
    }

    /// <summary>Directories of volumes that the specification names: the caller makes them.</summary>
    internal IReadOnlySet<string> Volumes { get; private set; } = new HashSet<string>();

    /// <summary>Mounts that the options and the image ask for.</summary>
    internal IReadOnlyList<WantedMount> WantedMounts { get; private set; } = [];

    internal Spec Build()
    {
        ulong own = Capabilities.OwnBoundingSet();
        PayloadUser user = new UserLookup(around.TreesTopFirst).Find(options.Text("user") ?? image?.Config.User ?? "");
        ulong granted = GrantedCapabilities() & own;
        (IReadOnlyList<DeviceSpec> nodes, IReadOnlyList<DeviceRule> rules) = DevicePlan.From(options);
        bool ownNetwork = !IsForeign(options.Text("network"));
        var mounts = new MountPlan(options, around.Paths, around.ContainerDirectory);
        IReadOnlyList<MountSpec> list = mounts.Build(image, ownNetwork);
        (Volumes, WantedMounts) = (mounts.Volumes, mounts.Wanted);
        return new Spec
        {
            Process = Process(user, granted),
            Root = new RootSpec(around.Root, options.Has("read-only")),
            Hostname = options.Text("uts") is null ? Hostname : null,
            Domainname = options.Text("domainname"),
            Mounts = list,
            Linux = new LinuxSpec
            {
                Namespaces = Namespaces(),
                Devices = nodes,
                CgroupsPath = ContainerCgroup.Path(around.Paths, options, around.Id),
                Resources = ResourcePlan.From(options, rules),
                Sysctl = Sysctl(),
                TimeOffsets = TimeOffsets(),
                UidMappings = _maps?.UserMappings ?? [],
                GidMappings = _maps?.GroupMappings ?? [],
                MaskedPaths = Masked(),
                ReadonlyPaths = IsUnmasked ? [] : ReadonlyPaths,
                Seccomp = Seccomp(granted),
                RootfsPropagation = Propagation(),
            },
        };
    }

    /// <summary>Host name inside: as asked, or the id's first twelve digits.</summary>
    internal string Hostname => HostnameOf(options, around.Id);

    internal static string HostnameOf(RunOptions options, ContainerId id)
        => options.Text("hostname") ?? (options.Text("network") == "host" ? Environment.MachineName : id.Short);

    private static bool IsForeign(string? mode) => mode == "host" || mode?.StartsWith("container:", StringComparison.Ordinal) == true;

    private bool IsUnmasked => options.Privileged || options.Texts("security-opt").Contains("unmask=ALL") || options.Texts("security-opt").Contains("systempaths=unconfined");

    private bool NoNewPrivileges
    {
        get
        {
            bool value = !options.Privileged;
            foreach (string option in options.Texts("security-opt"))
            {
                value = option switch
                {
                    "no-new-privileges" or "no-new-privileges=true" or "no-new-privileges:true" => true,
                    "no-new-privileges=false" or "no-new-privileges:false" => false,
                    _ => value,
                };
            }

            return value;
        }
    }

    private ProcessSpec Process(PayloadUser user, ulong granted)
    {
        IReadOnlyList<string> names = Capabilities.FromBits(granted);
        return new ProcessSpec
        {
            Terminal = options.Tty,
            UserId = user.UserId,
            GroupId = user.GroupId,
            AdditionalGroups = user.Groups,
            Args = Command(options, image),
            Env = EnvironmentOf(user),
            Cwd = options.Text("workdir") ?? (image?.Config.WorkingDir is { Length: > 0 } directory ? directory : "/"),
            Capabilities = new CapabilitiesSpec
            {
                Bounding = names,

                // Only root keeps them over execve; other users have the bounding set to gain from.
                Effective = user.UserId == 0 ? names : [],
                Permitted = user.UserId == 0 ? names : [],
            },
            Rlimits = Rlimit(),
            NoNewPrivileges = NoNewPrivileges,
            OomScoreAdj = (int?)options.Number("oom-score-adj"),
        };
    }

    /// <summary>A further process: the container's own settings unless <c>exec</c> says otherwise.</summary>
    internal ProcessSpec ExecProcess(Timur.CommandLine.Arguments arguments, IReadOnlyList<string> command, bool tty, out LinuxSeccomp? profile)
    {
        bool privileged = arguments.Has("privileged");
        ulong granted = (privileged ? Capabilities.Every : GrantedCapabilities()) & Capabilities.OwnBoundingSet();
        PayloadUser user = new UserLookup(around.TreesTopFirst).Find(arguments.Text("user") ?? options.Text("user") ?? image?.Config.User ?? "");
        ProcessSpec own = Process(user, granted);
        profile = privileged ? null : Seccomp(granted);
        var environment = new List<string>(own.Env);
        foreach (string variable in arguments.Texts("env"))
        {
            string resolved = variable.Contains('=') ? variable : $"{variable}={Environment.GetEnvironmentVariable(variable)}";
            environment.RemoveAll(other => other.StartsWith(resolved[..(resolved.IndexOf('=') + 1)], StringComparison.Ordinal));
            environment.Add(resolved);
        }

        if (tty && !environment.Exists(variable => variable.StartsWith("TERM=", StringComparison.Ordinal)))
        {
            environment.Add("TERM=xterm");
        }

        return own with { Args = command, Env = environment, Terminal = tty, Cwd = arguments.Text("workdir") ?? own.Cwd, OomScoreAdj = null };
    }

    private List<string> EnvironmentOf(PayloadUser user)
    {
        List<string> variables = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", $"HOSTNAME={Hostname}"];
        if (options.Tty)
        {
            variables.Add("TERM=xterm");
        }

        variables.Add($"HOME={user.Home}");
        return Overlay(variables, OwnVariables(options, image));
    }

    /// <summary>Variables that the image and the options name, without those that every container has.</summary>
    internal static List<string> OwnVariables(RunOptions options, Image? image) => Overlay([], [.. image?.Config.Env ?? [], .. options.Texts("env")]);

    /// <summary>A later variable takes the place of an earlier one of the same name.</summary>
    private static List<string> Overlay(List<string> variables, IReadOnlyList<string> later)
    {
        foreach (string variable in later)
        {
            string name = variable[..(variable.IndexOf('=') + 1)];
            variables.RemoveAll(other => other.StartsWith(name, StringComparison.Ordinal));
            variables.Add(variable);
        }

        return variables;
    }

    private ulong GrantedCapabilities()
        => Capabilities.Choose(options.Privileged ? Capabilities.Every : Capabilities.Bits(Capabilities.Default), options.Texts("cap-add"), options.Texts("cap-drop"));

    private List<RlimitSpec> Rlimit()
    {
        var limits = new List<RlimitSpec>();
        foreach (string text in options.Texts("ulimit"))
        {
            int equals = text.IndexOf('=');
            string name = equals < 0 ? text : text[..equals];
            string[] values = equals < 0 ? [] : text[(equals + 1)..].Split(':');
            ulong Value(string word) => word is "-1" or "unlimited" ? ulong.MaxValue
                : ulong.TryParse(word, out ulong number) ? number : throw new Failure($"--ulimit {text}: '{word}' isn't a number", "for example nofile=1024:4096");
            Rlimits.Number(name);
            if (values.Length is 0 or > 2)
            {
                throw new Failure($"--ulimit: '{text}' isn't NAME=SOFT[:HARD]", "for example nofile=1024:4096");
            }

            var limit = new RlimitSpec("RLIMIT_" + name.ToUpperInvariant(), Value(values[0]), Value(values[^1]));
            limits.Add(limit.Soft <= limit.Hard ? limit : throw new Failure($"--ulimit {text}: the soft limit is above the hard one", "write NAME=SOFT:HARD"));
        }

        return limits;
    }

    private List<NamespaceSpec> Namespaces()
    {
        var namespaces = new List<NamespaceSpec> { new("mount") };
        Add("pid", options.Text("pid"), "pid");
        Add("network", options.Text("network") is "bridge" or "default" or "none" ? null : options.Text("network"), "net");
        Add("uts", options.Text("uts"), "uts");
        Add("ipc", options.Text("ipc") is "private" or "shareable" ? null : options.Text("ipc"), "ipc");
        if (options.Text("cgroupns") != "host")
        {
            namespaces.Add(new NamespaceSpec("cgroup"));
        }

        if (_maps is not null)
        {
            namespaces.Add(new NamespaceSpec("user"));
        }

        if (options.Texts("time-offset").Count > 0)
        {
            namespaces.Add(new NamespaceSpec("time"));
        }

        return namespaces;

        void Add(string type, string? mode, string file)
        {
            if (mode is null)
            {
                namespaces.Add(new NamespaceSpec(type));
            }
            else if (mode.StartsWith("container:", StringComparison.Ordinal))
            {
                namespaces.Add(new NamespaceSpec(type, $"/proc/{around.PidOf(mode["container:".Length..])}/ns/{file}"));
            }
            else if (mode != "host")
            {
                throw new Failure($"--{type}: '{mode}' isn't a mode", type == "network" ? "use bridge, none, host or container:NAME" : "use host or container:NAME");
            }
        }
    }

    private Dictionary<string, (long Seconds, uint Nanoseconds)> TimeOffsets()
    {
        var offsets = new Dictionary<string, (long, uint)>();
        foreach (string text in options.Texts("time-offset"))
        {
            string[] parts = text.Split('=');
            offsets[parts[0]] = parts is ["monotonic" or "boottime", var seconds] && long.TryParse(seconds, out long offset) ? (offset, 0u)
                : throw new Failure($"--time-offset: '{text}' isn't CLOCK=SECONDS", "the clocks are monotonic and boottime, for example --time-offset boottime=86400");
        }

        return offsets;
    }

    private Dictionary<string, string> Sysctl()
    {
        var values = new Dictionary<string, string>();
        foreach (string text in options.Texts("sysctl"))
        {
            int equals = text.IndexOf('=');
            string key = equals < 0 ? text : text[..equals];
            string? space = Sysctls.NamespaceOf(key);
            string? mode = space is null ? null : options.Text(space);
            if (equals < 0 || space is null || mode == "host")
            {
                throw new Failure(
                    $"--sysctl {text}: {(equals < 0 ? "a value is missing" : space is null ? "it would change the whole machine" : $"with --{space} host it would change this machine")}",
                    "only net.*, fs.mqueue.* and kernel.{msg*,sem,shm*} belong to a container: --sysctl net.core.somaxconn=1024");
            }

            values[key] = text[(equals + 1)..];
        }

        return values;
    }

    private string[] Masked() => IsUnmasked ? [] : image is { IsHost: true } ? [.. HiddenPaths, .. HostImage.HiddenPaths] : HiddenPaths;

    private LinuxSeccomp? Seccomp(ulong granted)
    {
        if (options.Privileged)
        {
            return null;
        }

        foreach (string option in options.Texts("security-opt"))
        {
            if (option is "seccomp=unconfined")
            {
                return null;
            }

            if (option.StartsWith("seccomp=", StringComparison.Ordinal))
            {
                string path = option["seccomp=".Length..];
                return SeccompJson.Read(Files.TryReadAll(path, out Errno why) ?? throw new Failure($"--security-opt {option}: {why.Describe()}", "give a readable seccomp profile, or leave it out for the default one"), path);
            }

            if (!option.StartsWith("no-new-privileges", StringComparison.Ordinal) && option is not ("unmask=ALL" or "systempaths=unconfined" or "apparmor=unconfined" or "label=disable"))
            {
                throw new Failure($"--security-opt: unknown option '{option}'", "known: seccomp=unconfined, seccomp=FILE, no-new-privileges[=false], unmask=ALL");
            }
        }

        return DefaultProfile.For(granted);
    }

    /// <summary>Shared volumes need a root that takes part in sharing.</summary>
    private string? Propagation()
    {
        foreach (string volume in options.Texts("volume"))
        {
            if (volume.EndsWith("shared", StringComparison.Ordinal))
            {
                return "rshared";
            }
        }

        return null;
    }
}
