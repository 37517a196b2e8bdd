using Timur.Cgroups;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.Runtime.Containers;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>Everything that a container's launch needs, made and held by the process that prepares it.</summary>
internal sealed class Preparation(Spec spec, LaunchProgram program, RootPlan root, Cgroup cgroup, ContainerNetwork network, IReadOnlyList<Fd> joined, Fd? processes, GivenMounts given) : IDisposable
{
    internal Spec Spec => spec;

    /// <summary>Null with <c>--rootfs</c>.</summary>
    internal Timur.Images.Image? Image { get; init; }

    /// <summary>Keeps the volumes that are mounted for it, until its record says that it runs.</summary>
    internal IDisposable? VolumeLocks { get; init; }

    internal LaunchProgram Program => program;

    /// <summary>The v2 cgroup directory to be born in.</summary>
    internal Fd? Unified { get; } = cgroup.OpenUnified();

    internal Fd? Processes => processes;

    /// <summary>Slots of the first descriptors, in their order.</summary>
    internal IReadOnlyList<Slot> Slots()
    {
        var slots = new List<Slot>();
        if (network.Namespace is not null)
        {
            slots.Add(Slot.Network);
        }

        if (root.Detached is not null)
        {
            slots.Add(Slot.Disk);
        }

        for (int i = 0; i < joined.Count; i++)
        {
            slots.Add(Slot.Extra + i);
        }

        slots.AddRange(given.Mounts.Select(mount => mount.Slot));
        return slots;
    }

    /// <summary>Descriptors for the monitor: slots, cgroup, process namespace, and what it only holds.</summary>
    internal List<Fd> Descriptors()
    {
        var descriptors = new List<Fd>();
        Add(network.Namespace);
        Add(root.Detached);
        descriptors.AddRange(joined);
        descriptors.AddRange(given.Mounts.Select(mount => mount.Mount));
        Add(Unified);
        Add(processes);
        descriptors.AddRange(root.Keep);
        descriptors.AddRange(network.Reservations);
        return descriptors;

        void Add(Fd? fd)
        {
            if (fd is not null)
            {
                descriptors.Add(fd);
            }
        }
    }

    /// <summary>The state with what is known of the network.</summary>
    internal ContainerState Describe(ContainerState state) => network.Describe(state);

    public void Dispose()
    {
        VolumeLocks?.Dispose();
        Unified?.Dispose();
        processes?.Dispose();
        foreach (Fd fd in joined)
        {
            fd.Dispose();
        }

        given.Dispose();
        network.Dispose();
        root.Dispose();
    }
}
