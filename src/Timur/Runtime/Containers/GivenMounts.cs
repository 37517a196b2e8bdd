using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>
/// Bind mounts whose ids are mapped: made here, where both the source and a user namespace with the map can be had, attached by the launch program. What is to be
/// seen at a place in the container's own root is made by the program, and only gets its map here.
/// </summary>
internal sealed class GivenMounts : IDisposable
{
    private readonly List<(string Destination, Slot Slot, Fd Mount)> _mounts = [];

    /// <summary>In the order in which the program hands them over.</summary>
    private readonly Queue<Action<Fd>> _late = [];

    internal IReadOnlyDictionary<string, Slot> Slots
    {
        get
        {
            var slots = new Dictionary<string, Slot>();
            foreach ((string destination, Slot slot, _) in _mounts)
            {
                slots[destination] = slot;
            }

            return slots;
        }
    }

    internal IEnumerable<(Slot Slot, Fd Mount)> Mounts => _mounts.Select(mount => (mount.Slot, mount.Mount));

    /// <param name="used">How many of the slots from <see cref="Slot.Extra"/> are taken already.</param>
    /// <param name="rootfs">The container's root, when what the configuration says of places in it counts.</param>
    internal static GivenMounts Make(Spec spec, int used, string? rootfs = null)
    {
        var given = new GivenMounts();
        try
        {
            for (int i = 0; i < spec.Mounts.Count; i++)
            {
                MountSpec mount = spec.Mounts[i];
                MountOptions options = MountOptions.Parse(mount.Options);
                if (mount.UidMappings.Count > 0 || options.IdMap is not null)
                {
                    SpecRules.At(Bundle.Document, $"mounts[{i}]", () => given.Add(spec, mount, options, rootfs, Slot.Extra + used + given._mounts.Count));
                }
            }

            return given;
        }
        catch
        {
            given.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Nodes of devices that the host has none of: a user namespace may make none, so they are made in the container's directory and bound. Where they can't be
    /// made, binding the host's says why.
    /// </summary>
    internal void AddDevices(Spec spec, int used, string directory)
    {
        if (SpecRules.Find(spec, "user") is null)
        {
            return;
        }

        foreach (DeviceSpec device in spec.Linux.Devices)
        {
            FileKind kind = DeviceCompiler.KindOf(device);
            string node = $"{directory}/device-{_mounts.Count}";
            Slot slot = Slot.Extra + used + _mounts.Count;
            if (kind == FileKind.Fifo || slot >= Slot.Image || Files.Exists(DeviceCompiler.HostNode(device)) || !Files.TryMakeNode(node, kind, device.Major, device.Minor, out _))
            {
                continue;
            }

            Files.Chown(node, Outside(device.UserId, spec.Linux.UidMappings), Outside(device.GroupId, spec.Linux.GidMappings));
            Files.Chmod(node, device.FileMode ?? 0x1B6);
            _mounts.Add((DeviceCompiler.GivenName(device), slot, Kernel.Mounts.CloneWithDevices(node)));
        }
    }

    /// <summary>The host's number of an id inside; the id itself where it isn't mapped.</summary>
    private static uint Outside(uint id, IReadOnlyList<IdMapping> mappings) => IdMapping.Outside(mappings, id) ?? id;

    /// <summary>Gives the next mount that the program made its map.</summary>
    internal void MapNext(Fd mount) => _late.Dequeue()(mount);

    private bool Add(Spec spec, MountSpec mount, MountOptions options, string? rootfs, Slot slot)
    {
        if (slot >= Slot.Image)
        {
            throw new Failure($"{mount.Destination}: there are more joined namespaces and mounts with mapped ids than {Slot.Image - Slot.Extra}", exitCode: 1);
        }

        if (mount.Source is not { } source || !(options.IsBind || mount.Type == "bind"))
        {
            throw new Failure($"{mount.Destination}: only bind mounts can have mapped ids", exitCode: 1);
        }

        RequireMap(spec, mount);
        if (rootfs is not null && InnerSources.IsCovered(spec.Mounts, mount, rootfs))
        {
            _late.Enqueue(made =>
            {
                using Fd map = Map(spec, mount);
                Kernel.Mounts.MapIds(made, map, options.IdMap == true, mount.Destination);
            });
            return true;
        }

        using Fd space = Map(spec, mount);
        try
        {
            bool recursive = options.IsRecursiveBind;
            _mounts.Add((mount.Destination, slot, Kernel.Mounts.CloneIdMapped(source, space, recursive, options.IdMap == true)));
            return true;
        }
        catch (SyscallException e)
        {
            throw new Failure($"{mount.Destination}: {e.Message}", "the file system of the source may not support mapped ids; a tmpfs does from Linux 6.3 on", 1, e);
        }
    }

    private static void RequireMap(Spec spec, MountSpec mount)
    {
        if (mount.UidMappings.Count == 0 && spec.Linux.UidMappings.Count == 0 && SpecRules.Find(spec, "user")?.Path is null)
        {
            throw new Failure($"{mount.Destination}: idmap without mappings, and there is no user namespace to take them from", exitCode: 1);
        }
    }

    /// <summary>A user namespace with a mount's map: without one of its own it is the container's, which may be one that the container joins.</summary>
    private static Fd Map(Spec spec, MountSpec mount) => (mount.UidMappings.Count, SpecRules.Find(spec, "user")?.Path) switch
    {
        ( > 0, _) => UserNamespaces.Create(Ranges(mount.UidMappings), Ranges(mount.GidMappings)),
        (_, { } joined) => Files.Open(joined, Open.Read),
        _ => UserNamespaces.Create(Ranges(spec.Linux.UidMappings), Ranges(spec.Linux.GidMappings)),
    };

    internal static IReadOnlyList<IdRange> Ranges(IReadOnlyList<IdMapping> mappings) => [.. mappings.Select(range => new IdRange(range.ContainerId, range.HostId, range.Size))];

    public void Dispose()
    {
        foreach ((_, _, Fd mount) in _mounts)
        {
            mount.Dispose();
        }
    }
}
