using System.Text.Json;
using Timur.SystemTests.Engines;
using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>Saved images: what skopeo, umoci, podman and buildah read of ours, and we of theirs; trees are compared entry by entry.</summary>
public sealed class SaveLoadTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly SampleImage _sample;
    private readonly string _podman;

    public SaveLoadTests()
    {
        _sample = new SampleImage(_timur.Root + "/sample");
        _podman = $"podman --root {_timur.Root}/podman --runroot {_timur.Root}/podman-run --storage-driver vfs --cgroup-manager cgroupfs --events-backend file";
    }

    public void Dispose()
    {
        Shell($"{_podman} rmi -af; {_podman} system reset -f");

        // .NET can't delete names that are no text.
        Shell($"rm -rf {_timur.Root}/podman {_timur.Root}/podman-run {_timur.Root}/*-tree {_timur.Root}/bundle*");
        _timur.Dispose();
    }

    [Theory]
    [InlineData("docker-archive", "saved.tar", "docker-archive:saved.tar")]
    [InlineData("oci-archive", "saved.tar", "oci-archive:saved.tar")]
    [InlineData("oci-dir", "saved", "oci:saved")]
    public void What_is_saved_is_read_by_skopeo_with_the_same_configuration_and_layers_and_loads_again(string format, string file, string reference)
    {
        Load("sample");
        _timur.Must($"cd $ROOT && $T save --format {format} -o {file} app:1 && skopeo copy -q {reference} dir:$ROOT/read");
        JsonElement manifest = JsonDocument.Parse(File.ReadAllBytes(_timur.Root + "/read/manifest.json")).RootElement;
        Assert.Equal(_sample.Id, manifest.GetProperty("config").GetProperty("digest").GetString());
        string upper = manifest.GetProperty("layers")[1].GetProperty("digest").GetString()!["sha256:".Length..];
        Assert.Equal(_sample.UpperDiffId, _timur.Must($"(gzip -dcq $ROOT/read/{upper} || cat $ROOT/read/{upper}) | sha256sum | cut -c 1-64"));
        if (format != "docker-archive")
        {
            Assert.Equal(_sample.Layers[1], "sha256:" + upper);
        }

        _timur.Must("$T rmi app:1");
        Assert.Empty(Directory.GetFileSystemEntries(_timur.Root + "/data/images/layers"));
        Assert.Equal("Loaded image: app:1", _timur.Must($"cd $ROOT && $T load -i {file}"));
        Assert.Equal(_sample.Id, _timur.Must("$T images -q --no-trunc app:1"));
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Theory]
    [InlineData("--format=v7")]
    [InlineData("--format=gnu --owner=3")]
    [InlineData("--format=pax --sort=name")]
    public void An_image_of_a_foreign_archive_keeps_its_id_when_it_is_saved_and_loaded(string how)
    {
        _timur.Must($"cd $ROOT && mkdir -p t/b t/a && echo x >t/a/f && ln t/a/f t/b/f && tar -C t {how} -cf t.tar b a && $T import -q t.tar foreign && for f in docker-archive oci-archive; do $T save --format $f -o $f.tar foreign; done");
        string before = _timur.Must("$T images -q --no-trunc foreign");
        foreach (string format in (string[])["docker-archive", "oci-archive"])
        {
            _timur.Must($"$T rmi foreign && $T load -q -i $ROOT/{format}.tar");
            Assert.Equal(before, _timur.Must("$T images -q --no-trunc foreign"));
        }

        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void An_image_that_was_built_here_keeps_its_id()
    {
        _timur.Must("cd $ROOT && printf 'FROM busybox\nRUN echo x >/made && rm /etc/group\nENV A=b\n' >Dockerfile && $T build -q -t made . && $T save -o made.tar made busybox");
        string before = _timur.Must("$T images -q --no-trunc");
        _timur.Must("$T rmi -f $($T images -q) && cd $ROOT && $T load -i made.tar");
        Assert.Equal(before, _timur.Must("$T images -q --no-trunc"));
        Assert.Equal("x", _timur.Must("$T run --rm --network none made sh -c 'cat /made; ls /etc/group 2>/dev/null || true'"));
    }

    [Fact]
    public void An_image_that_was_built_on_a_foreign_one_keeps_its_id_and_the_layers_below_as_they_came()
    {
        Load("sample");
        _timur.Must("cd $ROOT && printf 'FROM app:1\nRUN echo x >/made\nENV A=b\n' >Dockerfile && $T build -q --network none -t made . && for f in docker-archive oci-archive; do $T save --format $f -o $f.tar made; done");
        string before = _timur.Must("$T images -q --no-trunc made");
        _timur.Must("cd $ROOT && skopeo copy -q oci-archive:oci-archive.tar dir:$ROOT/read");
        JsonElement layers = JsonDocument.Parse(File.ReadAllBytes(_timur.Root + "/read/manifest.json")).RootElement.GetProperty("layers");
        Assert.Equal(_sample.Layers, layers.EnumerateArray().Take(2).Select(layer => layer.GetProperty("digest").GetString()));
        _timur.Must("$T rmi -f $($T images -q) && $T builder prune");
        foreach (string format in (string[])["docker-archive", "oci-archive"])
        {
            _timur.Must($"$T load -q -i $ROOT/{format}.tar");
            Assert.Equal(before, _timur.Must("$T images -q --no-trunc made"));
            Assert.Equal("x", _timur.Must("$T run --rm --network none made busybox cat /made"));
            _timur.Must("$T rmi made");
        }

        using var space = new EngineSpace();
        space.StartDaemon("dockerd", "dockerd --data-root $dir/root --exec-root $dir/exec --pidfile $dir/pidfile -H unix://$dir/sock --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge=none -s vfs", "docker -H unix://$dir/sock version");
        Assert.Equal(before, space.Succeed($"docker -H unix://$dir/sock load -q -i {_timur.Root}/docker-archive.tar >/dev/null; docker -H unix://$dir/sock images -q --no-trunc made").Trim());
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void The_same_images_give_the_same_bytes_and_share_layers_and_keep_their_names()
    {
        Load("sample");
        _timur.Must("$T tag app:1 registry.example/team/other:2 && $T run --rm --network none busybox true && cd $ROOT && for n in 1 2; do $T save app:1 registry.example/team/other:2 busybox > $n.tar; done; cmp 1.tar 2.tar");
        Assert.Equal("[\"docker.io/library/app:1\",\"registry.example/team/other:2\"][\"docker.io/library/busybox:latest\"]", _timur.Must("tar -xOf $ROOT/1.tar manifest.json | grep -o '\"RepoTags\":\\[[^]]*\\]' | cut -d: -f2- | tr -d '\\n'"));
        Assert.Equal("3", _timur.Must("tar -tf $ROOT/1.tar | grep -c '[.]tar$'"));
        _timur.Must("$T rmi -f $($T images -q)");
        Assert.Equal("Loaded image: app:1\nLoaded image: registry.example/team/other:2\nLoaded image: busybox:latest", _timur.Must("$T load -q <$ROOT/1.tar"));

        // What was loaded is pushed and saved as it was read: another round changes nothing.
        _timur.Must("$T save app:1 registry.example/team/other:2 busybox >$ROOT/3.tar; cmp $ROOT/1.tar $ROOT/3.tar");
    }

    [Theory]
    [InlineData("gzip -c")]
    [InlineData("zstd -qc")]
    public void Archives_are_read_compressed_from_a_pipe(string compress)
    {
        Load("sample");
        _timur.Must($"$T save --format oci-archive app:1 | {compress} >$ROOT/packed && $T rmi app:1");
        Assert.Equal("Loaded image: app:1", _timur.Must("cat $ROOT/packed | $T load"));
    }

    [Fact]
    public void Podman_and_timur_read_each_others_archives()
    {
        Load("sample");
        foreach (string format in (string[])["docker-archive", "oci-archive"])
        {
            _timur.Must($"$T save --format {format} -o $ROOT/ours.tar app:1 && {_podman} load -q -i $ROOT/ours.tar");
            Assert.Equal(_sample.Id["sha256:".Length..], _timur.Must($"{_podman} images -q --no-trunc docker.io/library/app:1 | sed s/sha256://"));
            _timur.Must($"rm -f $ROOT/theirs.tar; {_podman} save -q --format {format} -o $ROOT/theirs.tar docker.io/library/app:1 && {_podman} rmi -af && $T rmi app:1");
            Assert.Equal("Loaded image: app:1", _timur.Must("$T load -i $ROOT/theirs.tar"));
            Assert.Equal(_sample.Id, _timur.Must("$T images -q --no-trunc app:1"));
        }

        Assert.Equal("above", _timur.Must("$T run --rm --network none app:1 busybox cat /etc/changed /etc/hidden 2>/dev/null || true"));
    }

    [Fact]
    public void A_containers_tree_is_what_umoci_unpacks_of_the_saved_image()
    {
        Load("sample");
        _timur.Must("$T save --format oci-dir -o $ROOT/layout app:1 && umoci unpack --image $ROOT/layout:1 $ROOT/bundle");
        _timur.Must("$T create --name files --network none app:1 && mkdir $ROOT/our-tree && $T export files | tar --xattrs --xattrs-include='*' --numeric-owner -C $ROOT/our-tree -xpf -");
        // A file that an upper layer hides is no part of either.
        Assert.DoesNotContain("hidden", _timur.Must("ls $ROOT/our-tree/etc $ROOT/bundle/rootfs/etc"));
        Assert.Contains("1000 2000", Listing("our-tree"));
        Assert.Equal(Listing("bundle/rootfs"), Listing("our-tree"));
    }

    [Fact]
    public void Images_of_umoci_and_buildah_are_loaded_with_all_that_their_files_have()
    {
        _timur.Must("""
            cd $ROOT && umoci init --layout made && umoci new --image made:first && umoci unpack --image made:first bundle1
            r=bundle1/rootfs; mkdir -p $r/bin $r/deep/sub; cp /bin/busybox $r/bin/busybox; ln $r/bin/busybox $r/bin/sh; mkfifo $r/fifo; mknod $r/device c 1 3; echo x >"$r/$(printf 'caf\351')"
            chown 3000:4000 $r/deep; chmod 3751 $r/deep; setfattr -n user.note -v hello $r/deep/sub; setcap cap_net_raw+ep $r/bin/busybox; touch -d '2001-02-03 04:05:06' $r/deep/sub; ln -s /nowhere $r/link
            # umoci writes whole seconds.
            find $r -depth ! -type l | while IFS= read -r f; do touch -d @$(stat -c %Y "$f") "$f"; done
            umoci repack --image made:first bundle1 && umoci config --image made:first --config.cmd sh --config.label by=umoci
            """);
        Assert.Equal("Loaded image: first:latest", _timur.Must("$T load -i $ROOT/made"));
        Assert.Equal("umoci", _timur.Inspect("first", "{{.Config.Labels.by}}"));
        _timur.Must("$T create --name files --network none first && mkdir $ROOT/our-tree && $T export files | tar --xattrs --xattrs-include='*' --numeric-owner -C $ROOT/our-tree -xpf -");
        _timur.Must("rm -f $ROOT/our-tree/dev/* $ROOT/our-tree/etc/* 2>/dev/null; true");
        Assert.Equal(Listing("bundle1/rootfs"), Listing("our-tree"));

        _timur.Must($"export BUILDAH_ISOLATION=chroot; b=\"buildah --root $ROOT/podman --runroot $ROOT/podman-run --storage-driver vfs\"; c=$($b from scratch) && $b copy -q $c /bin/busybox /bin/busybox && $b config --label by=buildah --cmd '[\"/bin/busybox\",\"true\"]' $c && $b commit -q $c built:2 && $b push -q built:2 docker-archive:$ROOT/built.tar:built:2 && $b push -q built:2 oci-archive:$ROOT/built-oci.tar:built:3 && $b rm -a >/dev/null");
        Assert.StartsWith("Loaded image: built:2", _timur.Must("$T load -i $ROOT/built.tar"));
        Assert.Equal("Loaded image: built:3", _timur.Must("$T load -i $ROOT/built-oci.tar"));
        Assert.Equal("buildah buildah", _timur.Inspect("built:2", "{{.Config.Labels.by}}") + " " + _timur.Inspect("built:3", "{{.Config.Labels.by}}"));
        Assert.Equal(0, _timur.Run("run", "--rm", "--network", "none", "built:2").Code);
    }

    [Theory]
    [InlineData("head -c 100000 good.tar >bad.tar", "cut off")]
    [InlineData("mkdir x; tar -C x -xf good.tar; rm x/manifest.json; tar -C x -cf bad.tar .", "isn't a saved image")]
    [InlineData("mkdir x; tar -C x -xf good.tar; for f in x/*.tar; do printf x | dd of=$f bs=1 seek=70000 conv=notrunc 2>/dev/null; done; tar -C x -cf bad.tar .", "")]
    [InlineData("mkdir x; tar -C x -xf good.tar; rm x/*.tar; tar -C x -cf bad.tar .", "isn't in the archive")]
    [InlineData("mkdir x; tar -C x -xf good.tar; for f in x/*.tar; do ln -sf ../../../../../../bin/busybox $f; done; tar -C x -cf bad.tar .", "isn't in the archive")]
    [InlineData("echo nonsense >bad.tar", "")]
    [InlineData(": >bad.tar", "empty")]
    public void A_damaged_archive_is_refused_and_leaves_nothing(string spoil, string why)
    {
        Load("sample");
        _timur.Must($"cd $ROOT && $T save -o good.tar app:1 && $T rmi app:1 && {spoil}");
        Outcome outcome = _timur.Run("load", "-i", _timur.Root + "/bad.tar");
        Assert.True(outcome.Code == 125 && outcome.Error.Contains(why, StringComparison.Ordinal) && !outcome.Error.Contains("defect", StringComparison.Ordinal), outcome.ToString());
        Assert.Equal("", _timur.Must("$T images -q; find $ROOT/data/images -type f"));
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void Save_refuses_what_makes_no_sense_and_leaves_no_half_file()
    {
        Load("sample");
        foreach (string[] words in (string[][])[["save", "nothing:1"], ["save", "host"], ["save", "--format", "zip", "app:1"], ["save", "--format", "oci-dir", "app:1"], ["save", "-o", _timur.Root, "app:1"], ["save", "-o", _timur.Root + "/no/such", "app:1"], ["load", "-i", "/no/such"]])
        {
            Outcome outcome = _timur.Run(words);
            Assert.True(outcome.Code == (words[^1] == "nothing:1" ? 1 : 125) && outcome.Error.Split('\n') is [['t', 'i', ..], [' ', ' ', ..], ""], $"{string.Join(' ', words)}: {outcome}");
        }

        Assert.NotEqual(0, Shell($"{_timur.Words} save app:1 | true; {_timur.Words} save -o /dev/full app:1").Code);
        Assert.Empty(Directory.GetFiles(_timur.Root, ".*"));
    }

    private void Load(string directory)
    {
        // The layout's own reference is "it".
        _timur.Must($"$T load -i $ROOT/{directory} && $T tag it app:1 && $T rmi it");
    }

    /// <summary>With extended attributes, and without times of the root, which unpacking and packing change.</summary>
    private string Listing(string tree)
        => _timur.Must($"cd $ROOT/{tree} && find . -mindepth 1 ! -path './dev*' ! -path './etc*' -printf '%p %y %m %U %G %l %n ' '(' -type f -printf '%s %T@' -o -path '*sub' -printf '%T@' -o -printf - ')' -printf '\\n' | sort; getfattr -hR -m - -d . 2>/dev/null");

    private static Outcome Shell(string script) => TimurCommand.Execute("sh", ["-c", script]);
}
