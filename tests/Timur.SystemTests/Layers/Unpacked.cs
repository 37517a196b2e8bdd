using Timur.Images.Tar;
using Timur.Kernel;

namespace Timur.SystemTests.Layers;

/// <summary>An archive unpacked into a directory of its own, below one where nothing may change.</summary>
internal sealed class Unpacked : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("timur-test-").FullName;

    internal Unpacked() => Directory.CreateDirectory(Root);

    internal string Root => _home + "/root";

    internal LayerNeeds Needs { get; private set; } = new();

    internal static Unpacked From(TarBuilder archive)
    {
        var unpacked = new Unpacked();
        unpacked.Unpack(archive.Bytes);
        return unpacked;
    }

    internal void Unpack(byte[] archive, int mostEntries = int.MaxValue)
    {
        using var stream = new MemoryStream(archive);
        using Fd root = Files.Open(Root, Open.Path | Open.Directory);
        using var unpacker = new LayerUnpacker(stream, root) { MostEntries = mostEntries };
        unpacker.Run();
        Needs = unpacker.Needs;
    }

    /// <summary>What stat(1) says in that format; an empty text for nothing.</summary>
    internal string Stat(string path, string format) => TimurCommand.Execute("stat", ["-c", format, $"{Root}/{path}"]).Out.Trim();

    internal string Read(string path) => File.ReadAllText($"{Root}/{path}");

    internal bool IsWhiteout(string path) => Stat(path, "%F %t %T") == "character special file 0 0";

    internal bool IsOpaque(string path) => TimurCommand.Execute("getfattr", ["-h", "--only-values", "-n", "trusted.overlay.opaque", $"{Root}/{path}"]).Out == "y";

    /// <summary>Everything beside the root: what an archive might have made outside.</summary>
    internal string Outside() => string.Join('\n', Directory.EnumerateFileSystemEntries(_home).Where(path => path != Root).Order());

    public void Dispose()
    {
        Directories.RemoveTree(_home);
    }
}
