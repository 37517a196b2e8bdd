namespace Timur.Runtime.Criu;

/// <summary>What criu does with cgroups (criu(8), --manage-cgroups); the numbers are those of its rpc.proto.</summary>
public enum CriuCgroups
{
    Ignore = 0, Soft = 3, Full = 4, Strict = 5,
}

/// <summary>criu_opts of criu's images/rpc.proto: how a process tree is dumped or restored.</summary>
internal sealed record CriuOptions
{
    /// <summary>A descriptor of the process that asks.</summary>
    internal required int ImageDirectory { get; init; }

    /// <summary>A descriptor of the process that asks, or null.</summary>
    internal int? WorkDirectory { get; init; }

    /// <summary>The tree's first process; null when restoring.</summary>
    internal int? Pid { get; init; }

    internal required string Root { get; init; }

    internal required string LogFile { get; init; }

    internal bool LeaveRunning { get; init; }

    internal bool ExternalUnixSockets { get; init; }

    internal bool TcpEstablished { get; init; }

    internal bool TcpSkipInFlight { get; init; }

    internal bool ShellJob { get; init; }

    internal bool FileLocks { get; init; }

    internal bool LinkRemap { get; init; }

    internal bool AutoDedup { get; init; }

    internal bool LazyPages { get; init; }

    internal bool EvasiveDevices { get; init; }

    /// <summary>The restored tree's first process is a child of this one.</summary>
    internal bool RestoreSibling { get; init; }

    internal string? ParentImage { get; init; }

    internal (string Address, int Port)? PageServer { get; init; }

    internal CriuCgroups Cgroups { get; init; }

    internal string? FreezeCgroup { get; init; }

    /// <summary>CLONE_NEW* of namespaces whose content is left out.</summary>
    internal uint EmptyNamespaces { get; init; }

    internal string? LsmProfile { get; init; }

    internal string? LsmMountContext { get; init; }

    internal string? ConfigFile { get; init; }

    /// <summary>Mounts that aren't the tree's own: where they are in it, and at restoring what is mounted there.</summary>
    internal IReadOnlyList<(string Key, string Value)> ExternalMounts { get; init; } = [];

    internal IReadOnlyList<string> External { get; init; } = [];

    /// <summary>Descriptors of the criu process, by what takes them.</summary>
    internal IReadOnlyList<(string Key, int Descriptor)> Inherited { get; init; } = [];

    internal IReadOnlyList<(string Type, string Path)> JoinedNamespaces { get; init; } = [];

    /// <summary>Where each hierarchy's restored cgroups are.</summary>
    internal IReadOnlyList<(string Controller, string Path)> CgroupRoots { get; init; } = [];

    internal ProtobufWriter ToMessage()
    {
        var message = new ProtobufWriter()
            .Number(1, ImageDirectory).Number(2, Pid).Flag(3, LeaveRunning).Flag(4, ExternalUnixSockets).Flag(5, TcpEstablished).Flag(6, EvasiveDevices).Flag(7, ShellJob)
            .Flag(8, FileLocks).Number(9, 4).Text(10, LogFile)
            .Message(11, PageServer is { } server ? new ProtobufWriter().Text(1, server.Address).Number(2, server.Port) : null)
            .Flag(12, true).Text(13, Root).Text(14, ParentImage).Flag(15, ParentImage is not null).Flag(16, AutoDedup).Number(17, WorkDirectory).Flag(18, LinkRemap);
        foreach ((string key, string value) in ExternalMounts)
        {
            // criu writes both as mnt[KEY]:VALUE and takes the first such end for the key's: the rest of it would be what is mounted (CVE-2026-119101).
            if (key.Contains("]:", StringComparison.Ordinal))
            {
                throw new Failure($"criu can't tell a mount at {key} from others: ]: is what ends a place in its lists", "mount elsewhere", 1);
            }

            message.Message(23, new ProtobufWriter().Text(1, key).Text(2, value));
        }

        message.Flag(24, Cgroups != CriuCgroups.Ignore);
        foreach ((string controller, string path) in CgroupRoots)
        {
            message.Message(25, new ProtobufWriter().Text(1, controller).Text(2, path));
        }

        message.Flag(26, RestoreSibling);
        foreach ((string key, int descriptor) in Inherited)
        {
            message.Message(27, new ProtobufWriter().Text(1, key).Number(2, descriptor));
        }

        message.Number(34, (int)Cgroups).Texts(37, External).Number(38, EmptyNamespaces == 0 ? null : EmptyNamespaces);
        foreach ((string type, string path) in JoinedNamespaces)
        {
            message.Message(39, new ProtobufWriter().Text(1, type).Text(2, path));
        }

        return message.Text(44, FreezeCgroup).Flag(46, TcpSkipInFlight).Flag(48, LazyPages).Flag(50, true).Text(51, ConfigFile).Text(53, LsmProfile).Text(63, LsmMountContext);
    }
}
