using Timur.Kernel;
using Timur.Oci;
using Timur.Runtime.Criu;

namespace Timur.Runtime.Containers;

/// <summary>Namespaces that were joined by path: they aren't the container's to be written down, and have to be there again when it comes back.</summary>
internal static class CriuNamespaces
{
    /// <summary>How criu is told to leave a namespace out, at the dump: <c>net[INODE]:KEY</c>.</summary>
    internal static List<string> Left(Spec spec, int version)
    {
        var left = new List<string>();
        foreach (NamespaceSpec ns in spec.Linux.Namespaces)
        {
            if (ns.Path is { } path && Kind(ns.Type) is { } kind)
            {
                Require(ns.Type, version);
                ulong inode = (Files.TryStatus(path, out Errno why, follow: true) ?? throw new SyscallException("stat", why, path)).Inode;
                left.Add($"{kind}[{inode}]:{Key(kind)}");
            }
        }

        return left;
    }

    /// <summary>The same namespaces for the restored tree, as descriptors that criu inherits.</summary>
    internal static List<(string Key, Fd Namespace)> Open(Spec spec, int version)
    {
        var opened = new List<(string, Fd)>();
        foreach (NamespaceSpec ns in spec.Linux.Namespaces)
        {
            if (ns.Path is { } path && Kind(ns.Type) is { } kind)
            {
                Require(ns.Type, version);
                opened.Add((Key(kind), Files.TryOpen(path, Kernel.Open.Read, out Errno why) ?? throw new Failure($"config.json: linux.namespaces: {ns.Type} namespace {path}: {why.Describe()}", "it has to be there before the container comes back", 1)));
            }
        }

        return opened;
    }

    /// <summary>Those that criu joins by path.</summary>
    internal static List<(string Type, string Path)> Joined(Spec spec)
    {
        var joined = new List<(string, string)>();
        foreach (NamespaceSpec ns in spec.Linux.Namespaces)
        {
            if (ns.Path is { } path && Kind(ns.Type) is null)
            {
                joined.Add((ns.Type switch
                {
                    "mount" => "mnt",
                    "cgroup" or "time" => throw new Failure($"config.json: linux.namespaces: criu can't join a {ns.Type} namespace by path", exitCode: 1),
                    _ => ns.Type,
                }, path));
            }
        }

        return joined;
    }

    private static string? Kind(string type) => type switch
    {
        "network" => "net",
        "pid" => "pid",
        _ => null,
    };

    private static string Key(string kind) => kind == "net" ? "extRootNetNS" : "extRootPidNS";

    private static void Require(string type, int version)
        => CriuVersion.Require(version, type == "pid" ? CriuVersion.OfProcessNamespaces : CriuVersion.OfNetworkNamespaces, $" to leave a {type} namespace out");
}
