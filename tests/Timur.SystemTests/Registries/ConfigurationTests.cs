using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>What <c>registries.conf</c> says is done; next to each other a registry, and a proxy that stands for another one.</summary>
public sealed class ConfigurationTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly RegistryServer _registry;
    private readonly FaultProxy _mirror;

    public ConfigurationTests()
    {
        _registry = new RegistryServer(_timur.Root + "/registry");
        _mirror = new FaultProxy(_registry.Host);
    }

    public void Dispose()
    {
        _mirror.Dispose();
        _registry.Dispose();
        _timur.Dispose();
    }

    [Fact]
    public void A_mirror_is_asked_first_and_the_registry_when_it_fails()
    {
        SampleImage sample = Push("team/app:1");
        Configure($"[[registry]]\nprefix = 'real.example/team'\nlocation = '{_registry.Host}/team'\n[[registry.mirror]]\nlocation = '{_mirror.Host}/team'\n");
        Outcome pulled = With("pull -q real.example/team/app:1");
        Assert.True(pulled.Code == 0 && pulled.Out == sample.Id + "\n" && pulled.Error.Length == 0, pulled.ToString());
        Assert.Contains(_mirror.Requests, request => request.IsBlob);
        Assert.Equal("real.example/team/app\n", _timur.Run("images", "--format", "{{.Repository}}").Out);
        _timur.Run("rmi", "real.example/team/app:1");
        _mirror.Instead = _ => TestAnswer.Plain(404);
        Outcome without = With("pull -q real.example/team/app:1");
        Assert.True(without.Code == 0 && without.Out == sample.Id + "\n", without.ToString());
        Assert.Contains($"there is no {_mirror.Host}/team/app:1", without.Error);
        Assert.Contains($"trying {_registry.Host}/team/app:1", without.Error);
    }

    [Fact]
    public void A_mirror_may_be_for_digests_or_for_tags_only()
    {
        SampleImage sample = Push("app:1");
        foreach ((string use, bool tag, bool digest) in ((string, bool, bool)[])[("pull-from-mirror = 'digest-only'", false, true), ("pull-from-mirror = 'tag-only'", true, false), ("pull-from-mirror = 'all'", true, true)])
        {
            Configure($"[[registry]]\nlocation = '{_registry.Host}'\n[[registry.mirror]]\nlocation = '{_mirror.Host}'\n{use}\n");
            Assert.Equal(tag, IsAsked($"{_registry.Host}/app:1"));
            Assert.Equal(digest, IsAsked($"{_registry.Host}/app@{sample.ManifestDigest}"));
        }

        Configure($"[[registry]]\nlocation = '{_registry.Host}'\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = '{_mirror.Host}'\n");
        Assert.False(IsAsked($"{_registry.Host}/app:1"));
        Assert.True(IsAsked($"{_registry.Host}/app@{sample.ManifestDigest}"));
    }

    [Fact]
    public void The_longest_prefix_counts_and_a_push_goes_to_its_location()
    {
        SampleImage sample = Push("elsewhere/app:1");
        Configure($"[[registry]]\nprefix = '*.example'\nlocation = '127.0.0.1:1'\n[[registry]]\nprefix = 'real.example/team'\nlocation = '{_registry.Host}/elsewhere'\n[[registry.mirror]]\nlocation = '{_mirror.Host}/elsewhere'\n");
        Assert.Equal(sample.Id + "\n", With("pull -q real.example/team/app:1").Out);
        Assert.Contains("127.0.0.1:1", With("pull -q real.example/teams/app:1").Error);
        Assert.Contains("127.0.0.1:1", With("pull -q deep.below.example/app:1").Error);
        _mirror.Forget();
        Outcome pushed = With("push -q real.example/team/app:1 real.example/team/app:2");
        Assert.True(pushed.Code == 0, pushed.ToString());
        Assert.Empty(_mirror.Requests);
        Assert.Equal(0, TimurCommand.Execute("skopeo", ["inspect", "--tls-verify=false", $"docker://{_registry.Host}/elsewhere/app:2"]).Code);
    }

    [Fact]
    public void What_is_blocked_is_neither_pulled_nor_pushed()
    {
        Push("app:1");
        Configure($"[[registry]]\nlocation = '{_mirror.Host}'\nblocked = true\n");
        Outcome pull = With($"pull {_mirror.Host}/app:1");
        Assert.Equal(125, pull.Code);
        Assert.Contains($"{_timur.Root}/registries.conf:1 says that nothing of {_mirror.Host} is fetched", pull.Error);
        Assert.Equal(0, With($"pull -q {_registry.Host}/app:1").Code);
        Assert.Equal(125, With($"push {_registry.Host}/app:1 {_mirror.Host}/app:1").Code);
        Assert.Empty(_mirror.Requests);
    }

    [Fact]
    public void A_name_without_a_registry_is_its_alias_or_the_first_registry_that_has_it()
    {
        SampleImage sample = Push("tools/short:1");
        Configure($"unqualified-search-registries = ['{_mirror.Host}', '{_registry.Host}']\nshort-name-mode = 'permissive'\n[aliases]\n'unlikely' = '{_registry.Host}/tools/short'\n");
        Outcome alias = With("run --rm --network none unlikely:1 sh -c true");
        Assert.True(alias.Code == 0, alias.ToString());
        Assert.Empty(_mirror.Requests);
        Assert.Equal(0, With("run --rm --network none --pull never unlikely:1 sh -c true").Code);
        Assert.Equal(sample.Id, With("inspect --format {{.Id}} unlikely:1").Out.Trim());
        _mirror.Instead = _ => TestAnswer.Plain(404);
        Outcome searched = With("pull tools/short:1");
        Assert.True(searched.Code == 0, searched.ToString());
        Assert.Contains($"trying {_registry.Host}/tools/short:1", searched.Error);
        Assert.Equal(0, With("run --rm --network none --pull never tools/short:1 sh -c true").Code);
    }

    [Fact]
    public void Where_guessing_is_forbidden_an_ambiguous_name_is_refused()
    {
        Configure($"unqualified-search-registries = ['{_mirror.Host}', '{_registry.Host}']\nshort-name-mode = 'enforcing'\n");
        Outcome refused = With("pull unlikely");
        Assert.True(refused.Code == 125 && refused.Error.Contains($"'unlikely' could be in any of {_mirror.Host}, {_registry.Host}", StringComparison.Ordinal), refused.ToString());
        Assert.Empty(_mirror.Requests);
        Assert.Equal(0, With("run --rm --network none busybox true").Code);
    }

    [Theory]
    [InlineData("unqualified-search-registries = ", "isn't valid TOML")]
    [InlineData("unqualified-search-registries = 'x'", "registries.conf:1: unqualified-search-registries isn't a list")]
    [InlineData("\n[[registry]]\ninsecure = true", "registries.conf:2: a registry has neither prefix nor location")]
    [InlineData("[[registry]]\nlocation = 'https://x.example'", "'https://x.example' is an address")]
    [InlineData("[[registry]]\nlocation = 5", "registries.conf:2: location isn't a text")]
    [InlineData("[[registry]]\nlocation = 'x'\n[[registry.mirror]]\nlocation = 'y'\npull-from-mirror = 'never'", "may be all, digest-only or tag-only")]
    [InlineData("[registries.block]\nregistries = ['x']", "the first format of registries.conf")]
    public void A_malformed_file_is_refused_with_its_line(string text, string message)
    {
        Configure(text);
        Outcome refused = With("pull unlikely.example/app");
        Assert.True(refused.Code == 125 && refused.Error.Contains(message, StringComparison.Ordinal), refused.ToString());
        Assert.DoesNotContain("   at ", refused.Error);
    }

    private bool IsAsked(string name)
    {
        _mirror.Forget();
        Outcome pulled = With($"pull -q {name}");
        Assert.True(pulled.Code == 0, pulled.ToString());
        return _mirror.Requests.Count > 0;
    }

    private void Configure(string text) => File.WriteAllText(_timur.Root + "/registries.conf", text);

    private Outcome With(string words) => TimurCommand.Execute("sh", ["-c", $"CONTAINERS_REGISTRIES_CONF={_timur.Root}/registries.conf exec {_timur.Words} {words}"]);

    private SampleImage Push(string name)
    {
        var sample = new SampleImage(_timur.Root + "/sample");
        sample.Push($"{_registry.Host}/{name}");
        return sample;
    }
}
