using Timur.Kernel;

namespace Timur.Runtime;

/// <summary>A mount that the container's root stands on, made in the container's own mount namespace before anything else.</summary>
/// <param name="Type">File system type, <c>bind</c>, or <c>detached</c> for the mount in <see cref="Kernel.Launcher.Slot.Disk"/>.</param>
/// <param name="Target">A host directory that exists.</param>
/// <param name="Options">Options of the file system; a null value is a flag.</param>
public sealed record RootMount(string Type, string Source, string Target, MountAttributes Attributes, IReadOnlyList<KeyValuePair<string, string?>> Options);

/// <summary>What a launch program depends on beside the specification.</summary>
public sealed record LaunchContext
{
    /// <summary>Mounts to make first; empty when the root is an ordinary directory, which is then bound to itself.</summary>
    public IReadOnlyList<RootMount> RootMounts { get; init; } = [];

    /// <summary>Host path of the container's root after <see cref="RootMounts"/>.</summary>
    public required string Root { get; init; }

    /// <summary>An existing host directory that the root mount covers; nothing in it is used.</summary>
    public required string Stage { get; init; }

    /// <summary>Bind sources that are directories once the container starts, even if they don't exist yet.</summary>
    public IReadOnlySet<string> Volumes { get; init; } = new HashSet<string>();

    /// <summary>cgroup v1 <c>tasks</c> files that the payload joins.</summary>
    public IReadOnlyList<string> CgroupTasks { get; init; } = [];

    /// <summary>cgroup v1 directories of the container by what they are called below /sys/fs/cgroup; empty on v2.</summary>
    public IReadOnlyList<(string Name, string HostPath)> CgroupViews { get; init; } = [];

    /// <summary>The container's own cgroup v2 directory, for a container that sees the host's cgroup namespace; null shows the hierarchy as the namespace has it.</summary>
    public string? UnifiedView { get; init; }

    /// <summary>The seccomp filter, an array of struct sock_filter, or null.</summary>
    public byte[]? SeccompFilter { get; init; }

    /// <summary>Flags of seccomp(2).</summary>
    public uint SeccompFlags { get; init; }

    /// <summary>The payload waits at <see cref="Kernel.Launcher.Slot.StartGate"/> before it executes.</summary>
    public bool StartGate { get; init; }

    /// <summary>The payload is executed by way of <see cref="Kernel.Launcher.PayloadImage"/>, which also waits at the gate.</summary>
    public bool ByImage { get; init; }

    /// <summary>Standard streams that are nothing: the container's own /dev/null, through which no chmod reaches the host's.</summary>
    public IReadOnlyList<Kernel.Launcher.Slot> NullStreams { get; init; } = [];

    /// <summary>Standard streams that the payload's user is to own (<see cref="StreamOwnership"/>).</summary>
    public IReadOnlyList<int> OwnedStreams { get; init; } = [];

    /// <summary>The payload may run on every processor of its cgroup, whatever this process may.</summary>
    public bool ResetAffinity { get; init; }

    /// <summary>The parent runs hooks at <see cref="LaunchLetters.Hooks"/>, when everything is mounted and the old root is still there.</summary>
    public bool Hooks { get; init; }

    /// <summary>The payload gets a session keyring of this name (keyrings(7)); null leaves it the one of the process that starts it.</summary>
    public string? Keyring { get; init; }

    /// <summary>Mounts that were made beforehand: those whose ids are mapped, by destination, and device nodes (<see cref="DeviceCompiler.GivenName"/>).</summary>
    public IReadOnlyDictionary<string, Kernel.Launcher.Slot> Given { get; init; } = new Dictionary<string, Kernel.Launcher.Slot>();

    /// <summary>A bind mount whose options name attributes has no others of its source's, as in runc (<see cref="BindAttributes"/>).</summary>
    public bool DropsUnnamedAttributes { get; init; }

    /// <summary>The payload is killed when the thread that launched it ends (PR_SET_PDEATHSIG, prctl(2)).</summary>
    public bool DiesWithParent { get; init; }

    /// <summary>A reaper stays as process 1.</summary>
    public bool Reaper { get; init; }

    /// <summary>Descriptors after the standard streams that the payload gets.</summary>
    public int PreservedDescriptors { get; init; }

    /// <summary>The network namespace comes in <see cref="Kernel.Launcher.Slot.Network"/>.</summary>
    public bool NetworkGiven { get; init; }

    /// <summary>Bits of the capabilities this process may give (its bounding set).</summary>
    public required ulong OwnCapabilities { get; init; }
}

/// <summary>What a launch program asks its parent for, beside the maps of a user namespace.</summary>
public static class LaunchLetters
{
    /// <summary>To take the terminal's master.</summary>
    public const char Terminal = 't';

    /// <summary>To run the hooks that come before the payload.</summary>
    public const char Hooks = 'h';

    /// <summary>To take the descriptor on which the seccomp filter asks (seccomp_unotify(2)).</summary>
    public const char Listener = 'n';

    /// <summary>To give a mount, attached nowhere yet, the map of its ids.</summary>
    public const char IdMap = 'm';

    /// <summary>To take a directory of the image that is about to be covered.</summary>
    public const char CopySource = 'y';

    /// <summary>To take the tmpfs over it, and copy what was there.</summary>
    public const char CopyTarget = 'z';
}
