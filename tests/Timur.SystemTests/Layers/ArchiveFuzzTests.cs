using System.Security.Cryptography;
using System.Text;
using Timur.Images;
using Timur.State;
using Timur.Tests.Images;
using Xunit;

namespace Timur.SystemTests.Layers;

/// <summary>
/// Saved images that somebody damaged before the digests were made: each is loaded or refused by a sentence, leaves nothing unfinished, and puts nothing beside the store.
/// </summary>
public sealed class ArchiveFuzzTests : IDisposable
{
    private const int Cases = 12_000;
    private const int Seed = 20261127;
    private const int MostMemory = 200 << 10;

    /// <summary>In memory: each layer is brought to the disk, which costs a disk its time.</summary>
    private readonly string _root = Directory.CreateDirectory($"/dev/shm/timur-fuzz-{Environment.ProcessId}").FullName;

    private static readonly string Layer = Encoding.Latin1.GetString(new TarBuilder()
        .Directory("d/").File("d/f", "content").Link("d/g", "d/f").Symlink("s", "d").File("d/.wh.old", "").Pax(("path", "p/q"), ("SCHILY.xattr.user.a", "b")).File("x").Directory("d/", 0x3FF).Bytes);

    private const string Config = """{"architecture":"amd64","os":"linux","config":{"Env":["A=b"],"Cmd":["c"],"Volumes":{"/v":{}}},"rootfs":{"type":"layers","diff_ids":["sha256:LAYER"]},"history":[{"created_by":"x"}]}""";

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Docker_archives()
    {
        string manifest = """[{"Config":"config.json","RepoTags":["fuzz:1"],"Layers":["layer.tar"]}]""";
        Check([manifest, Config, Layer], parts => new TarBuilder().File("manifest.json", parts[0]).File("config.json", Named(parts[1], parts[2])).File("layer.tar", parts[2]).Bytes);
    }

    [Fact]
    public void Layouts()
    {
        const string manifest = """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:CONFIG","size":CONFIGSIZE},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:LAYER","size":LAYERSIZE}]}""";
        const string index = """{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:MANIFEST","size":MANIFESTSIZE,"annotations":{"org.opencontainers.image.ref.name":"fuzz"}}]}""";
        Check([index, manifest, Config, Layer], parts =>
        {
            string config = Named(parts[2], parts[3]);
            string document = Named(parts[1], parts[3]).Replace("CONFIGSIZE", $"{config.Length}", StringComparison.Ordinal).Replace("CONFIG", Hex(config), StringComparison.Ordinal);
            string top = parts[0].Replace("MANIFESTSIZE", $"{document.Length}", StringComparison.Ordinal).Replace("MANIFEST", Hex(document), StringComparison.Ordinal);
            return new TarBuilder().File("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}").File("index.json", top).File($"blobs/sha256/{Hex(document)}", document)
                .File($"blobs/sha256/{Hex(config)}", config).File($"blobs/sha256/{Hex(parts[3])}", parts[3]).Bytes;
        });
    }

