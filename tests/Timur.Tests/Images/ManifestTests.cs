using System.Text;
using Timur.Digests;
using Timur.Images.Registry;
using Xunit;

namespace Timur.Tests.Images;

public class ManifestTests
{
    private static readonly string Address = Digest.Of("x"u8).ToString();

    [Theory]
    [InlineData("{\"schemaVersion\":2,\"layers\":[]}", "application/vnd.oci.image.manifest.v1+json", MediaTypes.OciManifest)]
    [InlineData("{\"schemaVersion\":2,\"layers\":[]}", "", MediaTypes.OciManifest)]
    [InlineData("{\"schemaVersion\":2,\"manifests\":[]}", "text/plain", MediaTypes.OciIndex)]
    [InlineData("{\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\"}", "", MediaTypes.DockerManifest)]
    [InlineData("{\"mediaType\":\"application/vnd.docker.distribution.manifest.list.v2+json\"}", "application/json", MediaTypes.DockerList)]
    public void A_documents_type_is_what_it_says_or_what_it_came_as(string json, string contentType, string type)
        => Assert.Equal(type, Manifest.TypeOf(Encoding.UTF8.GetBytes(json), contentType, "document"));

    [Theory]
    [InlineData("{\"mediaType\":\"application/vnd.oci.image.index.v1+json\"}", MediaTypes.OciManifest, "the registry says")]
    [InlineData("{\"manifests\":[],\"layers\":[]}", "", "neither")]
    [InlineData("{\"mediaType\":\"text/html\"}", "", "neither")]
    [InlineData("{\"schemaVersion\":1,\"fsLayers\":[]}", "", "schema 1")]
    [InlineData("<html>", "text/html", "not valid JSON")]
    [InlineData("[]", "", "expected an object")]
    public void A_document_that_could_be_taken_for_two_things_is_refused(string json, string contentType, string reason)
        => Assert.Contains(reason, Assert.Throws<Failure>(() => Manifest.TypeOf(Encoding.UTF8.GetBytes(json), contentType, "document")).Message);

    [Theory]
    [InlineData("Application/Vnd.OCI.image.manifest.v1+json; charset=utf-8", MediaTypes.OciManifest)]
    [InlineData(null, "")]
    public void Parameters_of_a_content_type_do_not_count(string? contentType, string bare) => Assert.Equal(bare, MediaTypes.Bare(contentType));

    [Fact]
    public void Layers_and_configuration_are_read_and_the_bytes_are_kept()
    {
        byte[] bytes = Encoding.UTF8.GetBytes($$"""{"config":{{Descriptor(MediaTypes.DockerConfig)}}, "layers":[{{Descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip")}},{{Descriptor("application/vnd.oci.image.layer.v1.tar+zstd")}}]}""");
        Manifest manifest = Manifest.Read(bytes, MediaTypes.DockerManifest, "document");
        Assert.Equal((2, 7L, bytes.Length), (manifest.Layers.Count, manifest.Config.Size, manifest.Bytes.Length));
    }

    [Theory]
    [InlineData("application/vnd.example.wasm", "application/vnd.oci.image.layer.v1.tar", "artifact")]
    [InlineData(MediaTypes.OciConfig, "application/vnd.example.weights", "artifact")]
    public void An_artifact_is_no_image(string config, string layer, string reason)
        => Assert.Contains(reason, Assert.Throws<Failure>(() => Manifest.Read(Encoding.UTF8.GetBytes($$"""{"config":{{Descriptor(config)}},"layers":[{{Descriptor(layer)}}]}"""), MediaTypes.OciManifest, "document")).Message);

    [Theory]
    [InlineData("\"digest\":\"sha256:zz\",\"size\":1")]
    [InlineData("\"digest\":\"sha256:../../../../etc/passwd\",\"size\":1")]
    [InlineData("\"size\":1")]
    public void A_descriptor_without_a_proper_digest_is_refused(string members)
        => Assert.Throws<Failure>(() => Manifest.Read(Encoding.UTF8.GetBytes($$"""{"config":{"mediaType":"{{MediaTypes.OciConfig}}",{{members}} },"layers":[]}"""), MediaTypes.OciManifest, "document"));

    [Theory]
    [InlineData("linux/amd64", "linux/amd64")]
    [InlineData("linux/arm/v7", "linux/arm/v7")]
    [InlineData("linux/arm/v6", "linux/arm/v6")]
    [InlineData("linux/arm64", "linux/arm64/v8")]
    [InlineData("linux/aarch64", "linux/arm64/v8")]
    [InlineData("amd64", "linux/amd64")]
    public void The_best_entry_for_a_platform_is_chosen(string wanted, string expected)
    {
        string[] platforms = ["unknown/unknown", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/amd64/v3", "linux/amd64", "linux/arm64/v8", "windows/amd64"];
        ImageIndex index = Index(platforms);
        Assert.Equal(Digest.Of(Encoding.UTF8.GetBytes(expected)), index.Choose(Platform.Parse(wanted), "document").Digest);
    }

    [Fact]
    public void A_platform_that_is_not_there_is_answered_with_those_that_are()
        => Assert.Equal("it has: linux/s390x; choose one with --platform", Assert.Throws<Failure>(() => Index(["unknown/unknown", "linux/s390x"]).Choose(Platform.Parse("linux/amd64"), "document")).Advice);

    [Theory]
    [InlineData("")]
    [InlineData("linux/")]
    [InlineData("linux/arm/v7/x")]
    [InlineData("lin ux/amd64")]
    public void A_platform_that_can_not_be_is_refused(string text) => Assert.Throws<Failure>(() => Platform.Parse(text));

    private static ImageIndex Index(string[] platforms) => ImageIndex.Read(
        Encoding.UTF8.GetBytes("{\"manifests\":[" + string.Join(',', platforms.Select(platform =>
        {
            string[] parts = platform.Split('/');
            string variant = parts.Length > 2 ? $",\"variant\":\"{parts[2]}\"" : "";
            return $$"""{"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{Digest.Of(Encoding.UTF8.GetBytes(platform))}}","size":1,"platform":{"os":"{{parts[0]}}","architecture":"{{parts[1]}}"{{variant}} } }""";
        })) + "]}"),
        "document");

    private static string Descriptor(string type) => $$"""{"mediaType":"{{type}}","digest":"{{Address}}","size":7}""";
}
