using Timur.Kernel;

namespace Timur.State;

/// <summary>A directory that was moved out of sight and waits to be deleted by this process; if that dies, <c>system check</c> finds it in the trash.</summary>
public sealed class Discarded : IDisposable
{
    private readonly Fd _held;
    private readonly string _path;

    private Discarded(Fd held, string path) => (_held, _path) = (held, path);

    /// <summary>Moves <paramref name="directory"/> into the trash in one rename; null and the reason when that fails.</summary>
    public static Discarded? TryMove(DataPaths paths, string directory, string name, out Errno why)
    {
        Fd? held = Files.TryOpen(directory, Open.Read | Open.Directory, out why);
        if (held is null)
        {
            return null;
        }

        Files.TryLock(held, exclusive: true, wait: false);
        string target = $"{paths.Trash}/{name}";
        if (Files.TryRename(directory, target, out why))
        {
            return new Discarded(held, target);
        }

        held.Dispose();
        return null;
    }

    /// <summary>Deletes it.</summary>
    public void Dispose()
    {
        Directories.RemoveTree(_path);
        _held.Dispose();
    }
}