    /// <summary>What a process needs at most, as the kernel counts it (VmHWM): documents, lists and headers that are far larger than any that is meant.</summary>
    [Fact]
    public void Enormous_archives_are_refused_or_read_within_two_hundred_megabytes()
    {
        using var timur = new TimurCommand();
        string many = string.Join(',', Enumerable.Repeat("\"layer.tar\"", 300_000));
        foreach ((string name, TarBuilder archive) in (ReadOnlySpan<(string, TarBuilder)>)
            [
                ("deep", new TarBuilder().File("manifest.json", new string('[', 7_000_000))),
                ("long", new TarBuilder().File("manifest.json", "[{\"Config\":\"c\",\"Layers\":[" + many + "]}]").File("c", Config)),
                ("too-long", new TarBuilder().File("manifest.json", new string(' ', 60_000_000))),
                ("config", new TarBuilder().File("manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"l\"]}]").File("c", "{\"a\":\"" + new string('x', 7_900_000) + "\"}").File("l", Layer)),
                ("header", new TarBuilder().Entry('x', "pax", content: Encoding.ASCII.GetBytes(new string('1', 50_000_000))).File("manifest.json", "[]")),
                ("name", new TarBuilder().Entry('L', "name", content: Encoding.ASCII.GetBytes(new string('n', 50_000_000))).File("manifest.json", "[]")),
                ("layer", new TarBuilder().File("manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"l\"]}]").File("c", Named(Config, new string('\0', 80_000_000))).File("l", new string('\0', 80_000_000))),
            ])
        {
            string file = $"{timur.Root}/{name}.tar";
            File.WriteAllBytes(file, archive.Bytes);
            Outcome loaded = TimurCommand.Execute("sh", ["-c", $"exec busybox time -v {timur.Words} load -q -i {file}"]);
            File.Delete(file);
            long peak = long.Parse(loaded.Error.Split("Maximum resident set size (kbytes):")[1].Split('\n')[0]);
            Assert.True(peak is > 1000 and < MostMemory && loaded.Code is 0 or 125 && !loaded.Error.Contains("   at ", StringComparison.Ordinal), $"{name}: {peak} kB {loaded.Code} {loaded.Error[..Math.Min(loaded.Error.Length, 1000)]}");
        }

        Assert.Equal("everything is as recorded\n", timur.Run("system", "check").Out);
    }

    /// <summary>Damages one part in each case, with the others as they are; the digests are made after.</summary>
    private void Check(string[] parts, Func<string[], byte[]> pack)
    {
        var images = ImageStore.Open(new DataPaths(_root + "/data", _root + "/run"), settles: false);
        int loaded = 0;
        int kinds = 0;
        for (int part = 0; part < parts.Length; part++)
        {
            int which = part;
            var mutation = new Mutation(Seed + part, [parts[part]], "../../../escape", "/dev/shm/escape", ".wh.", ".wh..wh..opq", "ustar", "\0\0\0\0\0\0\0\0", "\"Layers\":[", "sha256:LAYER", "fuzz:2", "0000644\0");
            mutation.Run(Cases / parts.Length, text =>
            {
                string[] damaged = [.. parts];
                damaged[which] = text;
                using var archive = new MemoryStream(pack(damaged));
                IReadOnlyList<LoadedImage> all = new ImageLoad(images, new Silent()).Load(archive, "archive");
                loaded++;
                string answer = string.Join(' ', all.Select(one => $"{one.Names.Count} {one.Image.Config.DiffIds.Count} {one.Image.Config.Env.Count}"));
                Directory.Delete(_root + "/data/images", recursive: true);
                return answer;
            });
            kinds += mutation.Kinds;
        }

        Assert.True(loaded > Cases / 200 && kinds > 30, $"{loaded} were loaded, {kinds} kinds of answers");
        Assert.Equal(["data"], Directory.GetFileSystemEntries(_root).Select(Path.GetFileName));
        Assert.Equal(["images"], Directory.GetFileSystemEntries(_root + "/data").Select(Path.GetFileName));
        Assert.Empty(Directory.GetFileSystemEntries("/dev/shm", "escape*"));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_root + "/data/images", "*", new EnumerationOptions { AttributesToSkip = 0, RecurseSubdirectories = true, MaxRecursionDepth = 1 }), path => Path.GetFileName(path).StartsWith('.'));
    }

    private static string Named(string text, string layer)
        => text.Replace("LAYERSIZE", $"{layer.Length}", StringComparison.Ordinal).Replace("LAYER", Hex(layer), StringComparison.Ordinal);

    /// <summary>Text is Latin-1: each character a byte.</summary>
    private static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(text)));

    private sealed class Silent : ITransferProgress
    {
        public void Begin(string layer, long size)
        {
        }

        public void Advance(string layer, long bytes)
        {
        }

        public void End(string layer, string how)
        {
        }

        public void Say(string line)
        {
        }
    }
}
