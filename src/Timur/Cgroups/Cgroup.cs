using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>
/// A container's cgroup: one directory in each hierarchy that this machine has for the controllers we use. The path is the same everywhere.
/// </summary>
public sealed partial class Cgroup
{
    /// <summary>Controllers whose v1 directory every container has: limits, device rules, freezing, accounting.</summary>
    private static readonly string[] Used = ["memory", "cpu", "cpuacct", "pids", "devices", "freezer", "blkio"];

    /// <summary>Those that only a container with such limits has.</summary>
    private static readonly string[] Optional = ["cpuset", "hugetlb", "net_cls", "net_prio", "rdma", "perf_event"];

    private readonly CgroupLayout _layout;

    /// <summary>Directories that weren't there before.</summary>
    private readonly List<string> _made = [];

    /// <summary>At least one directory of the path was there before.</summary>
    private bool _existed;

    private Cgroup(CgroupLayout layout, string path)
    {
        _layout = layout;
        Path = path;
    }

    /// <summary>Path in each hierarchy, such as <c>/timur-ID</c>.</summary>
    public string Path { get; }

    /// <summary>systemd made it, and looks at its own hierarchy to see who is in it.</summary>
    public bool IsTracked { get; set; }

    /// <summary>No cgroup in any hierarchy: without processes, limits and counters of its own.</summary>
    public static Cgroup None { get; } = new(new CgroupLayout(), "");

    /// <summary>The cgroup of that path, whether it exists or not.</summary>
    public static Cgroup Open(CgroupLayout layout, string path) => new(layout, path);

    /// <summary>The cgroup of a path below this one, which exists already.</summary>
    public Cgroup Inner(string path) => new(_layout, $"{Path}/{path.Trim('/')}");

    /// <summary>
    /// Makes the directories and sets the limits. What this machine can't enforce is a sentence in <paramref name="warnings"/>; a limit that the
    /// kernel refuses is a <see cref="Failure"/>, with nothing left behind.
    /// </summary>
    /// <param name="sight">What the container sees of its cgroups, which it needs one for even where no limit is.</param>
    /// <param name="isForeign">Says by a <see cref="Failure"/> that a cgroup that was there before can't be shared; nothing is changed in it then.</param>
    public static Cgroup Create(
        CgroupLayout layout, string path, LinuxResources resources, List<string> warnings, LimitWords? words = null, Func<Cgroup, Failure?>? isForeign = null, CgroupSight sight = CgroupSight.None)
    {
        var cgroup = new Cgroup(layout, path);
        Failure? refusal;
        try
        {
            cgroup.MakeDirectories(resources);
            cgroup.MakeDirectoriesToSee(sight);

            refusal = cgroup._existed ? isForeign?.Invoke(cgroup) : null;
            if (refusal is null)
            {
                cgroup.Apply(resources, warnings, words);
                return cgroup;
            }
        }
        catch
        {
            cgroup.TryRemove();
            throw;
        }

        cgroup._made.ForEach(directory => Kernel.Directories.TryRemove(directory, out _));
        throw refusal;
    }

    /// <summary>Makes the directories that these limits need and that the container had no use for so far, and moves its processes there.</summary>
    public void MakeRoomFor(LinuxResources resources)
    {
        int before = Directories().Count;
        MakeDirectories(resources);
        List<CgroupDirectory> now = Directories();
        for (int i = before; i < now.Count; i++)
        {
            foreach (int pid in Pids())
            {
                // One that ended meanwhile needs no move.
                now[i].TrySet("cgroup.procs", pid.ToString(), out _);
            }
        }
    }

    /// <summary>Sets limits, on a new cgroup or on one with processes in it.</summary>
    /// <param name="words">What limits are called in messages; null: as the options of <c>timur run</c>.</param>
    public void Apply(LinuxResources resources, List<string> warnings, LimitWords? words = null)
    {
        words ??= LimitWords.Options;
        MemoryController.Apply(Directory("memory"), resources.Memory, words, warnings);
        CpuController.Apply(Directory("cpu"), resources.Cpu, words, warnings);
        CpusetController.Apply(Directory("cpuset"), resources.Cpu, words, warnings);
        PidsController.Apply(Directory("pids"), resources.PidsLimit, words, warnings);
        BlockIoController.Apply(Directory("blkio"), resources.BlockIo, words, warnings);
        DevicesController.Apply(Directory("devices"), resources.Devices, words, warnings);
        HugetlbController.Apply(Directory("hugetlb"), resources.HugepageLimits, words);
        NetworkController.Apply(Directory("net_cls"), Directory("net_prio"), resources.Network, words, _layout.Mode == "v2" ? warnings : null);
        RdmaController.Apply(Directory("rdma"), resources.Rdma, words);
        foreach ((string file, string value) in resources.Unified)
        {
            if (_layout.UnifiedMount is not { } mount)
            {
                warnings.Add($"{words.Unified} {file}={value} has no effect: this machine has no cgroup v2");
                continue;
            }

            // A file for several devices takes a line in each write (cgroup-v2.rst, nested keyed files).
            foreach (string line in value.TrimEnd('\n').Split('\n'))
            {
                new CgroupDirectory(mount + Path, 2).Set(file, line, $"{words.Unified} {file}");
            }
        }
    }

    /// <summary>
    /// cgroup v1 <c>tasks</c> files. A single-threaded process that writes "0" to each moves itself without the lock that a write to cgroup.procs takes
    /// (docs/decisions/002-cgroup-join.md).
    /// </summary>
    public IReadOnlyList<string> TaskFiles
    {
        get
        {
            var files = new List<string>();
            foreach (CgroupDirectory directory in Directories())
            {
                if (directory.Version == 1)
                {
                    files.Add(directory.Path + "/tasks");
                }
            }

            if (IsTracked && _layout.Mode != "v2")
            {
                files.AddRange(new[] { $"{_layout.SystemdMount}{Path}/cgroup.procs", $"{_layout.UnifiedMount}{Path}/cgroup.procs" }.Where(file => Files.Exists(file)));
            }

            return files;
        }
    }

