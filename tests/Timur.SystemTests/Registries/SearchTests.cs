using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>Finding repositories and tags, page by page.</summary>
public sealed class SearchTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly RegistryServer _registry;
    private readonly SampleImage _sample;

    public SearchTests()
    {
        _registry = new RegistryServer(_timur.Root + "/registry");
        _sample = new SampleImage(_timur.Root + "/sample", bytes: 1000);
    }

    public void Dispose()
    {
        _registry.Dispose();
        _timur.Dispose();
    }

    [Fact]
    public void A_registry_without_a_search_is_searched_through_its_catalogue()
    {
        foreach (string name in (string[])["team/web", "team/data", "webcam"])
        {
            _sample.Push($"{_registry.Host}/{name}:1");
        }

        Outcome found = _timur.Run("search", "--format", "{{.Name}}", $"{_registry.Host}/web");
        Assert.True(found.Out == $"{_registry.Host}/team/web\n{_registry.Host}/webcam\n", found.ToString());
        Assert.Single(_timur.Run("search", "--limit", "1", "--format", "{{.Name}}", $"{_registry.Host}/web").Out.Trim().Split('\n'));
        Assert.StartsWith("NAME", _timur.Run("search", $"{_registry.Host}/nothing").Out);
    }

    [Fact]
    public void Pages_are_followed_to_the_last_one()
    {
        using var paged = new TestServer(request => request.Target switch
        {
            "/v2/" => TestAnswer.Plain(200, "{}"),
            "/v2/_catalog?n=1000" => TestAnswer.Plain(200, "{\"repositories\":[\"one\"]}", ("Link", "</v2/_catalog?last=one&n=1>; rel=\"next\"")),
            "/v2/_catalog?last=one&n=1" => TestAnswer.Plain(200, "{\"repositories\":[\"once-more\"]}"),
            "/v2/app/tags/list" => TestAnswer.Plain(200, "{\"tags\":[\"1\",\"2\"]}", ("Link", "</v2/app/tags/list?last=2>; rel=next")),
            "/v2/app/tags/list?last=2" => TestAnswer.Plain(200, "{\"tags\":[\"3\"]}"),
            _ => TestAnswer.Plain(404),
        });
        Assert.Equal($"{paged.Host}/one\n{paged.Host}/once-more\n", _timur.Run("search", "--format", "{{.Name}}", $"{paged.Host}/on").Out);
        Assert.Equal("1\n2\n3\n", _timur.Run("search", "--list-tags", "--format", "{{.Tag}}", $"{paged.Host}/app").Out);
    }

    [Fact]
    public void Dockers_search_is_used_where_there_is_one()
    {
        using var hub = new TestServer(request => request.Target.StartsWith("/v1/search?q=web&n=", StringComparison.Ordinal)
            ? TestAnswer.Plain(200, """{"results":[{"name":"web","description":"serves\npages","star_count":7,"is_official":true},{"name":"me/web","description":"","star_count":1,"is_official":false}]}""", ("Content-Type", "application/json"))
            : TestAnswer.Plain(404));
        string all = _timur.Run("search", $"{hub.Host}/web").Out;
        Assert.Contains("serves pages", all);
        Assert.Equal(3, all.Trim().Split('\n').Length);
        Assert.Equal($"{hub.Host}/web 7\n", _timur.Run("search", "-f", "stars=2", "-f", "is-official=true", "--format", "{{.Name}} {{.Stars}}", $"{hub.Host}/web").Out);
        Outcome wrong = _timur.Run("search", "-f", "colour=red", $"{hub.Host}/web");
        Assert.True(wrong.Code == 125 && wrong.Error.Contains("no such filter", StringComparison.Ordinal), wrong.ToString());
    }

    [Fact]
    public void Every_tag_of_a_repository_is_pulled()
    {
        _sample.Push($"{_registry.Host}/app:1");
        new SampleImage(_timur.Root + "/other", name: "other", bytes: 1000).Push($"{_registry.Host}/app:2");
        Assert.Equal(0, _timur.Run("pull", "-q", "-a", $"{_registry.Host}/app").Code);
        Assert.Equal("1\n2\n", _timur.Run("images", "--format", "{{.Tag}}").Out);
        Assert.Contains("names one", _timur.Run("pull", "-a", $"{_registry.Host}/app:1").Error);
    }

    /// <summary>This docker-registry has no referrers API, so that the list is kept under a tag.</summary>
    [Fact]
    public void What_refers_to_another_image_can_be_found_at_that_one()
    {
        _sample.Push($"{_registry.Host}/app:1");
        string subject = $"\"subject\":{{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",{_sample.Manifest}}}";
        string own = System.Text.Encoding.UTF8.GetString(_sample.Bytes(_sample.ManifestDigest));
        File.WriteAllText(_timur.Root + "/manifest", own[..^1] + $",\"annotations\":{{\"kind\":\"debug\"}},{subject}}}");
        Put("app/manifests/debug");
        Assert.Equal(0, _timur.Run("pull", "-q", $"{_registry.Host}/app:debug").Code);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(0, _timur.Run("push", "-q", $"{_registry.Host}/app:debug", $"{_registry.Host}/app:copy").Code);
        }

        string index = TimurCommand.Execute("curl", ["-fsS", $"http://{_registry.Host}/v2/app/manifests/{_sample.ManifestDigest.Replace(':', '-')}", "-H", "Accept: application/vnd.oci.image.index.v1+json"]).Out;
        Assert.Contains("\"annotations\":{\"kind\":\"debug\"}", index);
        Assert.Equal(2, index.Split("\"digest\"").Length);
    }

    private void Put(string target)
    {
        Outcome put = TimurCommand.Execute(
            "curl", ["-fsS", "-X", "PUT", "-H", "Content-Type: application/vnd.oci.image.manifest.v1+json", "--data-binary", $"@{_timur.Root}/manifest", $"http://{_registry.Host}/v2/{target}"]);
        Assert.True(put.Code == 0, put.ToString());
    }
}
