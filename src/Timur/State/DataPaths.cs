using Timur.Kernel;

namespace Timur.State;

/// <summary>
/// Where everything lives. <see cref="Root"/> survives a reboot (<c>--root</c>, <c>TIMUR_ROOT</c>, <c>/var/lib/timur</c>); <see cref="Run"/> does not
/// (<c>--state</c>, <c>TIMUR_STATE</c>, <c>/run/timur</c>).
/// </summary>
public sealed class DataPaths(string root, string run)
{
    private const string DefaultRoot = "/var/lib/timur";

    public string Root { get; } = root;

    public string Run { get; } = run;

    /// <summary>One directory for each container, named by its 64-digit id.</summary>
    public string Containers { get; } = root + "/containers";

    /// <summary>One symbolic link for each container, name to id: making it claims the name.</summary>
    public string Names { get; } = root + "/names";

    public string Images { get; } = root + "/images";

    public string Volumes { get; } = root + "/volumes";

    public string Disks { get; } = root + "/disks";

    /// <summary>Network definitions and address leases.</summary>
    public string Networks { get; } = root + "/networks";

    /// <summary>Compiled seccomp filters: a cache.</summary>
    public string Filters { get; } = root + "/filters";

    /// <summary>Where a container's root is mounted in its own mount namespace before it becomes the root; on the host it stays empty.</summary>
    public string Stage { get; } = root + "/stage";

    /// <summary>What is being deleted; anything in here may be removed at any time.</summary>
    public string Trash { get; } = root + "/trash";

    /// <summary>
    /// Told apart in the kernel by this: empty for the store in the usual place, <c>-</c> and eight hexadecimal digits for one elsewhere
    /// (<c>--root</c>). Links, rules and cgroups of two stores on one host carry different names, so that neither ever touches the other's.
    /// </summary>
    public string Suffix => field ??= Root.TrimEnd('/') == DefaultRoot ? "" : $"-{Hash(Root.TrimEnd('/')):x8}";

    /// <summary>
    /// What the names of this store's cgroups begin with; the container's id follows. They have no parent of ours: each level costs every context switch
    /// inside (docs/decisions/012-flat-cgroups.md).
    /// </summary>
    public string CgroupPrefix => $"timur{Suffix}-";

    /// <summary>The container's directory below <see cref="Containers"/>.</summary>
    public string Container(ContainerId id) => $"{Containers}/{id.Text}";

    /// <summary>The container's directory below <see cref="Run"/>: sockets of its monitor.</summary>
    public string RunContainer(ContainerId id) => $"{Run}/containers/{id.Short}";

    /// <summary>From the environment, with the defaults of root or of an ordinary user.</summary>
    public static DataPaths FromEnvironment(string? root = null, string? run = null)
    {
        bool isRoot = Processes.EffectiveUser == 0;
        root ??= Environment.GetEnvironmentVariable("TIMUR_ROOT");
        run ??= Environment.GetEnvironmentVariable("TIMUR_STATE");
        string home = Environment.GetEnvironmentVariable("HOME") ?? "/";
        root ??= isRoot ? DefaultRoot : $"{Environment.GetEnvironmentVariable("XDG_DATA_HOME") ?? home + "/.local/share"}/timur";
        run ??= isRoot ? "/run/timur" : $"{Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? "/tmp"}/timur";
        return new DataPaths(root, run);
    }

    // FNV-1a; string.GetHashCode differs from run to run.
    private static uint Hash(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
        {
            hash = (hash ^ c) * 16777619;
        }

        return hash;
    }
}
