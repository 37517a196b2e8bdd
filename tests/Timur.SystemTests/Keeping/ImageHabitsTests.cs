using System.Text.Json;
using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>What fingers and scripts that know Docker and Podman type about images, volumes and lists, and what they ask of the outcome.</summary>
public sealed class ImageHabitsTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public ImageHabitsTests() => _timur.Must("$T create --name first busybox true; $T rm first");

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void An_image_gets_several_names_and_loses_them_again()
    {
        _timur.Must("$T tag busybox a:1 b:2 c:3; $T untag busybox b:2");
        Assert.Equal("[a:1 busybox:latest c:3]", Names("busybox"));
        Outcome strange = _timur.Run("untag", "busybox", "a:9");
        Assert.True(strange.Code == 125 && strange.Error.Contains("a:9 isn't a name of image busybox", StringComparison.Ordinal), strange.ToString());
        string id = _timur.Inspect("busybox", "{{.Id}}");
        _timur.Must("$T untag a:1");
        Assert.Equal("[]", Names(id));
    }

    [Theory]
    [InlineData("tag", "nobody", "x")]
    [InlineData("untag", "nobody")]
    [InlineData("rmi", "nobody")]
    [InlineData("push", "nobody")]
    [InlineData("history", "nobody")]
    [InlineData("save", "nobody")]
    [InlineData("inspect", "nobody")]
    [InlineData("manifest", "create", "list", "nobody")]
    public void An_image_that_is_not_there_ends_every_command_with_1(params string[] words)
    {
        Outcome outcome = _timur.Run(words);
        Assert.True(outcome.Code == 1 && outcome.Error.Contains("'nobody'", StringComparison.Ordinal), outcome.ToString());
    }

    [Fact]
    public void Rmi_takes_all_images_or_passes_over_missing_ones()
    {
        _timur.Must("$T tag busybox a:1");
        Assert.Equal(0, _timur.Run("rmi", "--ignore", "nobody").Code);
        Assert.Equal("", _timur.Run("rmi", "-i", "--no-prune", "nobody").Error);
        Assert.Contains("takes no operand", _timur.Run("rmi", "--all", "busybox").Error);
        _timur.Must("$T create --name holder busybox true");
        Outcome used = _timur.Run("rmi", "-a");
        Assert.True(used.Code == 2 && Names("busybox") == "[a:1 busybox:latest]", used.ToString());
        _timur.Must("$T rm holder; $T rmi -a");
        Assert.Equal("", _timur.Run("images", "-q").Out);
    }

    [Fact]
    public void Inspect_shows_what_is_there_beside_what_is_not()
    {
        _timur.Must("$T volume create kept");
        Outcome some = _timur.Run("inspect", "busybox", "nobody", "kept");
        JsonElement found = JsonDocument.Parse(some.Out).RootElement;
        Assert.True(some.Code == 1 && found.GetArrayLength() == 2 && some.Error.Contains("'nobody'", StringComparison.Ordinal), some.ToString());
        Assert.Equal("kept", found[1].GetProperty("Name").GetString());
        Assert.Equal("[]", string.Concat(_timur.Run("inspect", "nobody").Out.Split('\n', ' ')));
        Assert.Equal("kept\n", _timur.Run("inspect", "-t", "volume", "-f", "{{.Name}}", "kept").Out);
        Assert.Contains("use container, image or volume", _timur.Run("inspect", "-t", "pod", "kept").Error);
    }

    [Fact]
    public void Ports_and_volumes_of_an_image_are_keys_as_in_Docker()
    {
        _timur.Must("$T export $($T create --network none busybox true) | $T import -c 'EXPOSE 80/tcp 53/udp' -c 'VOLUME /data' -c 'LABEL a=b' --arch arm64 - ports");
        Assert.Equal("53/udp 80/tcp", string.Join(' ', _timur.Inspect("ports", "{{range $port, $empty := .Config.ExposedPorts}}{{$port}} {{end}}").Split(' ').Order()));
        Assert.Equal("{\"/data\":{}}", _timur.Inspect("ports", "{{json .Config.Volumes}}"));
        Assert.Equal("b arm64", _timur.Inspect("ports", "{{.Labels.a}} {{.Architecture}}"));
        Assert.Equal(2, JsonDocument.Parse(_timur.Run("inspect", "ports").Out).RootElement[0].GetProperty("Config").GetProperty("ExposedPorts").EnumerateObject().Count());
    }

    [Fact]
    public void Every_volume_is_shown_or_removed_and_one_in_use_stays()
    {
        _timur.Must("$T volume create one; $T volume create two; $T create --name holder -v two:/v busybox true");
        Assert.Equal("one\ntwo\n", _timur.Run("volume", "inspect", "-a", "-f", "{{.Name}}").Out);
        Outcome removed = _timur.Run("volume", "rm", "-a");
        Assert.True(removed is { Code: 2, Out: "one\n" } && removed.Error.Contains("volume two is used by container holder", StringComparison.Ordinal), removed.ToString());
        Assert.Equal("local    two\n", _timur.Run("volume", "ls", "--noheading").Out);
        Assert.Contains("two characters or more", _timur.Run("volume", "create", "v").Error);
    }

    [Fact]
    public void Amending_a_list_keeps_what_it_has()
    {
        _timur.Must("$T create --name box busybox true; $T commit -q box other; $T manifest create list busybox");
        Assert.Equal(0, _timur.Run("manifest", "exists", "list").Code);
        Assert.Equal(1, _timur.Run("manifest", "exists", "nobody").Code);
        _timur.Must("$T manifest add --arch arm64 list other; $T manifest create --amend list; $T manifest create -a fresh busybox");
        Assert.Equal(2, JsonDocument.Parse(_timur.Run("manifest", "inspect", "list").Out).RootElement.GetProperty("manifests").GetArrayLength());
        Assert.Equal(0, _timur.Run("manifest", "exists", "fresh").Code);
    }

    [Fact]
    public void Registries_are_addressed_as_Podman_does_and_all_tags_go_at_once()
    {
        using var registry = new RegistryServer(_timur.Root + "/registry");
        string name = registry.Host + "/team/app", digest = _timur.Root + "/digest";
        _timur.Must($"$T tag busybox {name}:1 {name}:2; $T push -q -a {name}; $T push -q --digestfile {digest} busybox docker://{name}:3");
        Assert.Equal(["1", "2", "3"], _timur.Run("search", "--list-tags", "--format", "{{.Tag}}", name).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        Outcome there = TimurCommand.Execute("skopeo", ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", $"docker://{name}:3"]);
        Assert.Equal(there.Out.Trim(), File.ReadAllText(digest));
        string id = _timur.Inspect("busybox", "{{.Id}}");
        Assert.Equal(id + "\n", _timur.Run("pull", "-q", "--disable-content-trust", $"docker://{name}:2").Out);
        Outcome other = _timur.Run("pull", "--arch", "s390x", $"{name}:2");
        Assert.True(other.Code == 125 && other.Error.Contains("linux/s390x", StringComparison.Ordinal), other.ToString());
        Assert.Contains("every name of one repository", _timur.Run("push", "-a", name + ":1").Error);
        Assert.Equal(1, _timur.Run("push", "-a", name + "2").Code);
    }

    [Fact]
    public void Files_that_can_not_be_read_or_written_are_named_as_they_were_given()
    {
        foreach ((string[] words, string said) in (ReadOnlySpan<(string[], string)>)
            [
                (["import", "/nowhere.tar"], "import /nowhere.tar: No such file or directory"),
                (["import", "https://nowhere.invalid/x.tar"], "curl -fL https://nowhere.invalid/x.tar | timur import -"),
                (["save", "-o", "/nowhere/x.tar", "busybox"], "save -o /nowhere/x.tar: No such file or directory\n  give a path in a directory that exists"),
                (["save", "--format", "oci-dir", "-o", "/proc/nowhere/x", "busybox"], "save -o /proc/nowhere/x: No such file or directory"),
                (["cp", "/nowhere", "box:/"], "it is one of this machine"),
            ])
        {
            _timur.Must("$T create --name box busybox true >/dev/null 2>&1 || true");
            Outcome outcome = _timur.Run(words);
            Assert.True(outcome.Code is 1 or 125 && outcome.Error.Contains(said, StringComparison.Ordinal), outcome.ToString());
        }

        foreach (string command in (string[])["import -", "load"])
        {
            Outcome junk = _timur.Script($"echo junk | $T {command}");
            Assert.True(junk.Code == 125 && junk.Error.Contains("isn't a tar archive", StringComparison.Ordinal), junk.ToString());
        }
    }

    private string Names(string image) => $"[{string.Join(' ', _timur.Inspect(image, "{{join .RepoTags \" \"}}").Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))}]";
}
