namespace Timur.Kernel;

/// <summary>What stands at a place of an overlay.</summary>
/// <param name="Place">The path with symbolic links resolved; what isn't there stands as it was asked for.</param>
/// <param name="Thing">Opened with O_PATH; null when nothing is there.</param>
public sealed record OverlayEntry(byte[] Place, Fd? Thing) : IDisposable
{
    public void Dispose() => Thing?.Dispose();
}

/// <summary>
/// Directories as overlayfs would show them on top of each other, without a mount: whiteouts hide, opaque directories cover, symbolic links are followed inside
/// (overlayfs.rst, "whiteouts and opaque directories").
/// </summary>
/// <param name="layers">Topmost first.</param>
public sealed unsafe class OverlayView(IReadOnlyList<string> layers)
{
    /// <summary>As many as the kernel follows in one path (path_resolution(7)).</summary>
    private const int MostLinks = 40;

    /// <summary>Finds a path; a symbolic link at its end is followed when <paramref name="follow"/> says so.</summary>
    public OverlayEntry Find(ReadOnlySpan<byte> path, bool follow)
    {
        var rest = new Stack<byte[]>(PathComponents.Split(path.ToArray()).AsEnumerable().Reverse());
        var place = new List<byte[]>();
        for (int links = 0; rest.TryPop(out byte[]? component);)
        {
            if (component is [(byte)'.', (byte)'.'])
            {
                place.RemoveRange(Math.Max(0, place.Count - 1), Math.Min(1, place.Count));
                continue;
            }

            place.Add(component);
            using Fd? thing = Open(place);
            if (thing is null || (rest.Count == 0 && !follow) || Files.Status(thing).Kind != FileKind.SymbolicLink)
            {
                continue;
            }

            byte[] target = TreeReader.ReadLink(thing);
            place.RemoveAt(place.Count - 1);
            if (target is [(byte)'/', ..])
            {
                place.Clear();
            }

            if (++links > MostLinks)
            {
                throw new SyscallException("open", Errno.ELOOP, TreeWriter.Show(path));
            }

            foreach (byte[] part in PathComponents.Split(target).AsEnumerable().Reverse())
            {
                rest.Push(part);
            }
        }

        return new OverlayEntry(PathComponents.Join(place), Open(place));
    }

    /// <summary>What the topmost layer that says anything has at a path without links.</summary>
    private Fd? Open(List<byte[]> place)
    {
        List<Fd> directories = layers.Select(layer => Files.Open(layer, Kernel.Open.Path | Kernel.Open.Directory)).ToList();
        for (int i = 0; i < place.Count; i++)
        {
            List<Fd> next = Enter(directories, place[i]);
            directories.ForEach(directory => directory.Dispose());
            directories = next;
        }

        directories.Skip(1).ToList().ForEach(directory => directory.Dispose());
        return directories.Count > 0 ? directories[0] : null;
    }

    /// <summary>The directories of that name that are merged, or the one thing that hides them all.</summary>
    private static List<Fd> Enter(List<Fd> directories, byte[] name)
    {
        var found = new List<Fd>();
        foreach (Fd directory in directories)
        {
            if (TryOpen(directory, name) is not { } thing)
            {
                continue;
            }

            FileStatus status = Files.Status(thing);
            bool isWhiteout = status is { Kind: FileKind.CharacterDevice, SpecialMajor: 0, SpecialMinor: 0 };
            bool isDirectory = status.Kind == FileKind.Directory;
            if (isWhiteout || (!isDirectory && found.Count > 0))
            {
                thing.Dispose();
                break;
            }

            found.Add(thing);
            if (!isDirectory || TreeReader.Extended(thing).Exists(attribute => attribute.Name.AsSpan().SequenceEqual("trusted.overlay.opaque"u8)))
            {
                break;
            }
        }

        return found;
    }

    private static Fd? TryOpen(Fd directory, byte[] name)
    {
        fixed (byte* text = TreeWriter.Terminated(name))
        {
            long result = Sys.CallRetry(Nr.openat, directory.Raw, (long)text, Files.OpenBits(Kernel.Open.Path | Kernel.Open.NoFollow), 0);
            return result is -(int)Errno.ENOENT or -(int)Errno.ENOTDIR ? null : new Fd((int)Sys.Check(result, "open", TreeWriter.Show(name)));
        }
    }
}
