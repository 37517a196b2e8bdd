using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>Pull and push against Debian's docker-registry over plain HTTP; skopeo is the peer that brings images and reads what is pushed.</summary>
public sealed class PullTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly RegistryServer _registry;
    private readonly FaultProxy _proxy;

    public PullTests()
    {
        _registry = new RegistryServer(_timur.Root + "/registry");
        _proxy = new FaultProxy(_registry.Host);
    }

    public void Dispose()
    {
        _proxy.Dispose();
        _registry.Dispose();
        _timur.Dispose();
    }

    [Theory]
    [InlineData("gzip -c")]
    [InlineData("zstd -c")]
    [InlineData("cat")]
    public void A_pulled_layer_is_what_tar_unpacks_and_the_image_runs(string compress)
    {
        SampleImage sample = Push("team/app:1", compress);
        Outcome pulled = _timur.Run("pull", "-q", $"{_registry.Host}/team/app:1");
        Assert.Equal((0, sample.Id + "\n", ""), (pulled.Code, pulled.Out, pulled.Error));
        Directory.CreateDirectory(_timur.Root + "/expected");
        TimurCommand.Execute("tar", ["--xattrs", "-C", _timur.Root + "/expected", "-xpf", sample.UpperArchive]);
        string tree = $"{_timur.Root}/data/images/layers/{sample.UpperDiffId}";
        Assert.Equal("character special file 0 0\n", TimurCommand.Execute("stat", ["-c", "%F %t %T", tree + "/etc/hidden"]).Out);
        Assert.Equal(Tree.Listing(_timur.Root + "/expected"), Tree.Listing(tree));
        Outcome ran = _timur.Run("run", "--rm", "--network", "none", $"{_registry.Host}/team/app:1", "sh", "-c", "busybox cat /etc/changed; busybox test -e /etc/hidden || echo hidden");
        Assert.Equal((0, "above\nhidden\n"), (ran.Code, ran.Out));
    }

    [Fact]
    public void What_is_pushed_is_what_was_pulled_and_skopeo_reads_it()
    {
        SampleImage sample = Push("team/app:1");
        Pull($"{_registry.Host}/team/app:1");
        using var other = new RegistryServer(_timur.Root + "/other");
        Outcome pushed = _timur.Run("push", $"{_registry.Host}/team/app:1", $"{other.Host}/copy/of:2");
        Assert.True(pushed.Code == 0 && pushed.Out == sample.ManifestDigest + "\n", pushed.ToString());
        Outcome read = TimurCommand.Execute("skopeo", ["copy", "--preserve-digests", "--src-tls-verify=false", $"docker://{other.Host}/copy/of:2", $"dir:{_timur.Root}/read"]);
        Assert.True(read.Code == 0, read.ToString());
        foreach (string digest in sample.Layers.Append(sample.Id))
        {
            Assert.Equal(sample.Bytes(digest), File.ReadAllBytes($"{_timur.Root}/read/{digest["sha256:".Length..]}"));
        }

        Assert.Equal(sample.Bytes(sample.ManifestDigest), File.ReadAllBytes(_timur.Root + "/read/manifest.json"));
    }

    [Fact]
    public void A_push_sends_only_what_the_registry_lacks()
    {
        SampleImage sample = Push("team/app:1");
        Pull($"{_proxy.Host}/team/app:1");
        _proxy.Forget();
        Assert.Equal(0, _timur.Run("push", $"{_proxy.Host}/team/app:1", $"{_proxy.Host}/team/app:again").Code);
        Assert.DoesNotContain(_proxy.Requests, request => request.Method is "POST" or "PATCH");
        _proxy.Forget();
        Assert.Equal(0, _timur.Run("push", $"{_proxy.Host}/team/app:1", $"{_proxy.Host}/neighbour:1").Code);
        Assert.Equal(2, _proxy.Requests.Count(request => request.Method == "POST" && request.Target.Contains("mount=", StringComparison.Ordinal)));
        Assert.DoesNotContain(_proxy.Requests, request => request.Method == "PUT" && sample.Layers.Any(layer => request.Target.Contains(layer, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_large_layer_is_pushed_in_pieces()
    {
        SampleImage sample = Push("big:1", bytes: 70_000_000);
        Pull($"{_registry.Host}/big:1");
        using var other = new RegistryServer(_timur.Root + "/other");
        using var proxy = new FaultProxy(other.Host);
        Assert.Equal(sample.ManifestDigest + "\n", _timur.Run("push", "-q", $"{_registry.Host}/big:1", $"{proxy.Host}/big:1").Out);
        Assert.Equal(2, proxy.Requests.Count(request => request.Method == "PATCH"));
        Assert.Equal(0, TimurCommand.Execute("skopeo", ["copy", "--src-tls-verify=false", $"docker://{proxy.Host}/big:1", $"dir:{_timur.Root}/read"]).Code);
    }

    [Fact]
    public void The_platform_that_was_asked_for_is_chosen_from_an_index()
    {
        SampleImage sample = Push("multi:amd64");
        string index = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
            {"mediaType":"application/vnd.oci.image.manifest.v1+json",{{sample.Manifest}},"platform":{"os":"unknown","architecture":"unknown"} },
            {"mediaType":"application/vnd.oci.image.manifest.v1+json",{{sample.Manifest}},"platform":{"os":"linux","architecture":"s390x"} },
            {"mediaType":"application/vnd.oci.image.manifest.v1+json",{{sample.Manifest}},"platform":{"os":"linux","architecture":"amd64"} }]}
            """;
        File.WriteAllText(_timur.Root + "/index", index);
        TimurCommand.Execute("curl", ["-fsS", "-X", "PUT", "-H", "Content-Type: application/vnd.oci.image.index.v1+json", "--data-binary", $"@{_timur.Root}/index", $"http://{_registry.Host}/v2/multi/manifests/all"]);
        Assert.Equal(sample.Id + "\n", _timur.Run("pull", "-q", "--platform", "linux/amd64", $"{_registry.Host}/multi:all").Out);
        Outcome none = _timur.Run("pull", "--platform", "linux/riscv64", $"{_registry.Host}/multi:all");
        Assert.Equal(125, none.Code);
        Assert.Contains("has no image for linux/riscv64\n  it has: linux/s390x, linux/amd64;", none.Error);

        // As Podman: whoever wrote the index knew what they put into it.
        Outcome contradicted = _timur.Run("pull", "--platform", "linux/s390x", $"{_registry.Host}/multi:all");
        Assert.True(contradicted.Code == 0 && contradicted.Error.Contains("names an image for linux/s390x, which says of itself that it is for linux/amd64", StringComparison.Ordinal), contradicted.ToString());
        Outcome wrong = _timur.Run("pull", "--platform", "linux/s390x", $"{_registry.Host}/multi:amd64");
        Assert.True(wrong.Code == 125 && wrong.Error.Contains("has no image for linux/s390x", StringComparison.Ordinal), wrong.ToString());
    }

    [Fact]
    public void Run_fetches_the_image_as_pull_says()
    {
        SampleImage first = Push("app:1");
        string name = $"{_proxy.Host}/app:1";
        Assert.Contains("there is no image", _timur.Run("run", "--rm", "--pull", "never", name, "sh", "-c", "true").Error);
        Assert.Empty(_proxy.Requests);
        Assert.Equal(0, RunWith(name, "missing").Code);
        _proxy.Forget();
        Assert.Equal(0, RunWith(name, "missing").Code);
        Assert.Empty(_proxy.Requests);
        SampleImage second = new(_timur.Root + "/second", name: "second");
        second.Push($"{_registry.Host}/app:1");
        Assert.Equal(0, RunWith(name, "newer").Code);
        Assert.Equal(second.Id + "\n", _timur.Run("inspect", "--format", "{{.Id}}", name).Out);
        Assert.NotEqual(first.Id, second.Id);
        _proxy.Instead = _ => TestAnswer.Plain(404);
        Outcome newer = RunWith(name, "newer");
        Assert.True(newer.Code == 0 && newer.Error.Contains("stays as it is", StringComparison.Ordinal), newer.ToString());
        Assert.Equal(125, RunWith(name, "always").Code);
    }

    [Fact]
    public void Two_pulls_at_once_fetch_each_layer_once()
    {
        Push("app:1");
        Outcome[] outcomes = new Outcome[2];
        Parallel.For(0, 2, i => outcomes[i] = _timur.Run("pull", "-q", $"{_proxy.Host}/app:1"));
        Assert.All(outcomes, outcome => Assert.True(outcome.Code == 0, outcome.ToString()));
        var layers = _proxy.Requests.Where(request => request.IsBlob && request["range"] is null).GroupBy(request => request.Target).Where(group => group.Count() > 1);
        Assert.Single(layers);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Fact]
    public void An_image_that_is_removed_takes_its_blobs_along()
    {
        Push("app:1");
        Pull($"{_registry.Host}/app:1");
        Assert.Equal(0, _timur.Run("rmi", $"{_registry.Host}/app:1").Code);
        foreach (string place in (string[])["blobs", "manifests", "layers", "configs", "names"])
        {
            Assert.Empty(Directory.GetFileSystemEntries($"{_timur.Root}/data/images/{place}"));
        }
    }

    [Fact]
    public void An_image_is_pulled_by_its_digest()
    {
        SampleImage sample = Push("app:1");
        string name = $"{_registry.Host}/app@{sample.ManifestDigest}";
        Assert.Equal(sample.Id + "\n", _timur.Run("pull", "-q", name).Out);
        Assert.Equal(0, RunWith(name, "never").Code);
        Assert.Contains("<none>", _timur.Run("images").Out);
    }

    private Outcome RunWith(string name, string pull) => _timur.Run("run", "--rm", "--network", "none", "--pull", pull, "-q", name, "sh", "-c", "true");

    private void Pull(string name)
    {
        Outcome outcome = _timur.Run("pull", "-q", name);
        Assert.True(outcome.Code == 0, outcome.ToString());
    }

    private SampleImage Push(string name, string compress = "gzip -c", int bytes = 3_000_000)
    {
        var sample = new SampleImage(_timur.Root + "/sample", compress, bytes: bytes);
        sample.Push($"{_registry.Host}/{name}");
        return sample;
    }
}
