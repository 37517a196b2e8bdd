using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>Lists, removal, history and manifest lists of images.</summary>
public sealed class ImageCareTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void Images_are_filtered_by_reference_label_age_and_whether_they_have_a_name()
    {
        Import("old:1", "LABEL colour=red");
        _timur.Must("sleep 1.1");
        Import("new/sub:2", "LABEL colour=blue");
        Import("replaced:3", "LABEL kind=x");
        _timur.Must("$T tag old:1 replaced:3");
        Assert.Equal("new/sub:2", Names("reference=new/*"));
        Assert.Equal("old:1", Names("reference=old"));
        Assert.Equal("old:1", Names("reference=o*:[0-9]"));
        Assert.Equal("new/sub:2 old:1", Names("reference=old", "reference=*/sub"));
        Assert.Equal("new/sub:2", Names("label=colour=blue"));
        Assert.Equal("new/sub:2 old:1 replaced:3", Names("label=colour"));
        Assert.Equal("", Names("label=colour=blue", "label=kind"));
        Assert.Equal("<none>:<none>", Names("dangling=true"));
        Assert.Equal("old:1 replaced:3", Names("before=new/sub:2"));
        Assert.Contains("new/sub:2", Names("since=old:1"));
        Assert.Equal(3, _timur.Must("$T images -q").Split('\n').Length);
        Assert.Equal(71, _timur.Must("$T images -q --no-trunc old:1").Length);
        Assert.Contains("DIGEST", _timur.Must("$T images --digests"));
        Assert.Contains("\"Repository\":\"old\"", _timur.Must("$T images --format json old"));
        foreach (string filter in (string[])["colour=red", "dangling=maybe", "before=nothing:1", "until=soon", "label"])
        {
            Assert.Equal(125, _timur.Run("images", "--filter", filter).Code);
        }
    }

    [Fact]
    public void Removing_a_running_containers_image_is_refused_with_a_reason_even_by_force()
    {
        _timur.Start("works", "sleep 100");
        foreach (string[] words in (string[][])[["rmi", "busybox"], ["rmi", "-f", "busybox"]])
        {
            Outcome outcome = _timur.Run(words);
            Assert.Equal((2, true, true), (outcome.Code, outcome.Error.Contains("used by running container works", StringComparison.Ordinal), outcome.Error.Contains("timur rm -f works", StringComparison.Ordinal)));
        }

        Assert.Equal("fine", _timur.Must("$T exec works echo fine"));

        // One that doesn't run keeps its image, but not the image's name.
        _timur.Must("$T stop -t 0 works");
        Assert.Equal(2, _timur.Run("rmi", "busybox").Code);
        Assert.Equal("Untagged: busybox:latest", _timur.Must("$T rmi -f busybox 2>/dev/null"));
        Assert.Equal("<none>:<none>", Names("dangling=true"));
        Assert.DoesNotContain("deleted", _timur.Must("$T image prune -f"));
        Assert.Equal("works", _timur.Must("$T start works"));
        _timur.Must("$T rm -f works");
        Assert.Contains("deleted: sha256:", _timur.Must("$T image prune -f"));
        Assert.Equal("", _timur.Must("$T images -q; ls $ROOT/data/images/layers"));
    }

    [Fact]
    public void A_layer_of_several_images_stays_until_the_last_of_them_goes()
    {
        _timur.Must("$T run --rm --network none busybox true");
        _timur.Must(LayeredImage.Script("$T", _timur.Root + "/data/images", 3) + "$T tag $id tall");
        string layers = _timur.Must("ls $ROOT/data/images/layers");
        Assert.Equal(4, layers.Split('\n').Length);
        _timur.Must("$T rmi tall");
        Assert.Single(_timur.Must("ls $ROOT/data/images/layers").Split('\n'));
        Assert.Equal("fine", _timur.Shell("echo fine").Out.Trim());
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void An_image_of_several_names_loses_one_at_a_time_and_by_id_only_by_force()
    {
        Import("one:1", "LABEL a=b");
        _timur.Must("$T tag one:1 two:2");
        string id = _timur.Must("$T images -q one:1");
        Outcome refused = _timur.Run("rmi", id);
        Assert.Equal((2, true), (refused.Code, refused.Error.Contains("one:1, two:2", StringComparison.Ordinal)));
        Assert.Equal("Untagged: two:2", _timur.Must("$T rmi two:2"));
        Assert.Equal("one:1", Names());
        Assert.StartsWith("Untagged: one:1\nDeleted: sha256:" + id, _timur.Must($"$T rmi -f {id}"));
        Assert.Equal(1, _timur.Run("rmi", "one:1").Code);
        Assert.Equal(0, _timur.Run("rmi", "-f", "one:1").Code);
    }

    [Fact]
    public void Removal_returns_before_the_files_are_deleted_and_nothing_is_left_of_them()
    {
        // By counting: the command itself removes no file of the layer, however many there are.
        _timur.Must("mkdir -p $ROOT/many; cd $ROOT/many; seq 1 3000 | xargs touch; tar -C $ROOT/many -cf $ROOT/many.tar .; $T import $ROOT/many.tar many >/dev/null");
        string count = _timur.Must("strace -qq -c -S name -e trace=unlinkat,unlink -o $ROOT/counts $T rmi many >/dev/null; awk '$NF ~ /^unlink/ { n += $4 } END { print n + 0 }' $ROOT/counts");
        Assert.InRange(int.Parse(count), 0, 20);
        Assert.True(SpinWait.SpinUntil(() => !Directory.EnumerateFileSystemEntries(_timur.Root + "/data/trash").Any(), 60_000));
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void Prune_takes_what_has_no_name_and_with_all_what_nobody_uses()
    {
        Import("kept:1", "LABEL keep=yes");
        Import("replaced:1", "LABEL a=b");
        Import("replaced:1", "LABEL a=c");
        _timur.Start("works", "sleep 100");
        Assert.Contains("deleted: sha256:", _timur.Must("$T image prune -f"));
        Assert.Equal("busybox:latest kept:1 replaced:1", Names());
        Assert.DoesNotContain("deleted", _timur.Must("$T image prune -f -a --filter until=1h"));
        Assert.Contains("untagged: replaced:1", _timur.Must("$T image prune -f -a --filter label!=keep"));
        Assert.Equal("busybox:latest kept:1", Names());
        string reclaimed = _timur.Must("$T image prune -a -f | tail -1");
        Assert.Matches("Total reclaimed space: [1-9]", reclaimed);
        Assert.Equal("busybox:latest", Names());
    }

    [Fact]
    public void History_shows_each_step_with_the_size_of_its_layer()
    {
        var sample = new SampleImage(_timur.Root + "/sample");
        _timur.Must("$T load -i $ROOT/sample");
        string[] rows = _timur.Must("$T history --format '{{.ID}} {{.Size}}' it").Split('\n');
        Assert.Equal(2, rows.Length);
        Assert.StartsWith(sample.Id["sha256:".Length..][..12] + " 3", rows[0]);
        Assert.StartsWith("<missing> ", rows[1]);
        Assert.Contains("CREATED BY", _timur.Must("$T history --no-trunc it"));
        Import("noted:1", "LABEL a=b", "a note that is much longer than the forty-five characters that are shown");
        Assert.Contains("…", _timur.Must("$T history noted:1"));
        Assert.Contains("characters that are shown", _timur.Must("$T history --no-trunc noted:1"));
        Assert.StartsWith("[\"sha256:", _timur.Must("$T image inspect --format '{{json .RootFS.Layers}}' noted:1"));
    }

    [Fact]
    public void A_manifest_list_is_made_pushed_and_pulled_by_platform()
    {
        using var registry = new RegistryServer(_timur.Root + "/registry");
        string list = $"{registry.Host}/app:1";
        Import("amd:1", "LABEL for=amd");
        Import("arm:1", "LABEL for=arm");
        _timur.Must($"$T manifest create {list} amd:1 && $T manifest add --arch arm64 --variant v8 {list} arm:1");
        Outcome twice = _timur.Run("manifest", "add", list, "arm:1");
        Assert.True(twice.Code == 125 && twice.Error.Contains("already", StringComparison.Ordinal), twice.ToString());
        Assert.Equal(2, _timur.Run("rmi", "arm:1").Code);
        string index = _timur.Must($"$T manifest inspect {list}");
        Assert.StartsWith("{\n    \"schemaVersion\": 2,\n", index, StringComparison.Ordinal);
        string digest = _timur.Must($"$T manifest push -q {list}");
        Assert.Equal(digest, _timur.Must($"$T manifest inspect --raw {list} | sha256sum | sed 's/ .*//; s/^/sha256:/'"));
        Assert.Equal(index, _timur.Must($"$T manifest rm {list} >/dev/null; $T manifest inspect {list}"));
        foreach (string platform in (string[])["amd", "arm"])
        {
            Assert.Equal(platform, _timur.Must($"skopeo inspect --tls-verify=false --override-arch {platform}64 --format '{{{{index .Labels \"for\"}}}}' docker://{list}"));
        }

        _timur.Must($"$T rmi amd:1 arm:1; $T pull -q {list}");
        Assert.Equal("amd", _timur.Inspect(list, "{{.Config.Labels.for}}"));
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
        Assert.Equal(1, _timur.Run("manifest", "rm", list).Code);
    }

    private void Import(string name, string change, string message = "note")
        => _timur.Must($"mkdir -p $ROOT/tree/bin; cp /bin/busybox $ROOT/tree/bin/; echo {name} {change} >$ROOT/tree/name; tar -C $ROOT/tree -cf - . | $T import --change '{change}' -m '{message}' - {name}");

    private string Names(params string[] filters)
        => string.Join(' ', _timur.Must($"$T images {string.Concat(filters.Select(filter => $"--filter '{filter}' "))} --format '{{{{.Repository}}}}:{{{{.Tag}}}}'").Split('\n').Order(StringComparer.Ordinal));
}
