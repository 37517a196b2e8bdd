using Timur.Kernel;
using Timur.State;

namespace Timur.Engine;

/// <summary>Removes containers.</summary>
public sealed class ContainerRemoval(ContainerStore store)
{
    /// <summary>Exit code of <c>rm</c> for a container that is in use.</summary>
    private const int InUse = 2;

    /// <summary>Removes a stopped container; a running one only when forced, and then it is killed first.</summary>
    /// <param name="volumes">With the volumes that were made for it alone.</param>
    public void Remove(Container container, bool force, bool volumes = false)
    {
        IReadOnlyList<string> own = volumes ? VolumeCreation.AnonymousOf(store.Paths, container.Id) : [];
        RemoveContainer(container, force);
        RemoveVolumes(store, own);
    }

    private void RemoveContainer(Container container, bool force)
    {
        if (container.State.IsAlive && !force)
        {
            throw new Failure($"container {container.Name} is running", $"stop it first, or use timur rm -f {container.Name}", InUse);
        }

        if (container.State.IsAlive)
        {
            new ContainerStop(store).Kill(container);
            if (!Files.Exists(store.Paths.Container(container.Id)))
            {
                // It was made with --rm: its monitor has removed it.
                return;
            }
        }

        using FileLock? guard = force ? store.TryLock(container.Id) : store.Lock(container.Id);
        if (guard is null)
        {
            // Its own monitor removed it when it was killed (--rm), or another rm did.
            return;
        }

        Container now = store.TryLoad(container.Id) ?? throw new Failure($"there is no container '{container.Name}'", exitCode: 1);
        if (now.State.IsAlive && !force)
        {
            throw new Failure($"container {container.Name} was started meanwhile", exitCode: InUse);
        }

        ContainerEnd.Release(store, now, ContainerCgroup.Of(store.Paths, now));
        string[] volumes = VolumeMounts.NamesOf(now);
        Discard(store, now);
        new VolumeMounts(store.Paths).Release(volumes);
    }

    /// <summary>Removes a container that was made by a command which then failed.</summary>
    public static void DiscardFailed(ContainerStore store, Container container)
    {
        IReadOnlyList<string> own = VolumeCreation.AnonymousOf(store.Paths, container.Id);
        Discard(store, container);
        RemoveVolumes(store, own);
    }

    /// <summary>Volumes of a container that is gone, as far as no other has them by now.</summary>
    internal static void RemoveVolumes(ContainerStore store, IReadOnlyList<string> names)
    {
        foreach (string name in names)
        {
            new VolumeCare(store.Paths).TryRemove(name)?.Dispose();
        }
    }

    /// <summary>Out of sight in one rename, then deleted; a crash in between leaves it in the trash, where system check finds it.</summary>
    private static void Discard(ContainerStore store, Container container)
    {
        MoveToTrash(store, container)?.Dispose();
    }

    /// <summary>The removal itself; what is left to delete, or null when somebody else removed it.</summary>
    internal static Discarded? MoveToTrash(ContainerStore store, Container container)
    {
        string directory = store.Paths.Container(container.Id);
        Discarded? trash = Discarded.TryMove(store.Paths, directory, container.Id.Text, out Errno why);
        if (trash is null)
        {
            if (why == Errno.ENOENT && !Files.Exists(directory))
            {
                return null;
            }

            Directories.Create(store.Paths.Trash);
            trash = Discarded.TryMove(store.Paths, directory, container.Id.Text, out why) ?? throw new SyscallException("rename", why, directory);
        }

        store.ReleaseName(container.Name, container.Id);
        Directories.RemoveTree(store.Paths.RunContainer(container.Id));
        return trash;
    }
}
