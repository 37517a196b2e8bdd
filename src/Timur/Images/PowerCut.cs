using System.Text;
using Timur.Digests;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// Puts right what the machine left in doubt when it went down (<see cref="Settling"/>): a layer is compared with its name or unpacked again, and an image that can't
/// be mended is gone, so that it is built or pulled again and not run with empty files.
/// </summary>
internal sealed class PowerCut
{
    /// <summary>Directories of small files that say what there is; the names of images are looked at after them.</summary>
    private static readonly string[] Small = ["configs", "manifests", "stacks", "needs", "origins", "lists", "cache"];

    private readonly ImageStore _store;
    private readonly IReadOnlySet<string> _inDoubt;

    private PowerCut(ImageStore store, IReadOnlySet<string> inDoubt) => (_store, _inDoubt) = (store, inDoubt);

    /// <summary>Does nothing unless something is in doubt and the store is one's own; one process at a time.</summary>
    internal static void Mend(ImageStore store)
    {
        string marks = Settling.MarksOf(store.Paths);
        if (Files.TryStatus(marks, out _) is not { } status || status.UserId != Processes.EffectiveUser || store.Settling.InDoubt().Count == 0)
        {
            return;
        }

        using (FileLock? alone = FileLock.TryTakeDirectory(marks, wait: true))
        {
            if (alone is not null && store.Settling.InDoubt() is { Count: > 0 } inDoubt)
            {
                Say("the machine went down before its newest images were on the disk: looking at them");
                new PowerCut(store, inDoubt).Mend();
                store.Settling.Forget();
            }
        }

        store.Settling.FinishInBackground();
    }

    private void Mend()
    {
        RemoveDamagedRecords();
        RemoveLostNames();
        foreach (string blob in _inDoubt.Where(name => name.Contains('-')))
        {
            MendBlob(blob);
        }

        foreach (string layer in _inDoubt.Where(name => name.Length == 2 * Sha256.Size))
        {
            MendLayer(layer);
        }

        // A stack may be of layers that are new now, or its record may be among what was lost.
        foreach (Image image in _store.All().Where(IsTouched))
        {
            _store.Restack(image);
        }
    }

    private bool IsTouched(Image image)
        => image.Config.DiffIds.All(diffId => Files.Exists(_store.DirectoryOf(diffId)))
            && (_inDoubt.Contains(Settling.Records) || image.Config.DiffIds.Any(diffId => _inDoubt.Contains(Path.GetFileName(_store.DirectoryOf(diffId)))));

    private void RemoveDamagedRecords()
    {
        foreach (string path in Small.SelectMany(directory => Directories.List($"{_store.Paths.Images}/{directory}").Select(entry => $"{_store.Paths.Images}/{directory}/{entry.Name}")))
        {
            if (Files.TryReadAll(path, out _) is { } bytes && LacksBytes(bytes))
            {
                Files.TryUnlink(path, out _);
            }
        }

        foreach (string path in _store.DamagedConfigs().ToList())
        {
            Files.TryUnlink(path, out _);
        }
    }

    private void RemoveLostNames()
    {
        foreach (DirectoryEntry entry in Directories.List(_store.Names).Where(entry => !entry.Name.StartsWith('.')))
        {
            if (Files.TryReadAll($"{_store.Names}/{entry.Name}", out _) is { } bytes && (LacksBytes(bytes) || !Files.Exists($"{_store.Configs}/{Encoding.UTF8.GetString(bytes)}.json")))
            {
                Lose(ImageName.FromFileName(entry.Name));
            }
        }
    }

    /// <summary>The journal may have had a file's name, perhaps its length, and the disk none of its bytes, which are zeros then: none of these texts has one.</summary>
    private static bool LacksBytes(byte[] text) => text.Length == 0 || text.Contains((byte)0);

    private void Lose(ImageName name)
    {
        Say($"the image {name.Familiar} was lost: build or pull it again");
        _store.Untag(name);
    }

    private void MendBlob(string name)
    {
        string path = $"{_store.Blobs.Blobs}/{name}";
        if (!Files.Exists(path) || !Digest.TryParseFileName(name, out Digest digest) || _store.Blobs.IsWhole(digest))
        {
            return;
        }

        _store.GiveUpBlob(path);
    }

    private void MendLayer(string name)
    {
        string directory = $"{_store.Layers}/{name}";
        if (!Files.Exists(directory))
        {
            return;
        }

        string diffId = "sha256:" + name;
        if (!TryUnpackAgain(diffId) && LayerMaking.DigestOf(directory) != name)
        {
            // What a stack needs is made again after this.
            foreach (Image image in _store.All().Where(image => image.Config.DiffIds.Contains(diffId)))
            {
                Lose(image);
            }

            _store.Discard(directory);
        }
    }

    private bool TryUnpackAgain(string diffId)
    {
        if (_store.Blobs.ByDiffId(_store.All())[diffId].FirstOrDefault(blob => Files.Exists(_store.Blobs.PathOf(blob.Digest)) && _store.Blobs.IsWhole(blob.Digest)) is not { } whole)
        {
            return false;
        }

        try
        {
            LayerMending.Unpack(_store, whole, diffId);
            return true;
        }
        catch (Failure)
        {
            // A blob that is what it is called and no layer, or not this one.
            return false;
        }
    }

    private void Lose(Image image)
    {
        foreach (ImageName name in _store.NamesOf(image.Id))
        {
            Lose(name);
        }

        _store.TryRemove(image, () => false);
    }

    private static void Say(string line) => Files.TryWrite(Descriptors.Standard(2), Encoding.UTF8.GetBytes($"timur: {line}\n"), out _);
}
