using Timur.Images;
using Xunit;

namespace Timur.Tests.Images;

public class ImageNameTests
{
    private const string Hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("busybox", "docker.io", "library/busybox", "latest", "busybox:latest")]
    [InlineData("docker.io/busybox:1", "docker.io", "library/busybox", "1", "busybox:1")]
    [InlineData("index.docker.io/library/busybox", "docker.io", "library/busybox", "latest", "busybox:latest")]
    [InlineData("team/app:v1.2-rc_3", "docker.io", "team/app", "v1.2-rc_3", "team/app:v1.2-rc_3")]
    [InlineData("localhost/app", "localhost", "app", "latest", "localhost/app:latest")]
    [InlineData("localhost:5000/a/b/c:T", "localhost:5000", "a/b/c", "T", "localhost:5000/a/b/c:T")]
    [InlineData("registry.example/app", "registry.example", "app", "latest", "registry.example/app:latest")]
    [InlineData("10.0.0.1:80/x__y/z-w:0", "10.0.0.1:80", "x__y/z-w", "0", "10.0.0.1:80/x__y/z-w:0")]
    public void A_name_is_written_out(string text, string registry, string path, string reference, string familiar)
    {
        ImageName name = ImageName.Parse(text);
        Assert.Equal((registry, path, reference, familiar), (name.Registry, name.Path, name.Reference, name.Familiar));
        Assert.Null(name.Digest);
        Assert.Equal(name, ImageName.Parse(name.Full));
        Assert.Equal(name, ImageName.FromFileName(name.FileName));
    }

    [Theory]
    [InlineData("busybox@sha256:" + Hex, "docker.io/library/busybox@sha256:" + Hex)]
    [InlineData("r.example:1/a:tag@sha256:" + Hex, "r.example:1/a@sha256:" + Hex)]
    public void A_digest_counts_more_than_a_tag(string text, string full)
    {
        ImageName name = ImageName.Parse(text);
        Assert.Equal(full, name.Full);
        Assert.Equal(("sha256:" + Hex, "<none>"), (name.Reference, name.Tag));
        Assert.Equal(name, ImageName.FromFileName(name.FileName));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":tag")]
    [InlineData("App")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("/a")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a/../b")]
    [InlineData("a:")]
    [InlineData("a:.b")]
    [InlineData("a b")]
    [InlineData("host:0/a")]
    [InlineData("host:99999/a")]
    [InlineData("ho st:1/a")]
    [InlineData("a.b@evil:80/x")]
    [InlineData("a@sha256:12")]
    [InlineData("a@md5:d41d8cd98f00b204e9800998ecf8427e")]
    public void What_no_registry_could_have_is_refused(string text) => Assert.Throws<Failure>(() => ImageName.Parse(text));
}
