using Timur.Bench.Figures;

namespace Timur.Bench.Candidates;

/// <summary>Every candidate by name.</summary>
internal static class CandidateTable
{
    private const string MostMemory = "three quarters";
    private const string Overlay = "overlay on this machine's file system";

    private static readonly (string Name, Func<Candidate> Make)[] All =
    [
        (CandidateNames.Host, () => new HostCandidate(CandidateNames.Host, "host")),
        (CandidateNames.HostAgain, () => new HostCandidate(CandidateNames.HostAgain, "host again")),
        (CandidateNames.Timur, () => Ours(CandidateNames.Timur, "timur", Overlay)),
        ("timur-bind", () => new TimurCandidate("timur-bind", "timur -v DIR:DIR", "a directory of this machine, bind-mounted", (place, _) => ["--volume", $"{place}:/bench"])),
        ("timur-disk", () => Disk("timur-disk", "timur --disk", "ext4 on a disk image, loop device with direct I/O")),
        ("timur-relaxed", () => Disk("timur-relaxed", "timur --disk --disk-sync=relaxed", "the same without flushes to the disk", "--disk-sync", "relaxed")),
        ("timur-no-seccomp", () => Ours("timur-no-seccomp", "timur without seccomp", Overlay, "--security-opt", "seccomp=unconfined")),
        ("timur-host-network", () => Ours("timur-host-network", "timur --network host", Overlay, "--network", "host")),
        ("timur-limits", () => Ours("timur-limits", "timur with limits", Overlay, "--memory", MostMemory, "--pids-limit", "4096", "--cpu-shares", "1024")),
        ("students", () => new StudentsCandidate()),
        ("timur-oci", () => new RuntimeCandidate("timur-oci", "timur oci", [Workplace.OwnProgramPath, "oci"])),
        ("floor", () => new FloorCandidate()),
        ("runc", () => new RuntimeCandidate("runc", "runc", ["runc"])),
        ("crun", () => new RuntimeCandidate("crun", "crun", ["crun"])),
        ("podman", () => new EngineCandidate("podman", "podman", hasStores: true)),
        ("docker", () => new EngineCandidate("docker", "docker", hasStores: false)),
        ("lxc", () => new LxcCandidate()),
        ("nspawn", () => new NspawnCandidate()),
    ];

    internal static IEnumerable<string> Names => All.Select(entry => entry.Name).Where(name => name != CandidateNames.HostAgain);

    internal static Candidate Make(string name) => Array.Find(All, entry => entry.Name == name).Make();

    private static TimurCandidate Ours(string name, string title, string storage, params string[] options) => new(name, title, storage, (_, _) => Resolve(options));

    private static TimurCandidate Disk(string name, string title, string storage, params string[] options)
        => new(name, title, storage, (_, needs) => ["--disk", $"{needs.FileMebibytes + (needs.FileMebibytes / 8) + 256}m", .. options]);

    /// <summary>A limit on memory that isn't reached: three quarters of what the machine has.</summary>
    private static string[] Resolve(string[] options) => [.. options.Select(word => word == MostMemory ? $"{Kernel.MachineMemory.Total / 1024 * 3 / 4}k" : word)];
}
