using Timur.Oci;

namespace Timur.Runtime;

/// <summary>What every container's /dev has (runtime-spec config-linux.md, Default Devices; runtime-linux.md, Dev symbolic links).</summary>
internal static class DefaultDevices
{
    internal static readonly DeviceSpec[] All =
    [
        new("/dev/null", "c", 1, 3, null, 0, 0),
        new("/dev/zero", "c", 1, 5, null, 0, 0),
        new("/dev/full", "c", 1, 7, null, 0, 0),
        new("/dev/random", "c", 1, 8, null, 0, 0),
        new("/dev/urandom", "c", 1, 9, null, 0, 0),
        new("/dev/tty", "c", 5, 0, null, 0, 0),
    ];

    internal const string KernelImage = "/proc/kcore";

    internal static readonly (string Name, string Target)[] Links =
    [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
        ("core", KernelImage),
    ];
}
