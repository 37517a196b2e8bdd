using Timur.Kernel;
using Timur.Runtime;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>
/// Volumes whose options name a file system, such as a tmpfs. As with Docker's driver <c>local</c> it is mounted on the volume's directory while a container runs that
/// has the volume, so that all of them see the same files, and unmounted after the last one. Nobody counts: whoever begins to use a volume holds its lock until its
/// own record says so, whoever ends does so after its record says that, and the records are asked under the lock.
/// </summary>
internal sealed class VolumeMounts(DataPaths paths)
{
    private readonly VolumeStore _volumes = new(paths);

    /// <summary>The directory of this machine that a volume with the option <c>bind</c> shows; null for any other volume.</summary>
    internal static string? BoundDirectory(IReadOnlyDictionary<string, string> options)
        => Words(options) is var words && (words.Contains("bind") || words.Contains("rbind")) ? options["device"] : null;

    /// <summary>The options name a file system to mount.</summary>
    internal static bool HasFileSystem(IReadOnlyDictionary<string, string> options) => options.Count > 0 && BoundDirectory(options) is null;

    /// <summary>What <c>o=</c> says, as mount(8) takes it.</summary>
    internal static string[] Words(IReadOnlyDictionary<string, string> options) => options.GetValueOrDefault("o", "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Volumes of a container that may be file systems: an image's own never are.</summary>
    internal static string[] NamesOf(Container container) => container.Options.Texts("volume").Count == 0 && container.Options.Texts("mount").Count == 0 ? []
        : [.. WantedMount.VolumesOf(WantedMount.OfOptions(container.Options, container.Id))];

    /// <summary>
    /// Mounts what a container needs. Dispose the result when its record says that it runs, or when what was mounted is held otherwise; until then nobody else begins
    /// or ends to use these volumes.
    /// </summary>
    /// <param name="undo">Unmounts again what nobody else uses, when something fails later.</param>
    internal IDisposable Hold(IEnumerable<string> names, ContainerId user, UndoList undo)
    {
        var held = new Locks();
        string[] mounted = [.. names.Where(name => HasFileSystem(_volumes.TryFind(name)?.Options ?? NoOptions)).Distinct().Order(StringComparer.Ordinal)];
        undo.Add("volumes", () =>
        {
            held.Dispose();
            Release(mounted);
        });
        foreach (string name in mounted)
        {
            held.Add(_volumes.TryLock(name) ?? throw new Failure($"volume {name} was removed meanwhile", "make it again: timur volume create"));
            if (IsMounted(name) && !IsUsed(name, user))
            {
                // A crash left it: its files were to go with the last who used them.
                Unmount(name);
            }

            if (!IsMounted(name))
            {
                Mount(_volumes.Find(name));
            }
        }

        return held;
    }

    /// <summary>Unmounts what no running container has; the caller's own record says already that it doesn't run.</summary>
    internal void Release(IEnumerable<string> names)
    {
        foreach (string name in names.Where(IsMounted))
        {
            using FileLock? guard = _volumes.TryLock(name);
            if (guard is not null && IsAbandoned(name))
            {
                Unmount(name);
            }
        }
    }

    /// <summary>A volume is mounted that no running container has, and nobody is about to use it.</summary>
    internal bool IsLeftOver(string name)
    {
        using FileLock? guard = IsMounted(name) ? FileLock.TryTakeDirectory(_volumes.DirectoryOf(name), wait: false) : null;
        return guard is not null && IsAbandoned(name);
    }

    /// <summary>The content's directory, open: also of a volume that is mounted for this moment only, whose file system then lasts as long as the handle.</summary>
    internal Fd OpenData(VolumeRecord volume)
    {
        if (BoundDirectory(volume.Options) is { } bound)
        {
            return Files.Open(bound, Open.Read | Open.Directory);
        }

        using var undo = new UndoList();
        using IDisposable held = Hold([volume.Name], default, undo);
        return Files.Open(_volumes.DataOf(volume.Name), Open.Read | Open.Directory);
    }

    /// <summary>Unmounts a volume that is about to be removed; the caller holds its lock and knows that no container has it.</summary>
    internal void Forget(string name)
    {
        if (IsMounted(name) && IsOurs(name))
        {
            Unmount(name);
        }
    }

    /// <summary>Unmounts every volume: none has a container any more.</summary>
    internal void ForgetAll()
    {
        foreach (DirectoryEntry entry in Directories.List(paths.Volumes))
        {
            Forget(entry.Name);
        }
    }

    private static readonly Dictionary<string, string> NoOptions = [];

    private bool IsMounted(string name) => Files.TryStatus(_volumes.DataOf(name), out _) is { IsMountRoot: true };

    /// <summary>What stands on an ordinary volume's directory was mounted by somebody else, and isn't ours to take away.</summary>
    private bool IsOurs(string name)
    {
        try
        {
            return HasFileSystem(_volumes.TryFind(name)?.Options ?? NoOptions);
        }
        catch (Failure)
        {
            return false;
        }
    }

    private bool IsAbandoned(string name) => IsMounted(name) && IsOurs(name) && !IsUsed(name, except: default);

    /// <summary>A container whose record is damaged may have any volume.</summary>
    private bool IsUsed(string name, ContainerId except)
    {
        List<Container> containers = new ContainerStore(paths).ListReadable(out bool areAll);
        return !areAll || new VolumeUse(paths, containers.FindAll(container => container.State.IsAlive && container.Id != except)).UsersOf(name).Any();
    }

    private void Mount(VolumeRecord volume)
    {
        MountOptions options = MountOptions.Parse(Words(volume.Options));
        bool isReadOnly = (options.Set & MountAttributes.ReadOnly) != 0;
        try
        {
            using Fd mount = Mounts.NewDetached(
                volume.Options.GetValueOrDefault("type", "none"), volume.Options["device"], isReadOnly ? [.. options.Data, new("ro", null)] : options.Data, options.Set);
            Mounts.Attach(mount, _volumes.DataOf(volume.Name));
        }
        catch (SyscallException e)
        {
            throw new Failure(
                $"volume {volume.Name} can't be mounted: {e.Message}", $"its options are: {string.Join(' ', volume.Options.Select(option => $"{option.Key}={option.Value}"))}", cause: e);
        }
    }

    private void Unmount(string name)
    {
        // A shell of somebody's in it keeps the file system, but not the place.
        string data = _volumes.DataOf(name);
        if (!Mounts.TryUnmount(data, out Errno why, detach: true))
        {
            throw new SyscallException("umount", why, data);
        }
    }

    private sealed class Locks : IDisposable
    {
        private readonly List<FileLock> _held = [];

        internal void Add(FileLock held) => _held.Add(held);

        public void Dispose() => _held.ForEach(held => held.Dispose());
    }
}