    /// <summary>The v1 directories by the names under which a container sees them; empty on v2.</summary>
    public IReadOnlyList<(string Name, string HostPath)> Views
    {
        get
        {
            var views = new List<(string, string)>();
            foreach (CgroupDirectory directory in Directories())
            {
                if (directory.Version == 1)
                {
                    views.Add((System.IO.Path.GetFileName(directory.Path[..^Path.Length]), directory.Path));
                }
            }

            return views;
        }
    }

    /// <summary>The v2 directory; null where v2 has no controller of ours.</summary>
    public string? UnifiedPath => UnifiedDirectory()?.Path;

    /// <summary>A descriptor of the v2 directory for CLONE_INTO_CGROUP; null where the container has none.</summary>
    public Fd? OpenUnified() => (UnifiedDirectory() ?? BesideV1()) is { } directory ? Files.TryOpen(directory.Path, Kernel.Open.Path | Kernel.Open.Directory, out _) : null;

    /// <summary>
    /// The v2 directory below this one that one of its processes is in; null when there is none. A cgroup that passes controllers on takes no process (cgroups(7),
    /// "no internal processes"): whoever made cgroups in a container moved its processes down.
    /// </summary>
    public Fd? OpenUnifiedOf(int pid)
    {
        if (UnifiedDirectory() is not { } directory || Files.TryReadText($"/proc/{pid}/cgroup", out _) is not { } memberships)
        {
            return null;
        }

        foreach (string line in memberships.Split('\n'))
        {
            if (line.StartsWith($"0::{Path}/", StringComparison.Ordinal))
            {
                return Files.TryOpen(directory.Path + line["0::".Length..][Path.Length..], Kernel.Open.Path | Kernel.Open.Directory, out _);
            }
        }

        return null;
    }

    /// <summary>Ids of the processes in it and in the cgroups that they made below, from one hierarchy.</summary>
    public IReadOnlyList<int> Pids() => Anchor() is { } directory ? CgroupMembers.Of(directory.Path) : [];

    /// <summary>Whether it exists in the hierarchy that counts.</summary>
    public bool Exists => Anchor() is { } directory && Files.Exists(directory.Path);

    /// <summary>Kills every process in it: cgroup.kill on v2, signals to a frozen set on v1.</summary>
    public void Kill()
    {
        if (UnifiedDirectory() is { } unified && unified.TrySet("cgroup.kill", "1", out _))
        {
            return;
        }

        for (int round = 0; round < 50; round++)
        {
            IReadOnlyList<int> pids = Pids();
            if (pids.Count == 0)
            {
                return;
            }

            foreach (int pid in pids)
            {
                Processes.TryKill(pid, 9, out _);
            }

            Freezer.TryThaw(Directory("freezer"));
            Thread.Sleep(2);
        }
    }

    /// <summary>Stops every process until <see cref="Thaw"/>.</summary>
    public void Freeze() => Freezer.Freeze(Directory("freezer") ?? throw new Failure("pause: this machine has no freezer controller"));

    public void Thaw() => Freezer.TryThaw(Directory("freezer"));

    public bool IsFrozen => Freezer.IsFrozen(Directory("freezer"));

    /// <summary>A quota and its period together, when only one of them is to change: the other one is as it stands.</summary>
    public CpuResources WholeBandwidth(CpuResources cpu) => CpuController.WholeBandwidth(Directory("cpu"), cpu);

    /// <summary>Moves a process here, in every hierarchy.</summary>
    public void Join(int pid)
    {
        foreach (CgroupDirectory directory in Directories())
        {
            directory.Set("cgroup.procs", pid.ToString(), "cgroup " + Path);
        }
    }

    /// <summary>Counters of this moment.</summary>
    public CgroupStatistics Statistics() => CgroupStatistics.Read(Directory("cpu"), Directory("cpuacct"), Directory("memory"), Directory("pids"), Directory("blkio"));

    /// <summary>How many processes the kernel killed for lack of memory here.</summary>
    public long OomKills() => MemoryController.OomKills(Directory("memory"));

    /// <summary>Grows each time the kernel kills for lack of memory here, or, where it may not kill (v1), stops processes for it.</summary>
    public long MemoryShortages() => OomKills() + (Directory("memory") is { Version: 1 } v1 ? v1.GetNumber("memory.oom_control", "under_oom") ?? 0 : 0);

    /// <summary>Where a controller's files are; null when this machine doesn't have it or the container no directory there.</summary>
    public CgroupDirectory? Find(string controller) => Directory(controller) is { } directory && Files.Exists(directory.Path) ? directory : null;

    /// <summary>The same, or the nearest directory above it: where a container has none of its own it is under that one's rules.</summary>
    public CgroupDirectory? Nearest(string controller)
    {
        for (CgroupDirectory? place = Directory(controller); place is { } directory; place = new CgroupDirectory(System.IO.Path.GetDirectoryName(directory.Path)!, directory.Version))
        {
            if (Files.Exists(directory.Path))
            {
                return directory;
            }
        }

        return null;
    }

    /// <summary>Removes the directories; false when a process is still inside.</summary>
    public bool TryRemove()
    {
        bool gone = true;
        foreach (CgroupDirectory directory in Directories())
        {
            gone &= directory.TryRemove();
        }

        return gone;
    }
}
