using System.Text;
using Timur.Digests;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// Finds the directories to stack for an image. A layer is unpacked once and shared, so that it can't know what is below; some take that for granted
/// (<see cref="LayerNeeds"/>), and get a copy made of hard links for each stack in which it makes a difference.
/// </summary>
internal sealed class LayerStacking(ImageStore store)
{
    private readonly string _needs = store.Paths.Images + "/needs";

    /// <summary>The record of what a layer needs, if there is one.</summary>
    internal string RecordOf(string diffId) => $"{_needs}/{diffId}";

    /// <summary>Remembers what a layer needs, before the layer has its name.</summary>
    internal void Record(string diffId, LayerNeeds needs)
    {
        if (!needs.IsEmpty)
        {
            Directories.Create(_needs);
            AtomicFile.Write($"{_needs}/{diffId}", needs.Write(), 0x1A4);
        }
    }

    /// <summary>Names of directories in the store's layers, lowest first; held, so that nobody removes new ones before an image names them.</summary>
    /// <param name="diffIds">Hexadecimal, lowest first; all are unpacked.</param>
    internal IReadOnlyList<string> Stack(IEnumerable<string> diffIds, List<FileLock> held)
    {
        var names = new List<string>();
        foreach (string diffId in diffIds)
        {
            LayerNeeds? needs = Files.TryReadAll($"{_needs}/{diffId}", out _) is { } bytes ? LayerNeeds.Read(bytes) : null;
            var view = new OverlayView([.. names.AsEnumerable().Reverse().Select(name => $"{store.Layers}/{name}")]);
            if (needs is not null && Differs(view, needs))
            {
                string name = Sha256.Hex(Encoding.ASCII.GetBytes(string.Join('\n', names) + "\n\n" + diffId));
                held.Add(UnfinishedLayer.TryHold($"{store.Layers}/{name}") ?? Make(name, diffId, view, needs));
                names.Add(name);
            }
            else
            {
                names.Add(diffId);
            }
        }

        return names;
    }

    /// <summary>Records of layers that are gone, and aren't on their way again: a record comes before its layer.</summary>
    internal IEnumerable<string> Leftovers()
    {
        List<DirectoryEntry> layers = Directories.List(store.Layers);
        return Directories.List(_needs).Where(entry => !layers.Exists(layer => layer.Name == entry.Name || layer.Name.StartsWith($".unpack.{entry.Name[..Math.Min(16, entry.Name.Length)]}.", StringComparison.Ordinal)))
            .Select(entry => $"{_needs}/{entry.Name}");
    }

    /// <summary>Removes the records of layers that are gone.</summary>
    internal void Forget()
    {
        foreach (string record in Leftovers())
        {
            Files.TryUnlink(record, out _);
        }
    }

    private static bool Differs(OverlayView view, LayerNeeds needs)
        => needs.Links.Count > 0 || needs.Directories.Any(path =>
        {
            using OverlayEntry below = view.Find(ToBytes(path), follow: true);
            return ToText(below.Place) != path || (below.Thing is { } thing && Files.Status(thing) is { Kind: FileKind.Directory } status
                && ((status.Permissions, status.UserId, status.GroupId) != (0x1EDu, 0u, 0u) || Marks(thing).Count > 0));
        });

    private FileLock Make(string name, string diffId, OverlayView view, LayerNeeds needs)
    {
        using var unfinished = new UnfinishedLayer(store, name[..16]);
        using (Fd plain = Files.Open($"{store.Layers}/{diffId}", Open.Read | Open.Directory))
        using (Fd target = Files.Open(unfinished.Path, Open.Read | Open.Directory))
        {
            using var layer = new StackedLayer(plain, target, view, needs);
            layer.Make($"layer {diffId[..12]}");
        }

        return unfinished.Place(name);
    }

    /// <summary>Extended attributes but for overlay's own.</summary>
    internal static List<(byte[] Name, byte[] Value)> Marks(Fd thing)
        => TreeReader.Extended(thing).FindAll(attribute => !attribute.Name.AsSpan().StartsWith("trusted.overlay."u8));

    internal static byte[] ToBytes(string path) => Encoding.Latin1.GetBytes(path);

    internal static string ToText(byte[] path) => Encoding.Latin1.GetString(path);
}
