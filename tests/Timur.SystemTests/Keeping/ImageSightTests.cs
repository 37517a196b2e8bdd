using System.Text.Json;
using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>Images looked at: their layers as a tree, their files in a directory, what the last layer changes, how they are listed; and lists made of what registries have.</summary>
public sealed class ImageSightTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public ImageSightTests() => _timur.Must("$T create --name first busybox true; $T rm first");

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_tree_names_each_layer_and_the_images_that_end_with_it()
    {
        Commit("upper", "echo x >/etc/new");
        string[] tree = _timur.Must("$T image tree upper").Split('\n');
        Assert.Equal(["Image ID: " + _timur.Inspect("upper", "{{.Id}}")["sha256:".Length..][..12], "Tags:     [upper:latest]"], tree[..2]);
        Assert.Equal("Image Layers", tree[3]);
        Assert.Matches("^├── ID: [0-9a-f]{12} Size: .* Top Layer of: \\[busybox:latest]$", tree[4]);
        Assert.Matches("^└── ID: [0-9a-f]{12} Size: .* Top Layer of: \\[upper:latest]$", tree[5]);
        Assert.Equal(6, tree.Length);
        Assert.DoesNotContain("upper", _timur.Must("$T image tree busybox"));
        Assert.Matches("\n {4}└── ID: .* Top Layer of: \\[upper:latest]$", _timur.Must("$T image tree --whatrequires busybox"));
        Assert.Equal(1, _timur.Run("image", "tree", "nobody").Code);
    }

    [Theory]
    [InlineData("busybox", "root:x:0:0")]
    [InlineData("upper", "changed")]
    public void An_image_s_files_are_in_a_directory_that_nobody_can_write_until_they_are_taken_away(string image, string content)
    {
        Commit("upper", "echo changed >/etc/passwd; rm /bin/vi");
        string place = _timur.Must($"$T image mount {image}");
        Assert.StartsWith(content, File.ReadAllText(place + "/etc/passwd"));
        Assert.Equal(image == "upper", !Path.Exists(place + "/bin/vi"));
        Assert.Contains("Read-only file system", _timur.Script($"touch {place}/x").Error);
        Assert.Contains("nosuid,nodev", _timur.Must($"grep ' {place} ' /proc/self/mountinfo"));
        Assert.Equal(place, _timur.Must($"$T image mount {image}"));
        Assert.Equal($"{image}:latest {place}", _timur.Must("$T image mount"));
        Assert.Equal(place, JsonDocument.Parse(_timur.Must("$T image mount --format json")).RootElement[0].GetProperty("mountpoint").GetString());
        Outcome removed = _timur.Run("rmi", "-f", image);
        Assert.True(removed.Code == 2 && removed.Error.Contains($"timur image unmount {image}", StringComparison.Ordinal), removed.ToString());
        _timur.Must("$T image prune -af");
        Assert.StartsWith(content, File.ReadAllText(place + "/etc/passwd"));
        Outcome busy = _timur.Script($"cd {place}; $T image unmount {image}");
        Assert.True(busy.Code == 125 && busy.Error.Contains("image unmount -f", StringComparison.Ordinal), busy.ToString());
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
        _timur.Must($"$T image umount {image}; $T image unmount {image}; $T rmi {image}");
        Assert.False(Path.Exists(place));
    }

    [Fact]
    public void What_shows_an_image_no_more_is_found_and_a_clearing_takes_every_mount()
    {
        string place = _timur.Must("$T image mount busybox");
        _timur.Must($"umount {place}");
        Assert.Contains($"{place} shows no image", _timur.Run("system", "check").Out);
        _timur.Must("$T system check --repair");
        Assert.False(Path.Exists(place));
        _timur.Must("$T image mount -a; $T clear -f");
        Assert.Equal("", _timur.Script("grep $ROOT /proc/self/mountinfo").Out);
        Assert.NotEqual("", _timur.Must("$T images -q"));
        Assert.Equal(125, _timur.Run("image", "mount", "host").Code);
    }

    [Fact]
    public void The_last_layer_of_an_image_is_listed_as_a_container_s_changes_are()
    {
        Commit("upper", "echo x >/etc/new; rm /bin/vi; echo >>/etc/passwd; rm -rf /var/tmp; mkdir /var/tmp");
        Assert.Equal("C /bin\nD /bin/vi\nC /etc\nA /etc/new\nC /etc/passwd\nC /var\nC /var/tmp", _timur.Must("$T diff upper"));
        Assert.Equal(_timur.Must("$T diff upper"), _timur.Must("$T image diff upper"));
        Assert.Equal(["/bin/vi"], JsonDocument.Parse(_timur.Must("$T diff --format json upper")).RootElement.GetProperty("deleted").EnumerateArray().Select(path => path.GetString()));
        Assert.All(_timur.Must("$T diff busybox").Split('\n'), line => Assert.StartsWith("A /", line));
        Assert.Contains("has no layer", _timur.Run("diff", "host").Error);
        _timur.Must("$T create --name upper --network none busybox true");
        Assert.Equal("", _timur.Must("$T diff upper"));
        Assert.NotEqual("", _timur.Must("$T image diff upper"));
        Outcome nobody = _timur.Run("diff", "nobody");
        Assert.True(nobody.Code == 1 && nobody.Error.Contains("no container or image 'nobody'", StringComparison.Ordinal), nobody.ToString());
    }

    [Fact]
    public void Images_are_listed_in_the_order_that_is_asked_for()
    {
        Commit("zz:1", "head -c 3000000 /dev/zero | tr '\\0' x >/big");
        Commit("aa:2", "true");
        string Sorted(string by) => _timur.Must($"$T images --sort {by} --format '{{{{.Repository}}}}'").Replace('\n', ' ');
        Assert.Equal("aa busybox zz", Sorted("repository"));
        Assert.Equal("zz aa busybox", Sorted("tag"));
        Assert.Equal("zz", Sorted("size").Split(' ')[^1]);
        Assert.Equal("busybox", Sorted("created").Split(' ')[^1]);
        string[] ids = _timur.Must("$T images --sort id --no-trunc --format '{{.ID}}'").Split('\n');
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
        Assert.Contains("use created, id, repository, size or tag", _timur.Run("images", "--sort", "colour").Error);
    }

    [Fact]
    public void Inspect_shows_what_runs_at_a_build_on_it_how_health_is_checked_and_where_the_files_are()
    {
        Directory.CreateDirectory(_timur.Root + "/empty");
        File.WriteAllText(_timur.Root + "/empty/Dockerfile", "FROM busybox\nHEALTHCHECK --interval=5s --retries=2 CMD true\nONBUILD RUN make\nSHELL [\"/bin/ash\", \"-c\"]\nRUN echo x >/x\n");
        _timur.Must("$T build -q --network none -t checked $ROOT/empty");
        Assert.Equal("{\"Test\":[\"CMD-SHELL\",\"true\"],\"Interval\":5000000000,\"Timeout\":0,\"StartPeriod\":0,\"StartInterval\":0,\"Retries\":2}", _timur.Inspect("checked", "{{json .Config.Healthcheck}}"));
        Assert.Equal("[RUN make] [/bin/ash -c]", _timur.Inspect("checked", "{{.Config.OnBuild}} {{.Config.Shell}}"));
        Assert.Equal("null", _timur.Inspect("busybox", "{{json .Config.Healthcheck}}"));
        Assert.Equal("x\n", File.ReadAllText(_timur.Inspect("checked", "{{.GraphDriver.Data.UpperDir}}") + "/x"));
        Assert.True(File.Exists(_timur.Inspect("checked", "{{.GraphDriver.Data.LowerDir}}") + "/bin/busybox"));
        Assert.Equal("overlay", _timur.Inspect("busybox", "{{.GraphDriver.Name}}"));
    }

    [Fact]
    public void A_list_is_made_of_what_a_registry_has_and_no_name_here_changes()
    {
        using var registry = new RegistryServer(_timur.Root + "/registry");
        string name = registry.Host + "/app:1", id = _timur.Inspect("busybox", "{{.Id}}");
        _timur.Must("$T export $($T create --network none busybox true) | $T import -q --arch arm64 - other");
        _timur.Must($"$T manifest create {name} busybox; $T manifest add --arch arm64 --variant v8 {name} other; $T manifest push -q {name}; $T manifest rm {name}; $T tag busybox {name}");
        _timur.Must($"$T manifest create all; $T manifest add --all all docker://{name}; $T manifest create one docker://{name}");
        Assert.Equal(2, Platforms("all").Length);
        Assert.Equal(["amd64"], Platforms("one"));
        Assert.Equal(id, _timur.Inspect(name, "{{.Id}}"));
        _timur.Must($"$T manifest push -q all {registry.Host}/again:1");
        Outcome raw = TimurCommand.Execute("skopeo", ["inspect", "--raw", "--tls-verify=false", $"docker://{registry.Host}/again:1"]);
        Assert.Equal(["amd64", "arm64"], JsonDocument.Parse(raw.Out).RootElement.GetProperty("manifests").EnumerateArray().Select(entry => entry.GetProperty("platform").GetProperty("architecture").GetString()).Order());
        Assert.Equal(1, _timur.Run("manifest", "add", "nolist", "docker://" + name).Code);
        Assert.NotEqual(0, _timur.Run("manifest", "add", "one", $"docker://{registry.Host}/nothing:1").Code);
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void Without_a_terminal_and_without_force_the_answer_is_read_or_nothing_is_removed()
    {
        _timur.Must("$T volume create kept; $T create --name kept --network none busybox true");
        foreach (string command in (string[])["container prune", "volume prune -a", "image prune -a", "system prune -a --volumes", "system prune --budget 1m", "clear -a"])
        {
            Outcome silent = _timur.Script($"$T {command} </dev/null");
            Assert.True(silent.Code == 125 && silent.Error.Contains("nothing was removed", StringComparison.Ordinal) && silent.Error.Contains("--force", StringComparison.Ordinal), silent.ToString());
            Assert.Equal(1, _timur.Script($"echo n | $T {command}").Code);
        }

        Assert.Equal("kept kept", _timur.Must("echo $($T ps -a --format '{{.Names}}') $($T volume ls -q)"));
        _timur.Must("echo y | $T container prune; yes | $T volume prune -a");
        Assert.Equal("", _timur.Must("echo $($T ps -aq) $($T volume ls -q)"));
    }

    /// <summary>What needs no root works without, and everything else says that it does; nothing is half made.</summary>
    [Fact]
    public void Without_root_a_command_works_or_says_what_it_lacks()
    {
        using var timur = new TimurCommand(ownBinary: true);
        timur.Must("chmod 755 $ROOT $ROOT/timur; mkdir $ROOT/home; chown 65534:65534 $ROOT/home");
        Outcome AsNobody(string words) => timur.Script($"cd $ROOT/home; exec env -u XDG_RUNTIME_DIR -u TIMUR_ROOT -u TIMUR_STATE HOME=$ROOT/home setpriv --reuid 65534 --regid 65534 --clear-groups $ROOT/timur {words} </dev/null");
        string[] needRoot =
        [
            "pull x.invalid/a", "push a", "save busybox", "load", "import -", "tag a b", "rmi a", "image mount", "image unmount a", "image prune", "diff a", "commit a", "build .", "builder prune", "manifest create l",
            "volume create v", "volume prune", "volume export v", "volume import v -", "cp a:/x .", "export a", "system prune", "system check", "run busybox", "history busybox", "image tree busybox",
        ];
        foreach (string words in needRoot)
        {
            Outcome outcome = AsNobody(words);
            Assert.True(outcome.Code is 1 or 125 && outcome.Error.Contains("needs root", StringComparison.Ordinal) && outcome.Error.Contains("sudo", StringComparison.Ordinal), $"{words}: {outcome}");
        }

        foreach (string words in (string[])["images", "ps", "volume ls", "system df", "info", "version", "login --help"])
        {
            Assert.Equal(0, AsNobody(words).Code);
        }

        foreach (string words in (string[])["inspect a", "volume inspect v", "image exists a", "volume exists v"])
        {
            Assert.Equal(1, AsNobody(words).Code);
        }

        using var registry = new RegistryServer(timur.Root + "/registry");
        timur.Must($"$T create --name first busybox true; $T push -q busybox {registry.Host}/app:1");
        Assert.Contains("app", AsNobody($"search {registry.Host}/app").Out);
        Assert.Contains("schemaVersion", AsNobody($"manifest inspect {registry.Host}/app:1").Out);
        Outcome nowhere = AsNobody($"logout {registry.Host}");
        Assert.True(nowhere.Code == 125 && nowhere.Error.Contains("--authfile", StringComparison.Ordinal), nowhere.ToString());
        Assert.Equal("Login Succeeded!\n", AsNobody($"login -u anna -p secret --authfile auth.json {registry.Host}").Out);
        Assert.Equal(0, AsNobody($"logout --authfile auth.json {registry.Host}").Code);
        Assert.Equal("", timur.Must("find $ROOT/home -type f ! -name 'auth.json*'"));
    }

    private string[] Platforms(string list)
        => [.. JsonDocument.Parse(_timur.Must($"$T manifest inspect {list}")).RootElement.GetProperty("manifests").EnumerateArray().Select(entry => entry.GetProperty("platform").GetProperty("architecture").GetString()!)];

    private void Commit(string name, string script) => _timur.Must($"$T run --name made --network none busybox sh -c \"{script.Replace("\\", "\\\\", StringComparison.Ordinal)}\"; $T commit -q made {name}; $T rm made");
}
