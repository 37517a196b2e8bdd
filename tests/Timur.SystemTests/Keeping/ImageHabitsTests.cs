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
    public void An_entry_of_a_list_is_annotated_and_named_by_its_digest()
    {
        _timur.Must("$T manifest create list; $T manifest add --arch arm64 --variant v8 --annotation org.example.a=1 list busybox; $T manifest annotate --annotation org.example.b=x=y list busybox");
        JsonElement entry = JsonDocument.Parse(_timur.Must("$T manifest inspect list")).RootElement.GetProperty("manifests")[0];
        Assert.Equal("{\"org.example.a\":\"1\",\"org.example.b\":\"x=y\"}", JsonSerializer.Serialize(entry.GetProperty("annotations")));
        Assert.Equal("arm64 v8", $"{entry.GetProperty("platform").GetProperty("architecture").GetString()} {entry.GetProperty("platform").GetProperty("variant").GetString()}");
        Outcome strange = _timur.Run("manifest", "annotate", "--arch", "arm", "list", "sha256:" + new string('0', 64));
        Assert.True(strange.Code == 1 && strange.Error.Contains("list:latest has no image", StringComparison.Ordinal), strange.ToString());
        Assert.Equal(125, _timur.Run("manifest", "annotate", "--annotation", "a", "list", "busybox").Code);
        _timur.Must($"$T manifest remove list {entry.GetProperty("digest").GetString()}");
        Assert.Equal(0, JsonDocument.Parse(_timur.Must("$T manifest inspect list")).RootElement.GetProperty("manifests").GetArrayLength());
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
        foreach (string[] words in (string[][])[["push", "busybox", "oci-archive:/x.tar"], ["pull", "docker-archive:x.tar"], ["push", "busybox", "oci:./layout"]])
        {
            Outcome elsewhere = _timur.Run(words);
            Assert.True(elsewhere.Code == 125 && elsewhere.Error.Contains("timur load -i FILE", StringComparison.Ordinal), elsewhere.ToString());
        }

        foreach ((string[] words, string said) in (ReadOnlySpan<(string[], string)>)
            [
                (["import", "/nowhere.tar"], "import /nowhere.tar: No such file or directory"),
                (["import", "http://127.0.0.1:1/x.tar"], "http://127.0.0.1:1/x.tar can't be fetched: Connection refused"),
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

    [Fact]
    public void Archives_in_every_compression_are_taken()
    {
        _timur.Must("$T save -o $ROOT/saved.tar busybox; $T export $($T create --network none --name box busybox true) >$ROOT/tree.tar; $T volume create files");
        foreach ((string program, string suffix) in (ReadOnlySpan<(string, string)>)[("gzip", "gz"), ("zstd -q", "zst"), ("xz -0", "xz"), ("bzip2 -1", "bz2")])
        {
            Assert.Contains("Loaded image: busybox:latest", _timur.Must($"{program} -c $ROOT/saved.tar >$ROOT/saved.tar.{suffix}; $T load -q -i $ROOT/saved.tar.{suffix}; $T load -q <$ROOT/saved.tar.{suffix}"));
            _timur.Must($"{program} -c $ROOT/tree.tar >$ROOT/tree.tar.{suffix}; $T import -q $ROOT/tree.tar.{suffix} {suffix}; $T volume import files $ROOT/tree.tar.{suffix}; $T cp - box:/tmp <$ROOT/tree.tar.{suffix}");
            Assert.Equal(0, _timur.Run("run", "--rm", "--network", "none", suffix, "/bin/true").Code);
            Outcome cut = _timur.Script($"head -c 20000 $ROOT/saved.tar.{suffix} | $T load");
            Assert.True(cut.Code == 125 && cut.Error.Contains("the archive is damaged", StringComparison.Ordinal), cut.ToString());
        }
    }

    [Fact]
    public void Lists_are_filtered_and_printed_as_scripts_for_either_engine_write_it()
    {
        string id = _timur.Inspect("busybox", "{{.Id}}")["sha256:".Length..];
        _timur.Must("$T create --name holder busybox true; $T commit -q -c 'LABEL app=web' holder other >&2; $T volume create --label app=db kept");
        string Listed(params string[] filters) => string.Join(' ', _timur.Must($"$T images --format '{{{{.Repository}}}}' {string.Concat(filters.Select(filter => $" --filter {filter}"))}").Split('\n').Order());
        Assert.Equal("busybox", Listed($"id={id[..12]}"));
        Assert.Equal("other", Listed("after=busybox"));
        Assert.Equal("busybox", Listed("containers=true"));
        Assert.Equal("other", Listed("containers=false", "intermediate=false", "readonly=false"));
        Assert.Equal("", Listed("intermediate=true"));
        Assert.Contains("neither true nor false", _timur.Run("images", "-f", "containers=some").Error);
        Assert.Equal($"{id} web [other:latest] false", _timur.Must("$T images --format '{{.Id}} {{.Label \"app\"}} {{.Names}} {{.Dangling}}' -f label=app").Replace(_timur.Inspect("other", "{{.Id}}")["sha256:".Length..], id));
        Assert.Equal("kept db", _timur.Must("$T volume ls --format '{{.Name}} {{.Label \"app\"}}'"));
        Assert.Equal("holder|", _timur.Must("$T ps -a --format '{{.Names}}|{{.Label \"app\"}}'"));
        Assert.DoesNotContain("REPOSITORY", _timur.Must("$T images -n"));
        Assert.Contains("REPOSITORY", _timur.Must("$T images -an=false"));
        Assert.Contains("--noheading is true or false, not 'no'", _timur.Run("images", "-n=no").Error);
        Assert.Contains("\"created_by\"", _timur.Inspect("other", "{{json .History}}"));
        Assert.Contains("there is no image 'nobody'", _timur.Run("image", "inspect", "nobody").Error);
        _timur.Must("$T manifest create list busybox");
        Assert.Contains("it is a manifest list", _timur.Run("push", "list").Error);
    }

    private string Names(string image) => $"[{string.Join(' ', _timur.Inspect(image, "{{join .RepoTags \" \"}}").Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))}]";
}
