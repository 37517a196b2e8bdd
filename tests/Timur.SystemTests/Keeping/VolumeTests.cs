using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>Volumes: named and anonymous, filled from the image, mapped ids, care for them.</summary>
public sealed class VolumeTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose()
    {
        TimurCommand.Execute("rm", ["-rf", _timur.Root + "/tree"]);
        _timur.Dispose();
    }

    [Fact]
    public void An_empty_volume_gets_what_the_image_has_in_its_place_once_and_with_all_attributes()
    {
        Image("VOLUME /unused");
        _timur.Must("$T run --rm --network none -v data:/srv/files img busybox true");
        Assert.Equal(Listing("tree/srv/files"), Listing("data/volumes/data/_data"));
        Assert.Contains("1000:2000", Listing("data/volumes/data/_data"));
        Assert.Equal("", _timur.Must("find $ROOT/data/volumes/data/_data -newermt '2001-01-01' -name dated"));

        // What is there is never touched again, nor with nocopy, nor on a mounted directory of the host.
        _timur.Must("$T run --rm --network none -v data:/srv/files img busybox rm /srv/files/one; $T run --rm --network none -v data:/srv/files img busybox true");
        Assert.False(File.Exists(_timur.Root + "/data/volumes/data/_data/one"));
        _timur.Must("mkdir $ROOT/own; $T run --rm --network none -v plain:/srv/files:nocopy -v $ROOT/own:/srv img busybox true; $T run --rm --network none --mount type=volume,src=other,dst=/srv/files,volume-nocopy,volume-label=a=b img busybox true");
        Assert.Equal("", _timur.Must("ls $ROOT/data/volumes/plain/_data $ROOT/data/volumes/other/_data | grep -v -e _data -e '^$' || true"));
        Assert.Equal("map[a:b]", _timur.Must("$T volume inspect --format '{{.Labels}}' other"));
    }

    [Fact]
    public void Layers_are_joined_before_a_volume_is_filled()
    {
        Image("VOLUME /unused");
        _timur.Must("mkdir -p $ROOT/up/srv/files; echo new >$ROOT/up/srv/files/one; : >$ROOT/up/srv/files/.wh.dated; tar -C $ROOT/up -cf $ROOT/up.tar srv; umoci --version >/dev/null");
        _timur.Must("$T save --format oci-dir -o $ROOT/layout img && umoci raw add-layer --image $ROOT/layout:latest $ROOT/up.tar && $T load -i $ROOT/layout");
        _timur.Must("$T run --rm --network none -v data:/srv/files img busybox true");
        Assert.Equal("new", _timur.Must("cat $ROOT/data/volumes/data/_data/one"));
        Assert.False(File.Exists(_timur.Root + "/data/volumes/data/_data/dated"));
    }

    [Fact]
    public void Another_containers_volumes_and_binds_are_in_the_same_places_unless_an_option_names_the_place()
    {
        Image("VOLUME /srv/files");
        _timur.Must("mkdir -p $ROOT/host; echo h >$ROOT/host/h; $T create --name one -v named:/n -v $ROOT/host:/h:ro -v other:/o img busybox true; $T start one");
        Assert.Equal("1\nh", _timur.Must("$T run --rm --network none --volumes-from one img busybox sh -c 'echo 1 >/n/f; cat /n/f /h/h; touch /srv/files/shared; touch /h/x 2>/dev/null && echo written; true'"));
        Assert.Equal("1\nhere", _timur.Must("$T run --rm --network none --volumes-from one:ro --tmpfs /o img busybox sh -c 'cat /n/f; ls /srv/files/shared >/dev/null && echo here; touch /n/x 2>/dev/null && echo written; touch /o/x'"));

        // The other one's own volumes are in use as long as there is somebody who has them.
        _timur.Must("$T create --name two --network none --volumes-from one img busybox test -e /srv/files/shared; $T rm -v one; $T start -a two");
        Assert.Contains("isn't possible", _timur.Run("create", "--volumes-from", "two:x", "img", "busybox", "true").Error);
        Assert.Equal(125, _timur.Run("create", "--volumes-from", "nobody", "img", "busybox", "true").Code);
        _timur.Must("$T rm -v two");
    }

    [Fact]
    public void The_images_volumes_are_the_containers_own_and_go_with_it_when_asked()
    {
        Image("VOLUME /srv/files");
        _timur.Must("$T run -d --name one --network none img busybox sleep 100; $T exec one busybox touch /srv/files/mine");
        string name = _timur.Must("$T volume ls -q");
        Assert.Equal(64, name.Length);
        Assert.True(File.Exists($"{_timur.Root}/data/volumes/{name}/_data/mine") && File.Exists($"{_timur.Root}/data/volumes/{name}/_data/one"));
        Assert.Equal($"volume {name} /srv/files true", _timur.Inspect("one", "{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}{{end}}"));
        _timur.Must("$T restart -t 0 one; $T exec one busybox ls /srv/files/mine");
        Assert.Equal(2, _timur.Run("volume", "rm", name).Code);

        // rm leaves it, rm -v and --rm don't.
        _timur.Must("$T rm -f one");
        Assert.Equal(name, _timur.Must("$T volume ls -q --filter dangling=true"));
        Assert.StartsWith(name + "\nTotal reclaimed space: ", _timur.Must("$T volume prune -f"));
        _timur.Must("$T run -d --name two --network none img busybox sleep 100; $T rm -f -v two; $T run --rm --network none img busybox true; $T run --rm --network none -v /x -v named:/y img busybox true");
        Assert.Equal("named", _timur.Must("$T volume ls -q"));
        Assert.NotEqual(0, _timur.Run("run", "--network", "none", "-v", "/x", "-v", "fresh:/y", "img", "/no/such/program").Code);
        _timur.Must("$T rm -v $($T ps -aq) 2>/dev/null; true");
        Assert.Equal("named", _timur.Must("$T volume ls -q"));
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Fact]
    public void Volumes_are_made_listed_shown_filtered_and_removed()
    {
        _timur.Must("$T volume create data --label tier=back --label keep; $T volume create other; $T volume create data");
        _timur.Must("$T volume exists data; ! $T volume exists nothing; $T run --name box --network none busybox true; $T container exists box; ! $T container exists none; $T rm box; $T image exists busybox; ! $T image exists none:1");
        string anonymous = _timur.Must("$T volume create");
        Assert.Equal(64, anonymous.Length);
        Assert.Equal("data", _timur.Must("$T volume ls -q --filter label=tier=back --filter label=keep"));
        Assert.Equal("data", _timur.Must("$T volume ls -q --filter name=dat"));
        Assert.Equal($"local {_timur.Root}/data/volumes/data/_data back", _timur.Must("$T volume inspect --format '{{.Driver}} {{.Mountpoint}} {{.Labels.tier}}' data"));
        Assert.Contains("\"Name\":\"other\"", _timur.Must("$T volume ls --format json"));
        _timur.Start("user", "sleep 100", "-v", "data:/d");
        Outcome used = _timur.Run("volume", "rm", "data");
        Assert.Equal((2, true), (used.Code, used.Error.Contains("used by container user", StringComparison.Ordinal)));
        Assert.Equal("data", _timur.Must("$T volume ls -q --filter dangling=false"));
        Assert.Equal("1", _timur.Must("$T volume ls --filter name=data --format '{{.Links}}'"));
        Assert.StartsWith(anonymous, _timur.Must("$T volume prune -f"));
        _timur.Must("$T volume rm other");
        Assert.Equal(1, _timur.Run("volume", "rm", "other").Code);
        Assert.Equal(0, _timur.Run("volume", "rm", "-f", "other").Code);
        Assert.StartsWith("Total", _timur.Must("$T volume prune -a -f"));
        _timur.Must("$T rm -f user");
        Assert.StartsWith("Total", _timur.Must("$T volume prune -a -f --filter label!=keep"));
        Assert.StartsWith("data", _timur.Must("$T volume prune -a -f --filter label=keep"));
        foreach (string[] words in (string[][])[["volume", "create", "-d", "nfs", "v"], ["volume", "create", "a/b"], ["volume", "create", "--opt", "size=1", "v1"], ["volume", "create", "--opt", "type=tmpfs", "v1"], ["volume", "inspect", "none"], ["volume", "ls", "--filter", "x=y"]])
        {
            Outcome outcome = _timur.Run(words);
            Assert.True(outcome.Code is 125 or 1 && !outcome.Error.Contains("defect", StringComparison.Ordinal), outcome.ToString());
        }

        Assert.Equal("", _timur.Must("ls -A $ROOT/data/volumes"));
    }

    [Fact]
    public void A_volume_with_options_is_mounted_as_they_say()
    {
        _timur.Must("mkdir $ROOT/served; echo there >$ROOT/served/file; $T volume create bound --opt type=none --opt device=$ROOT/served --opt o=bind; $T volume create small --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,mode=700");
        Assert.Equal("there\n1024.0K 700\n", _timur.Shell("cat /b/file; echo $(df -h /s | tail -1 | awk '{print $2}') $(stat -c %a /s)", "-v", "bound:/b", "-v", "small:/s").Out.Replace("1.0M", "1024.0K", StringComparison.Ordinal));
        Assert.NotEqual(0, _timur.Shell("touch /b/new", "-v", "bound:/b:ro").Code);
        Assert.Equal(125, _timur.Run("volume", "create", "bound", "--opt", "type=none", "--opt", "device=/etc", "--opt", "o=bind").Code);
    }

    [Fact]
    public void With_a_user_namespace_a_volumes_files_have_the_ids_inside()
    {
        Image("VOLUME /unused");
        _timur.Must("$T run --rm --network none -v data:/srv/files img busybox true");
        Assert.Equal("1000 2000", _timur.Must("$T run --rm --network none --userns auto -v data:/srv/files img busybox sh -c 'stat -c \"%u %g\" /srv/files/one; touch /srv/files/new; chown 5:6 /srv/files/new'"));
        Assert.Equal("5 6", _timur.Must("stat -c '%u %g' $ROOT/data/volumes/data/_data/new"));

        // A second container, with other ids on the host, and one without a namespace see the same; a bind mount is mapped only when asked.
        Assert.Equal("5 6", _timur.Must("$T run --rm --network none --userns auto -v data:/d img busybox stat -c '%u %g' /d/new"));
        Assert.Equal("5 6", _timur.Must("$T run --rm --network none -v data:/d img busybox stat -c '%u %g' /d/new"));
        _timur.Must("mkdir $ROOT/host; touch $ROOT/host/file; chown 7:8 $ROOT/host/file");
        Assert.Equal("7 8", _timur.Must("$T run --rm --network none --userns auto -v $ROOT/host:/h:idmap img busybox stat -c '%u %g' /h/file"));
        Assert.Equal("65534 65534", _timur.Must("$T run --rm --network none --userns auto -v $ROOT/host:/h img busybox stat -c '%u %g' /h/file"));
        Assert.Equal(125, _timur.Shell("true", "-v", $"{_timur.Root}/host:/h:idmap").Code);
    }

    [Fact]
    public void A_volumes_content_goes_out_and_in_as_an_archive()
    {
        Image("VOLUME /unused");
        _timur.Must("$T run --rm --network none -v data:/srv/files img busybox true; $T volume export data | zstd -q >$ROOT/data.tar.zst; $T volume create copy; $T volume import copy $ROOT/data.tar.zst; echo .wh.x >$ROOT/.wh.x; tar -C $ROOT -cf - .wh.x | $T volume import copy -");
        Assert.True(File.Exists(_timur.Root + "/data/volumes/copy/_data/.wh.x"));
        File.Delete(_timur.Root + "/data/volumes/copy/_data/.wh.x");
        Assert.Equal(Listing("data/volumes/data/_data"), Listing("data/volumes/copy/_data"));
        _timur.Must("mkdir -p $ROOT/evil; ln -s /etc $ROOT/evil/link; tar -C $ROOT/evil -cf $ROOT/evil.tar link; rm $ROOT/evil/link; mkdir $ROOT/evil/link; echo x >$ROOT/evil/link/escaped; tar -C $ROOT/evil -rf $ROOT/evil.tar link/escaped");
        _timur.Run("volume", "import", "copy", _timur.Root + "/evil.tar");
        Assert.False(File.Exists("/etc/escaped"));
        Assert.Equal(125, _timur.Run("volume", "import", "copy", "/no/such").Code);
        Assert.Equal(1, _timur.Run("volume", "export", "nothing").Code);
    }

    /// <summary>An image with files of every kind in /srv/files.</summary>
    private void Image(string change) => _timur.Must($$"""
        mkdir -p $ROOT/tree/bin $ROOT/tree/srv/files/sub; cd $ROOT/tree; cp /bin/busybox bin/; cd srv/files; echo one >one; ln one sub/again; ln -s ../one sub/link; mkfifo sub/fifo
        echo x >"$(printf 'caf\351')"; setfattr -n user.note -v hello one; touch -d 2000-01-02 dated; chown 1000:2000 one . ; chmod 3750 .; chmod 4711 dated
        tar -C $ROOT/tree --xattrs --format=pax -cf - . | $T import --change '{{change}}' - img
        """);

    private string Listing(string directory)
        => _timur.Must($"cd $ROOT/{directory} && find . ! -name '.wh.*' -printf '%p %y %m %U:%G %l %n %T@\\n' | sed 's/^\\. d \\(.*\\) [0-9.]*$/. d \\1/' | sort; find . -type f | sort | xargs -d '\\n' cat; getfattr -hR -m - -d .");
}
