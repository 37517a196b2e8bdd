using System.Text.Json;
using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>What a registry calls an image: scripts pin it by that, and ask for it after a push.</summary>
public sealed class RepositoryDigestTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly RegistryServer _registry;

    public RepositoryDigestTests() => _registry = new RegistryServer(_timur.Root + "/registry");

    public void Dispose()
    {
        _registry.Dispose();
        _timur.Dispose();
    }

    [Fact]
    public void A_pushed_image_is_known_by_the_digest_that_the_registry_has()
    {
        string name = $"{_registry.Host}/team/app";
        _timur.Must($"$T create --name first busybox true; $T rm first; $T tag busybox {name}:1; $T push -q {name}:1 >$ROOT/digest");
        string digest = File.ReadAllText(_timur.Root + "/digest").Trim();
        Assert.Equal($"{name}@{digest}", _timur.Inspect($"{name}:1", "{{index .RepoDigests 0}}"));
        Assert.Equal(digest, _timur.Run("images", "--digests", "--format", "{{.Digest}}", name).Out.Trim());
        Assert.Equal($"[\"{name}@{digest}\"]", _timur.Run("images", "--format", "{{json .RepoDigests}}", name).Out.Trim());
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
        _timur.Must($"$T rmi -f {name}:1");
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
        Assert.Empty(Directory.GetFiles(_timur.Root + "/data/images/digests"));
    }

    [Fact]
    public void An_image_that_is_here_is_found_by_its_digest_without_the_registry()
    {
        var sample = new SampleImage(_timur.Root + "/sample", bytes: 1000);
        string name = $"{_registry.Host}/app";
        sample.Push(name + ":1");
        string index = _timur.Must($"$T pull -q {name}:1 >&2; $T tag {name}:1 other {name}:2; $T manifest create list {name}:1 >&2; $T manifest push -q list {name}:list >&2; $T manifest rm list >&2; $T rmi {name}:1 >&2; $T pull -q {name}:list >&2; $T inspect -f '{{{{index .RepoDigests 0}}}}' {name}:list");
        Assert.NotEqual($"{name}@{sample.ManifestDigest}", index);
        foreach (string reference in (string[])[index, $"{name}@{sample.ManifestDigest}"])
        {
            Assert.Equal("above\n", _timur.Run("run", "--rm", "--pull", "never", "--network", "none", reference, "/bin/busybox", "cat", "/etc/changed").Out);
            Assert.Equal(0, _timur.Run("image", "exists", reference).Code);
        }

        Assert.Equal(1, _timur.Run("image", "exists", $"{_registry.Host}/elsewhere@{sample.ManifestDigest}").Code);
        Outcome several = _timur.Run("rmi", index);
        Assert.True(several.Code == 2 && several.Error.Contains("has several names", StringComparison.Ordinal), several.ToString());
        _timur.Must($"$T rmi other {name}:2; $T rmi {index}");
        Assert.Equal(1, _timur.Run("image", "exists", index).Code);
    }

    [Fact]
    public void A_manifest_is_written_in_the_format_that_is_asked_for()
    {
        string name = $"{_registry.Host}/formats";
        _timur.Must($"$T create --name first busybox true; $T rm first; $T push -q --format v2s2 busybox {name}:docker; $T push -q busybox {name}:oci");
        const string docker = "application/vnd.docker.distribution.manifest.v2+json", oci = "application/vnd.oci.image.manifest.v1+json";
        Assert.Equal((docker, oci), (Raw(name + ":docker").GetProperty("mediaType").GetString(), Raw(name + ":oci").GetProperty("mediaType").GetString()));
        Assert.Equal("application/vnd.docker.image.rootfs.diff.tar.gzip", Raw(name + ":docker").GetProperty("layers")[0].GetProperty("mediaType").GetString());
        _timur.Must($"$T pull -q {name}:docker; $T push -q -f oci {name}:docker {name}:again; $T push -q {name}:docker {name}:same");
        Assert.Equal((docker, oci), (Raw(name + ":same").GetProperty("mediaType").GetString(), Raw(name + ":again").GetProperty("mediaType").GetString()));
        string digests = _timur.Must($"$T manifest create list busybox >&2; $T manifest push -f v2s2 --digestfile $ROOT/digest --remove-signatures list {name}:list; cat $ROOT/digest");
        Assert.StartsWith("sha256:", Assert.Single(digests.Split('\n').Distinct()), StringComparison.Ordinal);
        Assert.Equal("application/vnd.docker.distribution.manifest.list.v2+json", Raw(name + ":list").GetProperty("mediaType").GetString());
        Assert.Contains("use oci, or v2s2", _timur.Run("push", "--format", "tar", "busybox", name).Error);
    }

    private static JsonElement Raw(string name)
        => JsonDocument.Parse(TimurCommand.Execute("skopeo", ["inspect", "--raw", "--tls-verify=false", $"docker://{name}"]).Out).RootElement;
}
