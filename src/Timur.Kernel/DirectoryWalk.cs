namespace Timur.Kernel;

/// <summary>
/// Goes down a path component by component inside a root, makes directories that are missing, and follows symbolic links as the kernel would with that root:
/// for paths that lead to what isn't there yet, perhaps through a link, and for paths longer than the kernel takes at once.
/// </summary>
/// <param name="make">False: nothing is made, and a path that leads nowhere has no end.</param>
/// <param name="made">Hears of each directory that was made: its path, links resolved.</param>
internal sealed unsafe class DirectoryWalk(Fd root, bool make, Action<byte[]>? made = null)
{
    /// <summary>As many as the kernel follows in one path (path_resolution(7)).</summary>
    private const int MostLinks = 40;

    private readonly List<byte[]> _place = [];
    private Fd _current = Descriptors.Duplicate(root);

    /// <summary>The directory at the end of the path; null when nothing is made and it isn't there.</summary>
    internal Fd? Go(byte[] path)
    {
        try
        {
            var rest = new Stack<byte[]>(PathComponents.Split(path).AsEnumerable().Reverse());
            int links = 0;
            while (rest.TryPop(out byte[]? component))
            {
                if (component is [(byte)'.', (byte)'.'])
                {
                    Return(Math.Max(0, _place.Count - 1));
                }
                else if (TryReadLink(component) is { } target)
                {
                    Follow(target, rest, ++links <= MostLinks ? path : throw new SyscallException("open", Errno.ELOOP, TreeWriter.Show(path)));
                }
                else if (!TryEnter(component))
                {
                    _current.Dispose();
                    return null;
                }
            }

            return _current;
        }
        catch
        {
            _current.Dispose();
            throw;
        }
    }

    /// <summary>Back to the root and down again: what was passed on the way is only kept by name.</summary>
    private void Return(int depth)
    {
        List<byte[]> kept = _place[..depth];
        _place.Clear();
        _current.Dispose();
        _current = Descriptors.Duplicate(root);
        kept.ForEach(component => TryEnter(component));
    }

    private void Follow(byte[] target, Stack<byte[]> rest, byte[] path)
    {
        if (target is [(byte)'/', ..])
        {
            Return(0);
        }

        foreach (byte[] component in PathComponents.Split(target).AsEnumerable().Reverse())
        {
            rest.Push(component);
        }

        if (rest.Count > path.Length + (MostLinks * target.Length))
        {
            throw new SyscallException("open", Errno.ELOOP, TreeWriter.Show(path));
        }
    }

    private bool TryEnter(byte[] component)
    {
        _place.Add(component);
        fixed (byte* text = TreeWriter.Terminated(component))
        {
            long result = make ? Sys.Call(Nr.mkdirat, _current.Raw, (long)text, 0x1ED) : -(int)Errno.EEXIST;
            if (result == 0)
            {
                made?.Invoke(PathComponents.Join(_place));
            }
            else if (result != -(int)Errno.EEXIST)
            {
                Sys.Check(result, "mkdir", TreeWriter.Show(PathComponents.Join(_place)));
            }

            long opened = Sys.CallRetry(Nr.openat, _current.Raw, (long)text, Files.OpenBits(Open.Path | Open.Directory | Open.NoFollow), 0);
            if (!make && (opened is -(int)Errno.ENOENT or -(int)Errno.ENOTDIR))
            {
                return false;
            }

            var next = new Fd((int)(opened >= 0 ? opened : Sys.Check(opened, "open", TreeWriter.Show(PathComponents.Join(_place)))));
            _current.Dispose();
            _current = next;
            return true;
        }
    }

    private byte[]? TryReadLink(byte[] component)
    {
        byte[] target = new byte[4096];
        fixed (byte* text = TreeWriter.Terminated(component), buffer = target)
        {
            long count = Sys.Call(Nr.readlinkat, _current.Raw, (long)text, (long)buffer, target.Length);
            return count < 0 ? null : target[..(int)count];
        }
    }
}
