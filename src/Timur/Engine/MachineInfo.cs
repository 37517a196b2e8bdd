using Timur.Cgroups;
using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Foreign;
using Timur.Runtime;
using Timur.State;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>What this machine offers, what it lacks, and what follows from that.</summary>
public static class MachineInfo
{
    private static readonly string[] Wanted = ["cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio", "hugetlb"];

    public static TemplateObject Describe(DataPaths paths, string version)
    {
        CgroupLayout layout = CgroupLayout.Detect();
        List<Container> containers = new ContainerStore(paths).List();
        var controllers = new TemplateObject();
        foreach (string name in Wanted)
        {
            controllers.Add(name, layout.Find(name) is { } hierarchy ? $"v{hierarchy.Version}" : "missing");
        }

        return new TemplateObject()
            .Add("Version", version)
            .Add("Binary", Environment.ProcessPath ?? "")
            .Add("Root", paths.Root)
            .Add("Run", paths.Run)
            .Add("Containers", containers.Count)
            .Add("ContainersRunning", containers.Count(container => container.State.Status == ContainerStatus.Running))
            .Add("ContainersPaused", containers.Count(container => container.State.Status == ContainerStatus.Paused))
            .Add("Images", ImageStore.Open(paths).List().Count)
            .Add("KernelVersion", Files.TryReadText("/proc/sys/kernel/osrelease", out _) ?? "")
            .Add("OperatingSystem", OperatingSystemName())
            .Add("Architecture", System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant())
            .Add("NCPU", Environment.ProcessorCount)
            .Add("MemTotal", MachineMemory.Total)
            .Add("CgroupMode", layout.Mode)
            .Add("CgroupControllers", controllers)
            .Add("StorageDrivers", new TemplateObject()
                .Add("overlay", HasFileSystem("overlay") ? "yes" : "missing: only --rootfs works")
                .Add("disk", Files.Exists("/dev/loop-control") ? "yes (loop, ext4)" : "no loop devices: --disk fails")
                .Add("DataFileSystem", FileSystemOf(paths.Root)))
            .Add("NetworkDrivers", new TemplateObject().Add("bridge", "timur0, nftables").Add("others", "none host container:NAME"))
            .Add("Security", new TemplateObject()
                .Add("Seccomp", Files.Exists("/proc/sys/kernel/seccomp/actions_avail"))
                .Add("AppArmor", Files.Exists("/sys/module/apparmor/parameters/enabled"))
                .Add("MissingCapabilities", Capabilities.FromBits(Capabilities.Every & ~Capabilities.OwnBoundingSet()).Cast<object?>().ToList()))
            .Add("Lacks", Lacks(layout).Cast<object?>().ToList());
    }

    /// <summary>Sentences: what is missing, and what follows.</summary>
    private static List<string> Lacks(CgroupLayout layout)
    {
        var lacks = new List<string>();
        if (Processes.EffectiveUser != 0)
        {
            lacks.Add("not root: containers can't be started");
        }

        foreach (string name in Wanted)
        {
            if (layout.Find(name) is null)
            {
                lacks.Add($"no {name} controller: {(name == "hugetlb" ? "limits on huge pages" : $"limits that need {name}")} have no effect");
            }
        }

        ulong missing = Capabilities.Every & ~Capabilities.OwnBoundingSet();
        foreach (string name in Capabilities.FromBits(missing))
        {
            lacks.Add(name == "CAP_SYS_RESOURCE"
                ? "no CAP_SYS_RESOURCE: --ulimit can't raise hard limits, --oom-score-adj can't be negative"
                : $"no {name}: containers can't have it either");
        }

        if (layout.Mode is "v1" or "hybrid")
        {
            lacks.Add("cgroup v1 controllers: no pressure (PSI) per container in timur stats");
        }

        if (!Files.Exists("/sys/module/apparmor/parameters/enabled"))
        {
            lacks.Add("no AppArmor: containers are confined by namespaces, capabilities and seccomp only");
        }

        if (!FastInflate.IsAvailable)
        {
            lacks.Add("no libisal.so.2 (Debian's libisal2): unpacking gzip takes twice the time");
        }

        return lacks;
    }

    private static bool HasFileSystem(string name) => (Files.TryReadText("/proc/filesystems", out _) ?? "").Split('\n').Any(line => line.EndsWith("\t" + name, StringComparison.Ordinal));

    /// <summary>As os-release(5) has it, such as <c>Debian GNU/Linux 12 (bookworm)</c>.</summary>
    public static string OperatingSystemName()
    {
        foreach (string line in (Files.TryReadText("/etc/os-release", out _) ?? "").Split('\n'))
        {
            if (line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal))
            {
                return line[12..].Trim('"');
            }
        }

        return "Linux";
    }

    private static string FileSystemOf(string path) => Mounts.Holding(path) is { } mount ? $"{mount.Type} on {mount.Target}" : "?";
}
