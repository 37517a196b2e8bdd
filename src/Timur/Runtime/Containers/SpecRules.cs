using Timur.Kernel;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>What the members of a configuration demand of each other.</summary>
internal static class SpecRules
{
    /// <param name="needsProcess">It is going to be started, not only created.</param>
    internal static void Check(Spec spec, string document, bool needsProcess)
    {
        if (!spec.OciVersion.StartsWith("1.", StringComparison.Ordinal))
        {
            throw Wrong(document, "ociVersion", $"'{spec.OciVersion}' isn't supported; 1.x is");
        }

        if (spec.Root is not { Path.Length: > 0 })
        {
            throw Wrong(document, "root", "there is no root file system");
        }

        if (spec.Process is { } process)
        {
            ProcessRules.Check(process, document);
        }
        else if (needsProcess)
        {
            throw Wrong(document, "process", "a container that is to run needs one");
        }

        Namespaces(spec, document);
        Identity(spec, document);
        Mounts(spec, document);
        Sysctl(spec, document);
        if (spec.Linux.IntelRdt is not null && !Files.Exists("/sys/fs/resctrl/schemata"))
        {
            throw Wrong(document, "linux.intelRdt", "resctrl isn't mounted, or this machine has no such control");
        }
    }

    internal static NamespaceSpec? Find(Spec spec, string type)
    {
        foreach (NamespaceSpec ns in spec.Linux.Namespaces)
        {
            if (ns.Type == type)
            {
                return ns;
            }
        }

        return null;
    }

    private static void Namespaces(Spec spec, string document)
    {
        if (spec.Linux.TimeOffsets.Count > 0 && Find(spec, "time") is not { Path: null })
        {
            throw Wrong(document, "linux.timeOffsets", "offsets need a new time namespace");
        }

        foreach (string clock in spec.Linux.TimeOffsets.Keys)
        {
            if (clock is not ("monotonic" or "boottime"))
            {
                throw Wrong(document, "linux.timeOffsets", $"'{clock}' is neither monotonic nor boottime");
            }
        }

        if (spec.Linux.NetDevices.Count > 0 && Find(spec, "network") is null)
        {
            throw Wrong(document, "linux.netDevices", "devices can only be moved into a network namespace");
        }
    }

    private static void Identity(Spec spec, string document)
    {
        if ((spec.Hostname ?? spec.Domainname) is not null && Find(spec, "uts") is null)
        {
            throw Wrong(document, spec.Hostname is null ? "domainname" : "hostname", $"unable to set {(spec.Hostname is null ? "domainname" : "hostname")} without a private UTS namespace");
        }

        NamespaceSpec? users = Find(spec, "user");
        bool mapped = spec.Linux.UidMappings.Count + spec.Linux.GidMappings.Count > 0;
        if (mapped && users is null)
        {
            throw Wrong(document, "linux.uidMappings", "user namespace mappings specified, but there is no user namespace");
        }

        if (users is { Path: null } && (spec.Linux.UidMappings.Count == 0 || spec.Linux.GidMappings.Count == 0))
        {
            throw Wrong(document, "linux.uidMappings", "a new user namespace needs mappings of user and group ids");
        }
    }

    /// <summary>A complaint from a room that knows no configuration gets its place.</summary>
    internal static T At<T>(string document, string member, Func<T> part)
    {
        try
        {
            return part();
        }
        catch (Failure e)
        {
            throw new Failure($"{document}: {member}: {e.Message}", e.Advice, 1, e);
        }
    }

    /// <summary>Sources of bind mounts, which are absolute by now, exist.</summary>
    internal static void CheckSources(IReadOnlyList<MountSpec> mounts, string rootfs, string document)
    {
        for (int i = 0; i < mounts.Count; i++)
        {
            MountSpec mount = mounts[i];
            if (mount.Type != "bind" && !MountOptions.Parse(mount.Options).IsBind)
            {
                continue;
            }

            if (mount.Source is not { } source)
            {
                throw Wrong(document, $"mounts[{i}].source", "a bind mount needs one");
            }

            Errno why = Errno.ENOENT;
            if (InnerSources.Backing(mounts, mount, rootfs) is not { } backing || Files.TryStatus(backing, out why, follow: true) is null)
            {
                throw Wrong(document, $"mounts[{i}].source", $"{source}: {why.Describe().ToLowerInvariant()}");
            }
        }
    }

    private static void Mounts(Spec spec, string document)
    {
        // Sources are opened before the first is mounted when the ids change meanwhile, and each stays open.
        const int mostOpened = 300;
        if (spec.Mounts.Count > mostOpened && Find(spec, "user") is not null)
        {
            throw Wrong(document, "mounts", $"{spec.Mounts.Count} are more than the {mostOpened} that a user namespace takes");
        }

        for (int i = 0; i < spec.Mounts.Count; i++)
        {
            MountSpec mount = spec.Mounts[i];
            if (mount.Destination.Length == 0 || mount.Destination.TrimEnd('/').Length == 0)
            {
                throw Wrong(document, $"mounts[{i}].destination", $"'{mount.Destination}' can't be mounted over");
            }

            if ((mount.UidMappings.Count > 0) != (mount.GidMappings.Count > 0))
            {
                throw Wrong(document, $"mounts[{i}]", "uidMappings and gidMappings go together");
            }
        }
    }

    private static void Sysctl(Spec spec, string document)
    {
        foreach (string key in spec.Linux.Sysctl.Keys)
        {
            string? space = Sysctls.NamespaceOf(key);
            if (space is null || Find(spec, space) is null)
            {
                throw Wrong(document, "linux.sysctl", $"sysctl \"{key}\" is not in a separate kernel namespace");
            }

            if (Sysctls.ToPath(key) == "kernel/hostname")
            {
                throw Wrong(document, "linux.sysctl", $"sysctl \"{key}\" is not allowed as it conflicts with the OCI \"hostname\" field");
            }

            if (space == "network" && Find(spec, space)!.Path is { } place && IsOwn(place))
            {
                throw Wrong(document, "linux.sysctl", $"sysctl \"{key}\" not allowed in host network namespace");
            }
        }
    }

    /// <summary>The path leads to the network namespace of this very process.</summary>
    private static bool IsOwn(string path)
        => Files.TryStatus(path, out _, follow: true) is { } there && Files.TryStatus("/proc/self/ns/net", out _, follow: true) is { } own
            && (there.Inode, there.DeviceMajor, there.DeviceMinor) == (own.Inode, own.DeviceMajor, own.DeviceMinor);

    private static Failure Wrong(string document, string member, string why) => new($"{document}: {member}: {why}", exitCode: 1);
}
