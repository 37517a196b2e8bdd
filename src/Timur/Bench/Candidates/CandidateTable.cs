using Timur.Bench.Figures;

namespace Timur.Bench.Candidates;

/// <summary>Every candidate by name.</summary>
internal static class CandidateTable
{
    private const string MostMemory = "three quarters";
    private const string Overlay = "overlay on this machine's file system";

    private static readonly (string Name, Func<Candidate> Make, bool IsLayer)[] All =
    [
        (CandidateNames.Host, () => new HostCandidate(CandidateNames.Host, "host"), false),
        (CandidateNames.HostAgain, () => new HostCandidate(CandidateNames.HostAgain, "host again"), false),
        (CandidateNames.Timur, () => Ours(CandidateNames.Timur, "timur", Overlay), false),
        ("timur-bind", () => new TimurCandidate("timur-bind", "timur -v DIR:DIR", "a directory of this machine, bind-mounted", (place, _) => ["--volume", $"{place}:/bench"]), true),
        ("timur-disk", () => Disk("timur-disk", "timur --disk", "ext4 on a disk image, loop device with direct I/O"), true),
        ("timur-relaxed", () => Disk("timur-relaxed", "timur --disk --disk-sync=relaxed", "the same without flushes to the disk", "--disk-sync", "relaxed"), false),
        ("timur-no-seccomp", () => Ours("timur-no-seccomp", "timur without seccomp", Overlay, "--security-opt", "seccomp=unconfined"), true),
        ("timur-host-network", () => Ours("timur-host-network", "timur --network host", Overlay, "--network", "host"), true),
        ("timur-limits", () => Ours("timur-limits", "timur with limits", Overlay, "--memory", MostMemory, "--pids-limit", "4096", "--cpu-shares", "1024"), true),
        ("students", () => new StudentsCandidate(), false),
        ("timur-oci", () => new RuntimeCandidate("timur-oci", "timur oci", [Workplace.OwnProgramPath, "oci"]), false),
        ("runc", () => new RuntimeCandidate("runc", "runc", ["runc"]), false),
        ("crun", () => new RuntimeCandidate("crun", "crun", ["crun"]), false),
        ("podman", () => new EngineCandidate("podman", "podman", hasStores: true), false),
        ("docker", () => new EngineCandidate("docker", "docker", hasStores: false), false),
        ("lxc", () => new LxcCandidate(), false),
        ("nspawn", () => new NspawnCandidate(), false),
    ];

    internal static IEnumerable<string> Names => All.Select(entry => entry.Name).Where(name => name != CandidateNames.HostAgain);

    /// <summary>Containers of ours that differ from the default one in one layer each.</summary>
    internal static IEnumerable<string> Layers => All.Where(entry => entry.IsLayer).Select(entry => entry.Name);

    internal static Candidate Make(string name) => Array.Find(All, entry => entry.Name == name).Make();

    private static TimurCandidate Ours(string name, string title, string storage, params string[] options) => new(name, title, storage, (_, _) => Resolve(options));

    private static TimurCandidate Disk(string name, string title, string storage, params string[] options)
        => new(name, title, storage, (_, needs) => ["--disk", $"{needs.FileMebibytes + (needs.FileMebibytes / 8) + 256}m", .. options]);

    /// <summary>A limit on memory that isn't reached: three quarters of what the machine has.</summary>
    private static string[] Resolve(string[] options) => [.. options.Select(word => word == MostMemory ? $"{Kernel.MachineMemory.Total / 1024 * 3 / 4}k" : word)];
}
