using System.Diagnostics;
using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary><c>cp</c> both ways: Docker's rules for paths, attributes, archives, and containers that fight back.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Paths_mean_what_they_mean_to_docker(bool runs)
    {
        Container(runs);
        _timur.Must("mkdir -p $ROOT/here/sub; echo file >$ROOT/here/file; echo deep >$ROOT/here/sub/deep; ln -s file $ROOT/here/link");

        // A file: to a new name, over a file, into a directory.
        _timur.Must("$T cp $ROOT/here/file box:/new; $T cp $ROOT/here/sub/deep box:/new; $T cp $ROOT/here/file box:/tmp; $T cp $ROOT/here/file box:tmp/; $T cp box:/new $ROOT/out");
        Assert.Equal("deep", _timur.Must("cat $ROOT/out"));

        // A directory: made under the new name, into a directory under its own, its content alone.
        _timur.Must("$T cp $ROOT/here box:/made; $T cp $ROOT/here box:/tmp; $T cp $ROOT/here/. box:/srv");
        _timur.Must("mkdir $ROOT/back; $T cp box:/made $ROOT/back/made; $T cp box:/tmp $ROOT/back; $T cp box:/srv/. $ROOT/back/content");
        foreach (string place in (string[])["made", "tmp/here", "content"])
        {
            Assert.Equal("file\ndeep\nfile", _timur.Must($"cd $ROOT/back/{place}; cat file sub/deep; readlink link"));
        }

        Assert.Equal("file", _timur.Must("cat $ROOT/back/tmp/file"));

        // Links: themselves, or what they lead to.
        _timur.Must("$T cp box:/made/link $ROOT/back/link; $T cp -L box:/made/link $ROOT/back/followed");
        Assert.Equal("file\nfile", _timur.Must("readlink $ROOT/back/link; cat $ROOT/back/followed"));

        foreach ((string source, string target) in ((string, string)[])[("box:/none", "ROOT/x"), ("ROOT/here/file", "box:/none/"), ("ROOT/here/file", "box:/none/x"), ("ROOT/here", "box:/new"), ("ROOT/here/file", "box:/new/"), ("ROOT/none", "box:/x"), ("box:/made", "ROOT/out"), ("ROOT/here/file/", "box:/x"), ("ROOT/a", "ROOT/b"), ("box:/a", "box:/b"), ("", "box:/x"), ("none:/x", "ROOT/x")])
        {
            Outcome outcome = _timur.Run("cp", source.Replace("ROOT", _timur.Root, StringComparison.Ordinal), target.Replace("ROOT", _timur.Root, StringComparison.Ordinal));
            Assert.True(outcome.Code is 1 or 125 && !outcome.Error.Contains("defect", StringComparison.Ordinal) && outcome.Error.StartsWith("timur: ", StringComparison.Ordinal), $"{source} {target}: {outcome}");
        }

        Assert.False(File.Exists(_timur.Root + "/x"));
        _timur.Must("$T rm -f box");
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "")]
    [InlineData(true, "--userns auto")]
    [InlineData(false, "--userns auto")]
    public void Owners_are_the_receivers_or_kept_and_volumes_are_reached(bool runs, string options)
    {
        Container(runs, options + " -v data:/d");
        _timur.Must("mkdir $ROOT/here; cd $ROOT/here; echo x >file; chown 1000:2000 file; chmod 4755 file; touch -d '2001-02-03 04:05:06.5' file; mkfifo fifo; ln file hard; setfattr -n user.note -v hello file");
        _timur.Must("$T cp $ROOT/here/. box:/srv; $T cp -a $ROOT/here/. box:/d");
        string look = "stat -c '%u:%g %a %y' /srv/file /d/file /d/hard /srv/fifo | sed 's/ 00:00$//; s/ [+]0000//'";
        _timur.Must(runs ? "true" : "$T start box");
        string[] rows = _timur.Must($"$T exec box sh -c \"{look.Replace("$", "\\$", StringComparison.Ordinal)}\"").Split('\n');
        Assert.StartsWith("0:0 755 2001-02-03 04:05:06.5", rows[0]);
        Assert.StartsWith("1000:2000 4755 2001-02-03 04:05:06.5", rows[1]);
        Assert.Equal(rows[1], rows[2]);
        Assert.StartsWith("0:0", rows[3]);
        Assert.Equal("2", _timur.Must("$T exec box stat -c %h /d/hard"));
        _timur.Must(runs ? "true" : "$T stop -t 0 box");
        _timur.Must("$T cp box:/d $ROOT/ours; $T cp -a box:/d $ROOT/kept");
        Assert.Equal("0:0 755\n1000:2000 4755\nhello", _timur.Must("stat -c '%u:%g %a' $ROOT/ours/file $ROOT/kept/file; getfattr --only-values -n user.note $ROOT/kept/file"));
    }

    [Fact]
    public void Archives_go_through_pipes_both_ways()
    {
        Container(runs: true);
        _timur.Must("mkdir -p $ROOT/here/sub; echo x >$ROOT/here/sub/file; chown 5:6 $ROOT/here/sub/file; tar -C $ROOT/here -czf - . | $T cp - box:/srv");
        Assert.Equal("5:6", _timur.Must("$T exec box stat -c %u:%g /srv/sub/file"));
        Assert.Equal("sub/\nsub/file", _timur.Must("$T cp box:/srv/sub - | tar -tf -"));
        Assert.Equal("file", _timur.Must("$T cp box:/srv/sub/file - | tar -tf -"));
        Assert.Equal("./\nsub/\nsub/file", _timur.Must("$T cp box:/srv/. - | tar -tf -"));
        Assert.Equal(125, TimurCommand.Execute("sh", ["-c", $"tar -C {_timur.Root}/here -cf - . | {_timur.Words} cp - box:/srv/sub/file"]).Code);
        Assert.Equal(125, TimurCommand.Execute("sh", ["-c", $"echo nonsense | {_timur.Words} cp - box:/srv"]).Code);

        // What the kernel shows is no part of a container's files.
        Assert.Equal("", _timur.Must("$T cp box:/ - | tar -tf - | grep -E '^(proc|sys)/' || true"));
    }

    [Fact]
    public void Links_of_the_container_lead_nowhere_outside_of_it()
    {
        string secret = _timur.Root + "/secret";
        File.WriteAllText(secret, "secret");
        Container(runs: true);
        _timur.Must($"$T exec box sh -c 'ln -s {secret} /leak; ln -s / /top; ln -s ../../../../../../../.. /up; ln -s /proc/1/root /magic; ln -s {_timur.Root} /outside; ln -s /proc/self/fd /fds'");
        Assert.NotEqual(0, _timur.Run("cp", "-L", "box:/leak", _timur.Root + "/got").Code);
        foreach (string path in (string[])[$"box:/up{secret}", $"box:/top{secret}", $"box:/magic{secret}", "box:/outside/secret", "box:/fds/3"])
        {
            Assert.NotEqual(0, _timur.Run("cp", "-L", path, _timur.Root + "/got").Code);
        }

        Assert.False(File.Exists(_timur.Root + "/got"));
        _timur.Must("echo ours >$ROOT/ours");
        foreach (string path in (string[])["box:/leak", "box:/outside/written", "box:/magic/written", $"box:/up{_timur.Root}/written"])
        {
            _timur.Run("cp", _timur.Root + "/ours", path);
        }

        Assert.Equal("secret", File.ReadAllText(secret));
        Assert.False(File.Exists(_timur.Root + "/written"));
    }

    [Fact]
    public void A_container_that_swaps_links_in_a_loop_neither_gives_nor_gets_a_file_of_the_host()
    {
        Directory.CreateDirectory(_timur.Root + "/host");
        File.WriteAllText(_timur.Root + "/host/file", "secret");
        Container(runs: true);
        _timur.Must("echo ours >$ROOT/ours; mkdir $ROOT/tree; for i in 1 2 3 4 5; do mkdir $ROOT/tree/$i; echo ours >$ROOT/tree/$i/file; done");
        using Process swapper = Process.Start("sh", ["-c", $"exec {_timur.Words} exec box sh -c 'mkdir -p /a/real /b; echo inside >/a/real/file; ln -s {_timur.Root}/host /a/link; cp -r /a/real /a/d; while :; do rm -rf /a/x; mv /a/d /a/x; cp -P /a/link /a/d; rm -rf /a/d; cp -r /a/real /a/d; ln -sf {_timur.Root}/host/file /a/f; echo inside >/a/g; mv /a/g /a/f; done 2>/dev/null'"]);
        try
        {
            int copied = 0;
            for (int round = 0; round < 120; round++)
            {
                string got = $"{_timur.Root}/got{round}";
                if (_timur.Run("cp", "-L", round % 2 == 0 ? "box:/a/d/file" : "box:/a/f", got).Code == 0)
                {
                    copied++;
                    Assert.NotEqual("secret", File.ReadAllText(got));
                }

                _timur.Run("cp", round % 3 == 0 ? _timur.Root + "/tree/." : _timur.Root + "/ours", round % 3 == 0 ? "box:/a/d" : round % 3 == 1 ? "box:/a/d/file" : "box:/a/f");
            }

            Assert.InRange(copied, 1, 120);
        }
        finally
        {
            swapper.Kill();
            swapper.WaitForExit();
        }

        Assert.Equal("secret", File.ReadAllText(_timur.Root + "/host/file"));
        Assert.Equal(["file"], Directory.GetFileSystemEntries(_timur.Root + "/host").Select(Path.GetFileName));
    }

    [Fact]
    public void A_link_that_was_copied_leads_no_later_copy_out_of_its_place()
    {
        Directory.CreateDirectory(_timur.Root + "/host");
        File.WriteAllText(_timur.Root + "/host/file", "secret");
        Container(runs: true);
        _timur.Must($"$T exec box sh -c 'mkdir /a; ln -s {_timur.Root}/host /a/d; ln -s {_timur.Root}/host/file /a/f'; $T cp box:/a $ROOT/got");
        Assert.Equal(_timur.Root + "/host", new FileInfo(_timur.Root + "/got/d").LinkTarget);
        _timur.Must("$T exec box sh -c 'rm /a/d /a/f; mkdir /a/d; echo theirs >/a/d/file; echo theirs >/a/d/new; echo theirs >/a/f'");
        foreach (string source in (string[])["box:/a/f", "box:/a/."])
        {
            _timur.Run("cp", source, _timur.Root + "/got");
        }

        _timur.Run("cp", "box:/a/d/new", _timur.Root + "/got/d/");
        Assert.Equal("secret", File.ReadAllText(_timur.Root + "/host/file"));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("xz")]
    [InlineData("zstd -q")]
    public void A_compressed_archive_is_unpacked_by_no_program_of_the_container(string compress)
    {
        Container(runs: false);
        _timur.Must("mkdir $ROOT/in; for name in pigz unpigz gzip gunzip xz unxz zstd unzstd; do printf '#!/bin/sh\\ntouch /proof\\nexec cat\\n' >$ROOT/in/$name; done; chmod 755 $ROOT/in/*; $T cp $ROOT/in/. box:/bin; mkdir $ROOT/out; echo data >$ROOT/out/data");
        _timur.Must($"tar -C $ROOT/out -c data | {compress} | $T cp - box:/srv || true");
        Assert.NotEqual(0, _timur.Run("cp", "box:/proof", _timur.Root + "/proof").Code);
        Assert.False(File.Exists("/proof"));
        Assert.Equal(0, _timur.Run("cp", "box:/bin/unpigz", _timur.Root + "/there").Code);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void Files_go_from_one_container_to_another_and_to_another_place_of_the_same(bool runs, bool otherRuns)
    {
        Container(runs, "-v shared:/shared");
        _timur.Must($"mkdir -p $ROOT/here/sub; echo file >$ROOT/here/sub/f; chown 5:6 $ROOT/here/sub/f; $T cp -a $ROOT/here box:/from; $T create --name other --userns auto --network none busybox sleep 1000; {(otherRuns ? "$T start other" : "true")}");
        _timur.Must("$T cp box:/from/sub other:/to; $T cp -a box:/from/. other:/kept; $T cp box:/from/sub/f other:/etc/; $T cp other:/to/f box:/back; $T cp box:/from box:/srv");
        Assert.Equal("0:0 5:6", _timur.Must("echo $($T cp other:/to/f - | tar --numeric-owner -tv | awk '{print $2}' | tr / :) $($T cp other:/kept/sub/f - | tar --numeric-owner -tv | awk '{print $2}' | tr / :)"));
        Assert.Equal("file\nfile\nfile\nfile", _timur.Must("for path in other:/to/f other:/etc/f box:/back box:/srv/from/sub/f; do $T cp $path - | tar -xO; done"));

        // What would copy itself for ever, or empty what it reads.
        foreach ((string source, string target) in ((string, string)[])[("box:/from", "box:/from/sub"), ("box:/from/.", "box:/from/new"), ("box:/back", "box:/back"), ("box:/shared", $"{_timur.Root}/data/volumes/shared/_data/deeper")])
        {
            Outcome itself = _timur.Run("cp", source, target);
            Assert.True(itself.Code == 125 && (itself.Error.Contains("in the directory that would be copied", StringComparison.Ordinal) || itself.Error.Contains("is the file itself", StringComparison.Ordinal)), itself.ToString());
        }

        Assert.Equal("file", _timur.Must("$T cp box:/back - | tar -xO"));
        Assert.Equal(1, _timur.Run("cp", "box:/back", "nobody:/").Code);
        _timur.Must("$T rm -f box other");
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    private void Container(bool runs, string options = "") => _timur.Must($"$T create --name box --network none {options} busybox sleep 1000; {(runs ? "$T start box" : "true")}; {(runs ? "$T exec box mkdir /srv" : "mkdir -p $ROOT/empty/srv; $T cp $ROOT/empty/srv box:/srv")}");
}
