using Timur.Cgroups;
using Timur.CommandLine;
using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cli.Oci;

/// <summary><c>spec</c>: a configuration to start from.</summary>
internal static class SpecCommand
{
    private static readonly string[] Granted = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

    internal static Option[] Options { get; } =
    [
        Option.Value("bundle", "DIR", "where to write config.json (default: the working directory)", 'b'),
        Option.Flag("rootless", "for a container of an ordinary user"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        string path = Path.GetFullPath(arguments.Text("bundle") is { Length: > 0 } directory ? directory : ".") + "/config.json";
        using Fd file = Files.TryOpen(path, Open.Write | Open.Create | Open.Exclusive, out Errno why)
            ?? throw new Failure(why == Errno.EEXIST ? "File config.json exists. Remove it first" : $"{path}: {why.Describe()}", exitCode: 1);
        Files.Write(file, SpecJson.Write(arguments.Has("rootless") ? Rootless(Default()) : Default(), indented: true), path);
        return 0;
    }

    private static Spec Default() => new()
    {
        Process = new ProcessSpec
        {
            Terminal = true,
            Args = ["sh"],
            Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            Capabilities = new CapabilitiesSpec { Bounding = Granted, Effective = Granted, Permitted = Granted },
            Rlimits = [new RlimitSpec("RLIMIT_NOFILE", 1024, 1024)],
            NoNewPrivileges = true,
        },
        Root = new RootSpec("rootfs", Readonly: true),
        // Scripts that edit such a file know it by this name.
        Hostname = "runc",
        Mounts =
        [
            new MountSpec { Destination = "/proc", Type = "proc", Source = "proc" },
            new MountSpec { Destination = "/dev", Type = "tmpfs", Source = "tmpfs", Options = ["nosuid", "strictatime", "mode=755", "size=65536k"] },
            new MountSpec { Destination = "/dev/pts", Type = "devpts", Source = "devpts", Options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
            new MountSpec { Destination = "/dev/shm", Type = "tmpfs", Source = "shm", Options = ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
            new MountSpec { Destination = "/dev/mqueue", Type = "mqueue", Source = "mqueue", Options = ["nosuid", "noexec", "nodev"] },
            new MountSpec { Destination = "/sys", Type = "sysfs", Source = "sysfs", Options = ["nosuid", "noexec", "nodev", "ro"] },
            new MountSpec { Destination = "/sys/fs/cgroup", Type = "cgroup", Source = "cgroup", Options = ["nosuid", "noexec", "nodev", "relatime", "ro"] },
        ],
        Linux = new LinuxSpec
        {
            Resources = new LinuxResources { Devices = [new DeviceRule(false, "a", null, null, "rwm")] },
            // Where v1 is, containers of other runtimes see the paths of their cgroups, too.
            Namespaces = [new("pid"), new("network"), new("ipc"), new("uts"), new("mount"), .. (ReadOnlySpan<NamespaceSpec>)(CgroupLayout.Detect().Mode == "v2" ? [new("cgroup")] : [])],
            MaskedPaths =
            [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                "/sys/firmware", "/proc/scsi",
            ],
            ReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    };

    /// <summary>Without the host's network, root inside is the caller; the host's sysfs is bound, and nothing is limited.</summary>
    private static Spec Rootless(Spec spec) => spec with
    {
        Mounts =
        [
            .. spec.Mounts.Select(mount => mount.Type == "sysfs"
                ? new MountSpec { Destination = "/sys", Type = "none", Source = "/sys", Options = ["rbind", "nosuid", "noexec", "nodev", "ro"] }
                : mount with { Options = [.. mount.Options.Where(option => !option.StartsWith("gid=", StringComparison.Ordinal))] }),
        ],
        Linux = spec.Linux with
        {
            Resources = null,
            Namespaces = [.. spec.Linux.Namespaces.Where(ns => ns.Type != "network"), new("user")],
            UidMappings = [new IdMapping(0, Processes.EffectiveUser, 1)],
            GidMappings = [new IdMapping(0, Processes.EffectiveGroup, 1)],
        },
    };
}
