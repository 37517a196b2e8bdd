using Timur.Images.Tar;
using Timur.Kernel;

namespace Timur.Images;

/// <summary>
/// Makes a layer's copy for one stack: what it puts into directories that it doesn't have goes where links below lead, such directories get the owner, mode and
/// attributes they have below, and hard links to files below become copies.
/// </summary>
internal sealed class StackedLayer : IDisposable
{
    private readonly Fd _plain;
    private readonly OverlayView _view;
    private readonly LayerNeeds _needs;
    private readonly TreeWriter _from;
    private readonly TreeWriter _to;
    private readonly Dictionary<string, string> _moved = [];
    private readonly SortedSet<string> _implied = new(StringComparer.Ordinal);
    private readonly List<(byte[] Path, OwnerAndTimes Times)> _directories = [];

    internal StackedLayer(Fd plain, Fd target, OverlayView view, LayerNeeds needs)
    {
        (_plain, _view, _needs) = (plain, view, needs);
        _from = new TreeWriter(plain);
        _to = new TreeWriter(target) { Implied = path => _implied.Add(LayerStacking.ToText(path)) };
    }

    public void Dispose()
    {
        _from.Dispose();
        _to.Dispose();
    }

    /// <param name="what">The layer, for messages.</param>
    internal void Make(string what)
    {
        foreach (string path in _needs.Directories)
        {
            using OverlayEntry below = _view.Find(LayerStacking.ToBytes(Moved(path)), follow: true);
            _moved[path] = LayerStacking.ToText(below.Place);
        }

        TreeReader.Walk(_plain, Copy);
        foreach ((string path, string target) in _needs.Links)
        {
            Link(path, target, what);
        }

        foreach (string path in _implied.ToList())
        {
            TakeAttributes(LayerStacking.ToBytes(path));
        }

        _directories.Reverse();
        _directories.ForEach(directory => _to.SetDirectoryTime(directory.Path, directory.Times));
    }

    /// <summary>Where a path of the layer goes: along with the nearest directory that has another place below.</summary>
    private string Moved(string path)
    {
        for (int end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
        {
            if (_moved.TryGetValue(path[..end], out string? place))
            {
                return place + path[end..];
            }
        }

        return path;
    }

    private void Copy(TreeEntry entry)
    {
        string path = LayerStacking.ToText(entry.Path);
        byte[] place = LayerStacking.ToBytes(Moved(path));
        bool isImplied = _needs.Directories.Contains(path);
        if (entry.Status.Kind != FileKind.Directory)
        {
            _to.LinkFrom(_from, entry.Path, place);
            return;
        }

        if (isImplied && _to.Kind(place) is FileKind.Directory)
        {
            return;
        }

        if (place.Length > 0)
        {
            _to.MakeDirectory(place, 0x1C0);
        }

        OwnerAndTimes attributes = Attributes(entry.Status);
        _to.SetAttributes(place.Length == 0 ? "."u8 : place, attributes, isLink: false, entry.Extended);
        if (isImplied)
        {
            _implied.Add(LayerStacking.ToText(place));
        }
        else
        {
            _implied.Remove(LayerStacking.ToText(place));
            _directories.Add((place, attributes));
        }
    }

    private void TakeAttributes(byte[] path)
    {
        using OverlayEntry below = _view.Find(path, follow: true);
        if (below.Thing is { } thing && Files.Status(thing) is { Kind: FileKind.Directory } status)
        {
            OwnerAndTimes attributes = Attributes(status);
            _to.SetAttributes(path, attributes, isLink: false, LayerStacking.Marks(thing));
            _directories.Add((path, attributes));
            return;
        }

        _directories.Add((path, default));
    }

    private void Link(string path, string target, string what)
    {
        byte[] place = LayerStacking.ToBytes(Moved(path));
        if (_to.Kind(place) is not null || _to.TryMakeHardLink(place, LayerStacking.ToBytes(Moved(target))))
        {
            return;
        }

        using OverlayEntry below = _view.Find(LayerStacking.ToBytes(target), follow: false);
        if (below.Thing is not { } thing || Files.Status(thing).Kind == FileKind.Directory)
        {
            throw new Failure($"{what} links '{path}' to '{target}', which neither it nor a layer below has", "the image is wrong: ask whoever made it");
        }

        Copy(thing, Files.Status(thing), place);
    }

    private void Copy(Fd thing, FileStatus status, byte[] place)
    {
        switch (status.Kind)
        {
            case FileKind.SymbolicLink: _to.MakeSymbolicLink(place, TreeReader.ReadLink(thing)); break;
            case FileKind.Regular: CopyContent(thing, place); break;
            default: _to.MakeNode(place, status.Kind, status.SpecialMajor, status.SpecialMinor); break;
        }

        _to.SetAttributes(place, Attributes(status), status.Kind == FileKind.SymbolicLink, LayerStacking.Marks(thing));
    }

    private void CopyContent(Fd thing, byte[] place)
    {
        using Fd from = Files.Open(thing.ProcPath, Open.Read);
        using Fd to = _to.MakeFile(place);
        SparseFiles.CopyContent(from, to, new byte[128 * 1024], TreeWriter.Show(place));
    }

    private static OwnerAndTimes Attributes(FileStatus status)
        => new(status.Permissions, status.UserId, status.GroupId, status.ModifiedSeconds, status.ModifiedNanoseconds);
}
