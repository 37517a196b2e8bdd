using System.Security.Cryptography;
using System.Text;

namespace Timur.SystemTests.Layers;

/// <summary>An image in a layout (OCI image-layout.md), made of layers that are told entry by entry; its reference there is <c>it</c>.</summary>
internal static class OciLayout
{
    internal static void Write(string directory, params TarBuilder[] layers)
    {
        Directory.CreateDirectory(directory + "/blobs/sha256");
        List<string> diffIds = [.. layers.Select(layer => Blob(directory, layer.Bytes))];
        string config = Document(directory, $$"""{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/bin:/bin"]},"rootfs":{"type":"layers","diff_ids":[{{string.Join(',', diffIds.Select(id => $"\"{id}\""))}}]} }""");
        string parts = string.Join(',', diffIds.Zip(layers).Select(pair => $$"""{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{pair.First}}","size":{{pair.Second.Bytes.Length}} }"""));
        string manifest = Document(directory, $$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",{{config}} },"layers":[{{parts}}]}""");
        File.WriteAllText(directory + "/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
        File.WriteAllText(directory + "/index.json", $$"""{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",{{manifest}},"annotations":{"org.opencontainers.image.ref.name":"it"} }]}""");
    }

    /// <summary>A base layer with busybox in usr/bin, and /bin and /opt as links, as distributions have them.</summary>
    internal static TarBuilder LinkedBase() => new TarBuilder()
        .Directory("usr/").Directory("usr/bin/").Entry('0', "usr/bin/busybox", content: File.ReadAllBytes("/bin/busybox"), mode: 0x1ED).Symlink("usr/bin/sh", "busybox")
        .Symlink("bin", "usr/bin").Directory("data/").Symlink("opt", "/data").Directory("etc/")
        .Directory("tmp/", 0x3FF).File("tmp/old").Directory("home/")
        .Pax(("uid", "1000"), ("gid", "1000"), ("mtime", "5")).Directory("home/user/", 0x1E8).File("home/user/secret", "secret", 0x180, 1000);

    private static string Document(string directory, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return $"\"digest\":\"{Blob(directory, bytes)}\",\"size\":{bytes.Length}";
    }

    private static string Blob(string directory, byte[] bytes)
    {
        string hex = Convert.ToHexStringLower(SHA256.HashData(bytes));
        File.WriteAllBytes($"{directory}/blobs/sha256/{hex}", bytes);
        return "sha256:" + hex;
    }
}
