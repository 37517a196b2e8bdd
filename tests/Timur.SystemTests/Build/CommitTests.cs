using System.Text.Json;
using Xunit;

namespace Timur.SystemTests.Build;

/// <summary><c>timur commit</c> and <c>timur diff</c>.</summary>
public sealed class CommitTests : IDisposable
{
    private const string Changes =
        "echo hi >/etc/new; rm /bin/ls; rm -rf /var/tmp; mkdir /var/tmp; ln /etc/new /etc/new2; mkdir -p /x/y; chown 7:8 /x; chmod 4755 /etc/new; rm -rf /usr/sbin; echo >>/etc/passwd; mkfifo /p; ln -s /x /l";

    private readonly TimurCommand _timur = new(ownBinary: true);

    public void Dispose() => _timur.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("--userns auto")]
    [InlineData("--disk 96m")]
    public void What_was_changed_is_listed_and_becomes_an_image(string options)
    {
        Succeed(_timur.Run(["run", "--name", "box", "--network", "none", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "busybox", "sh", "-c", Changes]));
        Assert.Equal(
            "C /bin\nD /bin/ls\nC /etc\nA /etc/new\nA /etc/new2\nC /etc/passwd\nA /l\nA /p\nC /usr\nD /usr/sbin\nC /var\nC /var/tmp\nA /x\nA /x/y\n", _timur.Run("diff", "box").Out);
        Succeed(_timur.Run("commit", "-a", "Anna", "-m", "a note", "-c", "CMD [\"echo\", \"committed\"]", "-c", "ENV A=b", "box", "made:1"));
        Assert.Equal("committed\n", _timur.Run("run", "--rm", "--network", "none", "made:1").Out);
        Outcome seen = _timur.Run("run", "--rm", "--network", "none", "made:1", "busybox", "sh", "-c", "busybox ls /bin/ls /usr/sbin 2>&1 | busybox wc -l; busybox stat -c '%n %a %u:%g %h' /etc/new /x /p; echo $A");
        Assert.Equal("2\n/etc/new 4755 0:0 2\n/x 755 7:8 3\n/p 644 0:0 1\nb\n", seen.Out);
        JsonElement config = Config(_timur.Inspect("made:1", "{{.Id}}"));
        JsonElement last = config.GetProperty("history").EnumerateArray().Last();
        Assert.Equal(("Anna", "a note"), (last.GetProperty("author").GetString(), last.GetProperty("comment").GetString()));
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Fact]
    public void A_running_container_is_committed_twice_to_the_same_image_and_goes_on()
    {
        _timur.Start("box", "mkdir /d; echo x >/d/f; sleep 100");
        Assert.True(SpinWait.SpinUntil(() => _timur.Run("exec", "box", "test", "-s", "/d/f").Code == 0, 60_000));
        string words = $"SOURCE_DATE_EPOCH=1700000000 {_timur.Words} commit box";
        Outcome first = TimurCommand.Execute("sh", ["-c", $"{words} one"]);
        Outcome second = TimurCommand.Execute("sh", ["-c", $"{words} two"]);
        Succeed(first);
        Assert.Equal(first.Out, second.Out);
        Assert.Equal("running", _timur.Inspect("box", "{{.State.Status}}"));
        Outcome squashed = _timur.Run("commit", "--squash", "--pause=false", "box", "three");
        Assert.Equal(1, Config(squashed.Out.Trim()).GetProperty("rootfs").GetProperty("diff_ids").GetArrayLength());
        Assert.Equal("x\n", _timur.Run("run", "--rm", "--network", "none", "three", "cat", "/d/f").Out);
    }

    /// <summary>What a layer's archive says must not depend on the directory's order, on the locale, or on what the file system keeps besides.</summary>
    [Fact]
    public void A_layer_has_its_names_in_the_order_of_their_bytes_and_says_no_more_than_is_needed()
    {
        Succeed(_timur.Run("run", "--name", "box", "--network", "none", "busybox", "sh", "-c",
            "mkdir /d; cd /d; for name in b a B _ 'a b' a-b a.b a0 Z z ab; do echo x >$name; done; echo x >$(printf '\\351'); echo x >$(printf '\\303\\244'); mkdir a1; echo x >a1/z; ln a1/z zz; touch -d '2001-01-01 00:00:00' /d/*; chown 3000000:1 a"));
        Succeed(TimurCommand.Execute("sh", ["-ec", $"cd {_timur.Root}; T='{_timur.Words}'; $T commit -q box made; $T save --format oci-dir -o made.oci made; for blob in made.oci/blobs/sha256/*; do zcat -f $blob | tar -tf - 2>/dev/null | grep -q ^d/ && zcat $blob >layer.tar; done; test -s layer.tar"]));
        string[] names = TimurCommand.Execute("sh", ["-c", $"LC_ALL=C tar -tf {_timur.Root}/layer.tar --quoting-style=escape | grep ^d/."]).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["d/B", "d/Z", "d/_", "d/a", "d/a b", "d/a-b", "d/a.b", "d/a0", "d/a1/", "d/a1/z", "d/ab", "d/b", "d/z", "d/zz", "d/\\303\\244", "d/\\351"], names.Select(name => name.Replace("\\ ", " ", StringComparison.Ordinal)));
        Assert.Contains("d/zz link to d/a1/z", TimurCommand.Execute("tar", ["-tvf", _timur.Root + "/layer.tar"]).Out);
        HashSet<string> keys = [.. System.Text.RegularExpressions.Regex.Matches(System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(_timur.Root + "/layer.tar")), "(?<=\\d )[A-Za-z.]+(?==[^\n]*\n)").Select(match => match.Value)];
        Assert.Subset(new HashSet<string> { "path", "linkpath", "size", "uid", "gid", "mtime" }, keys);
        Assert.Contains("uid", keys);
    }

    [Fact]
    public void Attributes_that_overlayfs_would_read_never_come_into_an_image_or_an_archive()
    {
        // Inside a container such names are nobody's but its own.
        const string marks = "mkdir -p d e; for name in opaque whiteout redirect; do setfattr -n user.overlay.$name -v y d; setfattr -n user.overlay.$name -v y d/f; done; setfattr -n user.kept -v z d";
        Succeed(_timur.Run("run", "--name", "box", "--network", "none", "-v", "data:/data", "busybox", "sh", "-c", "mkdir /d; echo x >/d/f; mkdir /data/d; echo x >/data/d/f"));
        Succeed(TimurCommand.Execute("sh", ["-ec", $"""
            cd {_timur.Root}; (cd data/containers/*/upper; {marks}); (cd data/volumes/data/_data; {marks}); mkdir -p context/d; echo x >context/d/f; (cd context; {marks})
            printf 'FROM busybox\nCOPY . /\n' >Dockerfile
            T='{_timur.Words}'; $T commit -q box committed; $T build -q --network none -t built -f Dockerfile context
            $T export box >box.tar; $T volume export data >data.tar; $T cp box:/d - >copied.tar
            for image in committed built; do $T save --format oci-dir -o $image.oci $image; for blob in $image.oci/blobs/sha256/*; do zcat -f $blob >>$image.tar; done; done
            """]));
        foreach (string archive in (string[])["box", "data", "copied", "committed", "built"])
        {
            string text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes($"{_timur.Root}/{archive}.tar"));
            Assert.DoesNotContain("user.overlay.", text);
            Assert.Contains("user.kept", text);
        }

        Succeed(_timur.Run("rmi", "built"));
        Succeed(_timur.Run("load", "-i", _timur.Root + "/built.oci"));
        Assert.Equal("x\n", _timur.Run("run", "--rm", "--network", "none", "built", "cat", "/d/f").Out);
    }

    [Fact]
    public void What_can_not_be_committed_says_why()
    {
        Assert.Equal(1, _timur.Run("commit", "nobody").Code);
        Succeed(_timur.Run("create", "--name", "box", "busybox", "true"));
        Outcome wrong = _timur.Run("commit", "-c", "RUN x", "box");
        Assert.Contains("RUN can't be set on an image", wrong.Error);
        Assert.Contains("there is no instruction 'CMDD'", _timur.Run("commit", "-c", "CMDD x", "box").Error);
        _timur.Start("disk", "sleep 100", "--disk", "96m");
        Assert.Contains("stop it first: timur stop disk", _timur.Run("commit", "disk").Error);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    private JsonElement Config(string id) => JsonDocument.Parse(File.ReadAllText($"{_timur.Root}/data/images/configs/{id["sha256:".Length..]}.json")).RootElement;

    private static void Succeed(Outcome outcome) => Assert.True(outcome.Code == 0, outcome.ToString());
}
