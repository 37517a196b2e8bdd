using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>Namespaces that are joined by path, opened before anything is made; the process namespace is entered at the clone.</summary>
internal sealed class JoinedNamespaces : IDisposable
{
    private readonly List<Fd> _fds = [];

    internal int Count => _fds.Count;

    internal Fd? Processes { get; private set; }

    /// <summary>In the order of the specification, as <see cref="LaunchCompiler"/> expects them.</summary>
    internal IEnumerable<(Slot, Fd)> Slots
    {
        get
        {
            for (int i = 0; i < _fds.Count; i++)
            {
                yield return (Slot.Extra + i, _fds[i]);
            }
        }
    }

    internal static JoinedNamespaces Open(Spec spec)
    {
        var joined = new JoinedNamespaces();
        foreach (NamespaceSpec ns in spec.Linux.Namespaces)
        {
            if (ns.Path is not { } path)
            {
                continue;
            }

            Fd fd = Files.TryOpen(path, Kernel.Open.Read, out Errno why) ?? throw new Failure($"config.json: linux.namespaces: {ns.Type} namespace {path}: {why.Describe()}", exitCode: 1);
            if (ns.Type == "pid")
            {
                joined.Processes = fd;
            }
            else
            {
                joined._fds.Add(fd);
            }
        }

        return joined;
    }

    /// <summary>What a further process has to join.</summary>
    internal static CloneFlags FlagsOf(Spec spec)
    {
        CloneFlags flags = CloneFlags.None;
        foreach (NamespaceSpec ns in spec.Linux.Namespaces)
        {
            flags |= ns.Type switch
            {
                "mount" => CloneFlags.NewMount,
                "network" => CloneFlags.NewNetwork,
                "uts" => CloneFlags.NewUts,
                "ipc" => CloneFlags.NewIpc,
                "user" => CloneFlags.NewUser,
                "cgroup" => CloneFlags.NewCgroup,
                "time" => CloneFlags.NewTime,
                _ => CloneFlags.None,
            };
        }

        return flags;
    }

    public void Dispose()
    {
        Processes?.Dispose();
        foreach (Fd fd in _fds)
        {
            fd.Dispose();
        }
    }
}
