using System.Text;
using Timur.Images.Compression;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images;

/// <summary>
/// The files of a saved image, by their names: of a directory, or of an archive that was read to its end into files of our own, since what it says of itself may
/// stand last. Names lead nowhere else: in a directory they are resolved inside it, in an archive they are only compared.
/// </summary>
internal sealed class ArchiveFiles : IDisposable
{
    private const int MostFiles = 100_000;
    private const int MostLinks = 8;

    /// <summary>Manifests of 4 MiB have to work; nobody needs larger ones.</summary>
    private const int LargestDocument = 8 << 20;

    private readonly Fd? _directory;
    private readonly string? _scratch;
    private readonly FileLock? _held;
    private readonly Dictionary<string, string> _files = [];
    private readonly Dictionary<string, string> _links = [];

    private ArchiveFiles(Fd directory) => _directory = directory;

    private ArchiveFiles(string scratch)
    {
        Directories.Create(scratch);
        _scratch = scratch;
        _held = InProgress.Hold(scratch);
    }

    /// <summary>A directory in OCI layout.</summary>
    internal static ArchiveFiles OfDirectory(string path) => new(Files.Open(path, Open.Read | Open.Directory));

    /// <summary>Reads an archive, compressed or not.</summary>
    internal static ArchiveFiles OfArchive(ImageStore store, Stream archive, CancellationToken cancel)
    {
        var files = new ArchiveFiles($"{store.Paths.Images}/.loading.{Processes.Self}");
        try
        {
            using Stream plain = Decompression.OpenGiven(archive);
            files.Read(plain, cancel);
            return files;
        }
        catch (Exception e)
        {
            files.Dispose();
            if (Decompression.IsDamage(e))
            {
                throw new Failure($"the archive is damaged: {e.Message}", "it may have been cut off: get it again", cause: e);
            }

            throw;
        }
    }

    internal bool Has(string name) => _directory is null ? TryFind(name) is not null : TryOpen(name) is { } file && Closed(file);

    /// <summary>A file's content from its start.</summary>
    internal Stream Content(string name, string what)
    {
        string? path = TryFind(name);
        using Fd? file = _directory is null ? null : TryOpen(name);
        return path is not null || file is not null ? new FileStream(path ?? file!.ProcPath, FileMode.Open, FileAccess.Read, FileShare.Read, 1)
            : throw new Failure($"{what}: '{name}' isn't in the archive", "it is incomplete: save the image again");
    }

    /// <summary>A document that fits in memory.</summary>
    internal byte[] ReadDocument(string name, string what)
    {
        using Stream stream = Content(name, what);
        if (stream.Length > LargestDocument)
        {
            throw new Failure($"{what}: '{name}' has {stream.Length} bytes, which is more than any such document needs", "nothing was stored");
        }

        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The path of a file that may be moved away; null in a directory, which belongs to somebody else, or when another name leads to it.</summary>
    internal string? Movable(string name) => _directory is null && _links.Count == 0 ? TryFind(name) : null;

    public void Dispose()
    {
        _directory?.Dispose();
        if (_scratch is not null)
        {
            Directories.RemoveTree(_scratch);
        }

        _held?.Dispose();
    }

    private void Read(Stream plain, CancellationToken cancel)
    {
        var reader = new TarReader(plain);
        byte[] buffer = new byte[128 * 1024];
        while (reader.Next() is { } entry)
        {
            string name = Normal(Encoding.UTF8.GetString(entry.Name));
            if (_files.Count + _links.Count > MostFiles)
            {
                throw new Failure($"the archive has more than {MostFiles} files, which no saved image has", "give what timur save or docker save wrote");
            }

            switch (entry.Kind)
            {
                case TarKind.File:
                    string path = $"{_scratch}/{_files.Count}";
                    using (Fd file = Files.Open(path, Open.Write | Open.Create | Open.Exclusive, 0x1A4))
                    {
                        int count;
                        while ((count = reader.Read(buffer)) > 0)
                        {
                            cancel.ThrowIfCancellationRequested();
                            Files.Write(file, buffer.AsSpan(0, count), path);
                        }
                    }

                    _files[name] = path;
                    break;
                case TarKind.SymbolicLink or TarKind.HardLink:
                    string target = Encoding.UTF8.GetString(entry.LinkName);
                    _links[name] = entry.Kind == TarKind.HardLink || target.StartsWith('/') ? Normal(target) : Normal($"{Path.GetDirectoryName(name)}/{target}");
                    break;
                default:
                    break;
            }
        }
    }

    private string? TryFind(string name)
    {
        string place = Normal(name);
        for (int i = 0; i < MostLinks && _links.TryGetValue(place, out string? target); i++)
        {
            place = target;
        }

        return _files.GetValueOrDefault(place);
    }

    private Fd? TryOpen(string name)
    {
        Fd? file = Files.TryOpenInRoot(_directory!, name, Open.Read | Open.NonBlock, out _);
        return file is null || Files.Status(file).Kind == FileKind.Regular || !Closed(file) ? file : null;
    }

    private static bool Closed(Fd file)
    {
        file.Dispose();
        return true;
    }

    /// <summary>Without empty and single-dot components; ".." takes one away, as in a path below "/".</summary>
    private static string Normal(string name)
    {
        var parts = new List<string>();
        foreach (string part in name.Split('/'))
        {
            if (part == ".." && parts.Count > 0)
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("" or "." or ".."))
            {
                parts.Add(part);
            }
        }

        return string.Join('/', parts);
    }
}
