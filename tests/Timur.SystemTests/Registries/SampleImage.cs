using System.Security.Cryptography;

namespace Timur.SystemTests.Registries;

/// <summary>An image in an OCI layout, made with GNU tar and the usual compressors: busybox, then a layer that changes and hides what is below.</summary>
internal sealed class SampleImage
{
    private readonly string _directory;

    /// <param name="compress">How the upper layer is packed: <c>gzip -c</c>, <c>zstd -c</c>, <c>cat</c>.</param>
    /// <param name="name">Told in the image's labels, so that two images differ.</param>
    internal SampleImage(string directory, string compress = "gzip -c", string name = "sample", int bytes = 3_000_000)
    {
        _directory = directory;
        Outcome made = TimurCommand.Execute("sh", ["-ec", $$"""
            mkdir -p {{directory}}/blobs/sha256 {{directory}}/l1/bin {{directory}}/l1/etc {{directory}}/l2/etc {{directory}}/l2/sub
            cd {{directory}}
            cp /bin/busybox l1/bin/busybox; ln -s busybox l1/bin/sh; echo below >l1/etc/changed; echo below >l1/etc/hidden
            echo above >l2/etc/changed; : >l2/etc/.wh.hidden; ln l2/etc/changed l2/sub/hard; ln -s ../etc/changed l2/sub/soft; mkfifo l2/sub/fifo
            head -c {{bytes}} /dev/urandom >l2/sub/random; chown 1000:2000 l2/sub/random; chmod 4750 l2/sub/random; touch -d '2001-02-03 04:05:06.123456789' l2/sub/random
            for layer in l1 l2; do tar --xattrs --format=pax -C $layer -cf $layer.tar .; done
            gzip -c l1.tar >l1.packed; {{compress}} l2.tar >l2.packed
            """]);
        if (made.Code != 0)
        {
            throw new InvalidOperationException(made.ToString());
        }

        string media = "application/vnd.oci.image.layer.v1.tar" + (compress.StartsWith("gzip", StringComparison.Ordinal) ? "+gzip" : compress.StartsWith("zstd", StringComparison.Ordinal) ? "+zstd" : "");
        Layers = [Blob("l1.packed"), Blob("l2.packed")];
        string config = Json($$"""{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"],"Env":["PATH=/bin"],"Labels":{"name":"{{name}}"} },"rootfs":{"type":"layers","diff_ids":["{{Digest("l1.tar")}}","{{Digest("l2.tar")}}"]},"history":[{},{}]}""");
        Id = config.Split('"')[3];
        Manifest = Json($$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",{{config}} },"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",{{Part(0)}} },{"mediaType":"{{media}}",{{Part(1)}} }]}""");
        File.WriteAllText(directory + "/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
        File.WriteAllText(directory + "/index.json", $$"""{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",{{Manifest}},"annotations":{"org.opencontainers.image.ref.name":"it"} }]}""");
    }

    /// <summary>Digests of the packed layers, lowest first.</summary>
    internal IReadOnlyList<string> Layers { get; }

    /// <summary>Digest of the configuration.</summary>
    internal string Id { get; }

    internal string Manifest { get; }

    internal string ManifestDigest => Manifest.Split('"')[3];

    /// <summary>The upper layer's plain archive.</summary>
    internal string UpperArchive => _directory + "/l2.tar";

    /// <summary>Digest of the upper layer's plain archive, without its algorithm.</summary>
    internal string UpperDiffId => Digest("l2.tar")["sha256:".Length..];

    /// <summary>Brings it to a registry with skopeo.</summary>
    internal void Push(string reference, string options = "--dest-tls-verify=false")
    {
        Outcome outcome = TimurCommand.Execute("skopeo", ["copy", "--preserve-digests", .. options.Split(' '), $"oci:{_directory}:it", $"docker://{reference}"]);
        if (outcome.Code != 0)
        {
            throw new InvalidOperationException(outcome.ToString());
        }
    }

    /// <summary>Makes a digest wrong in the manifest's place: the bytes of the layout's blob with this digest.</summary>
    internal byte[] Bytes(string digest) => File.ReadAllBytes($"{_directory}/blobs/sha256/{digest["sha256:".Length..]}");

    private string Part(int layer) => $"\"digest\":\"{Layers[layer]}\",\"size\":{Bytes(Layers[layer]).Length}";

    private string Digest(string file) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes($"{_directory}/{file}")));

    private string Blob(string file)
    {
        string digest = Digest(file);
        File.Copy($"{_directory}/{file}", $"{_directory}/blobs/sha256/{digest["sha256:".Length..]}", overwrite: true);
        return digest;
    }

    /// <summary>Stores a document; its digest and size as members of a descriptor.</summary>
    private string Json(string text)
    {
        File.WriteAllText(_directory + "/document", text);
        return $"\"digest\":\"{Blob("document")}\",\"size\":{text.Length}";
    }
}
