using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>A directory that becomes a layer: nobody sees it before <see cref="Place(string)"/>, and without that it is gone again.</summary>
internal sealed class UnfinishedLayer : IDisposable
{
    private readonly ImageStore _store;
    private readonly FileLock _held;
    private bool _placed;

    /// <param name="name">Tells it from others that this process makes.</param>
    internal UnfinishedLayer(ImageStore store, string name)
    {
        _store = store;
        Path = $"{store.Layers}/.unpack.{name}.{Processes.Self}";
        Directories.RemoveTree(Path);
        Directories.Create(store.Layers);

        // ext4 else puts a layer beside the one before it, and looks there at every inode that was given up lately before it takes one.
        Directories.TrySpread(store.Layers);
        Directories.Create(Path);
        _held = InProgress.Hold(Path);
    }

    internal string Path { get; }

    /// <summary>
    /// Gives it its name, and marks it as not on the disk yet; somebody else's layer of the same name is the same. The lock keeps the layer until an image names it.
    /// </summary>
    /// <param name="name">Its diffID in hexadecimal, or what a stack calls it.</param>
    internal FileLock Place(string name)
    {
        (FileLock held, _placed) = Place(_store, Path, _held, name);
        return held;
    }

    /// <summary>Gives a directory the name of a layer, unless that is there already: the lock that keeps the layer, and whether the directory became it.</summary>
    /// <param name="held">The lock on the directory.</param>
    internal static (FileLock Held, bool IsPlaced) Place(ImageStore store, string directory, FileLock held, string name)
    {
        string layer = $"{store.Layers}/{name}";
        store.Settling.Mark(name);
        if (Files.TryRename(directory, layer, out Errno why, noReplace: true))
        {
            held.Share();
            return (held, true);
        }

        return why != Errno.EEXIST ? throw new SyscallException("rename", why, layer)
            : (TryHold(layer) ?? throw new Failure($"layer {name[..12]} was removed while it was being made again", "try again"), false);
    }

    /// <summary>Keeps a layer or blob that is there from being removed; null when it isn't there.</summary>
    internal static FileLock? TryHold(string path)
    {
        if (!Files.Exists(path))
        {
            return null;
        }

        try
        {
            FileLock held = FileLock.OnExisting(path, wait: true, exclusive: false)!;
            if (Files.Exists(path))
            {
                return held;
            }

            held.Dispose();
            return null;
        }
        catch (SyscallException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
    }

    public void Dispose()
    {
        if (!_placed)
        {
            _held.Dispose();
            Directories.RemoveTree(Path);
        }
    }
}
