using System.Text;
using Timur.Kernel;
using Xunit;

namespace Timur.SystemTests.Layers;

/// <summary>What becomes of a layer's entries (OCI image-spec layer.md; pax(1); GNU tar manual).</summary>
public sealed class UnpackTests
{
    [Fact]
    public void A_whiteout_is_a_device_and_an_opaque_mark_an_attribute()
    {
        using Unpacked tree = Unpacked.From(new TarBuilder().File("etc/.wh.gone").File("var/.wh..wh..opq").File("var/kept").File(".wh.top"));
        Assert.True(tree.IsWhiteout("etc/gone") && tree.IsWhiteout("top"));
        Assert.True(tree.IsOpaque("var") && !tree.IsOpaque("etc"));
        Assert.Equal("x", tree.Read("var/kept"));
    }

    [Fact]
    public void Whiteouts_leave_what_the_same_layer_has_wherever_they_stand()
    {
        using Unpacked tree = Unpacked.From(new TarBuilder()
            .File("a").File(".wh.a")
            .Directory("b/").File("b/in").File(".wh.b")
            .File(".wh.c").File("c")
            .File(".wh.d").Directory("d/", 0x1C0).File("d/in")
            .File(".wh.e").File("e/deep/in")
            .File("f/in").File("f/.wh..wh..opq"));
        foreach (string file in (string[])["a", "b/in", "c", "d/in", "e/deep/in", "f/in"])
        {
            Assert.Equal("x", tree.Read(file));
        }

        // A directory in the place of what was hidden must not show what lies below.
        Assert.All((string[])["b", "d", "e", "f"], directory => Assert.True(tree.IsOpaque(directory), directory));
        Assert.Equal("700", tree.Stat("d", "%a"));
        Assert.DoesNotContain("e", tree.Needs.Directories);
    }

    [Theory]
    [InlineData(".wh..")]
    [InlineData(".wh...")]
    [InlineData(".wh.")]
    [InlineData("sub/.wh..")]
    public void A_whiteout_of_no_name_is_refused(string name) => Refused(new TarBuilder().File(name), "which hides no name");

    [Fact]
    public void A_later_entry_replaces_an_earlier_one_of_any_kind()
    {
        using Unpacked tree = Unpacked.From(new TarBuilder()
            .File("f", "old").Directory("f/").File("f/in")
            .Directory("d/", time: "1").Directory("d/sub/", time: "2").File("d/sub/in").File("d", "new", 0x180)
            .Symlink("l", "/nowhere").Directory("l/").File("l/in")
            .File("o", "old", 0x1FF, 7).File("o", "new")
            .Entry('6', "p").Symlink("p", "f"));
        Assert.Equal(("x", "new", "x", "new"), (tree.Read("f/in"), tree.Read("d"), tree.Read("l/in"), tree.Read("o")));
        Assert.Equal("600 0 1000000000", tree.Stat("d", "%a %u %Y"));
        Assert.Equal("644 0", tree.Stat("o", "%a %u"));
        Assert.Equal("'p' -> 'f'", tree.Stat("p", "%N").Replace(tree.Root + "/", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Hard_links_lead_to_files_of_the_layer_and_others_are_remembered()
    {
        using Unpacked tree = Unpacked.From(new TarBuilder().File("a").Link("b", "/a").Link("sub/c", "./a").Link("a", "a").Link("low", "usr/lib/low").Symlink("s", "a").Link("s2", "s"));
        Assert.Equal("3", tree.Stat("a", "%h"));
        Assert.Equal(tree.Stat("a", "%i"), tree.Stat("sub/c", "%i"));
        Assert.Equal("symbolic link", tree.Stat("s2", "%F"));
        Assert.Equal([("low", "usr/lib/low")], tree.Needs.Links);
        Refused(new TarBuilder().Link("x", "../outside"), "to something outside");
        Refused(new TarBuilder().Link("x", "/"), "to a directory");
    }

    [Fact]
    public void A_change_of_owner_takes_neither_setuid_nor_capabilities()
    {
        string capability = "\u0001\0\0\u0002\0\u0020\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        using Unpacked tree = Unpacked.From(new TarBuilder().File("su", mode: 0x9ED, owner: 1000).Pax(("SCHILY.xattr.security.capability", capability)).File("cap", owner: 1000));
        Assert.Equal("4755 1000", tree.Stat("su", "%a %u"));
        Assert.Contains("cap_net_raw=ep", TimurCommand.Execute("/sbin/getcap", [tree.Root + "/cap"]).Out);
    }

    [Fact]
    public void Modes_and_owners_are_those_of_the_archive_whatever_a_new_file_gets_of_itself()
    {
        using var tree = new Unpacked();
        TimurCommand.Execute("sh", ["-c", $"chown 7:7 '{tree.Root}' && chmod 2777 '{tree.Root}'"]);
        tree.Unpack(new TarBuilder().File("open", mode: 0x1FF).File("closed", mode: 0).File("su", mode: 0xDED).File("other", mode: 0x1B6, owner: 8).File("d/in", mode: 0x1B6).Bytes);
        Assert.Equal("777 0:0", tree.Stat("open", "%a %u:%g"));
        Assert.Equal("0 0:0", tree.Stat("closed", "%a %u:%g"));
        Assert.Equal("6755 0:0", tree.Stat("su", "%a %u:%g"));
        Assert.Equal("666 8:8", tree.Stat("other", "%a %u:%g"));
        Assert.Equal(("755 0:0", "666 0:0"), (tree.Stat("d", "%a %u:%g"), tree.Stat("d/in", "%a %u:%g")));
    }

    [Fact]
    public void Directories_keep_their_times_and_those_nobody_mentions_are_plain()
    {
        using Unpacked tree = Unpacked.From(new TarBuilder().Directory("./", 0x1C0, "-3.25").Directory("a/", time: "5.000000001").Directory("a/b/", time: "6").File("a/b/c").File("i/j/k").File("a/late"));
        Assert.Equal("700", tree.Stat(".", "%a"));
        Assert.Equal("-3.250000000", tree.Stat(".", "%.9Y"));
        Assert.Equal("5.0000000010", TimurCommand.Execute("find", [tree.Root + "/a", "-maxdepth", "0", "-printf", "%T@"]).Out);
        Assert.Equal("6", tree.Stat("a/b", "%Y"));
        Assert.Equal("755 0 0 0", tree.Stat("i/j", "%a %u %g %Y"));
        Assert.Equal(["i", "i/j"], tree.Needs.Directories);
    }

    [Fact]
    public void Attributes_are_bytes_in_either_spelling_and_overlays_own_are_refused()
    {
        using Unpacked tree = Unpacked.From(new TarBuilder().Pax(("SCHILY.xattr.user.raw", "\0=\n\u00ff"), ("LIBARCHIVE.xattr.user.coded", "AAECAw")).File("f"));
        Assert.Equal("0x003d0aff", Attribute(tree, "user.raw"));
        Assert.Equal("0x00010203", Attribute(tree, "user.coded"));
        Refused(new TarBuilder().Pax(("SCHILY.xattr.trusted.overlay.redirect", "/etc")).Directory("d/"), "belongs to the overlay");
        Refused(new TarBuilder().Pax(("LIBARCHIVE.xattr.trusted.overlay.opaque", "eQ==")).Directory("d/"), "belongs to the overlay");
        foreach (string name in (string[])["opaque", "whiteout", "redirect", "metacopy", "origin"])
        {
            // What overlayfs reads with userxattr, as containers of ordinary users have it: on a directory, a file, and for all that follows.
            Refused(new TarBuilder().Pax(("SCHILY.xattr.user.overlay." + name, "y")).Directory("d/"), $"user.overlay.{name}, which belongs to the overlay");
            Refused(new TarBuilder().Pax(("LIBARCHIVE.xattr.user.overlay." + name, "eQ")).File("f"), "belongs to the overlay");
            Refused(new TarBuilder().Global(("SCHILY.xattr.user.overlay." + name, "y")).File("f"), "belongs to the overlay");
        }

        Refused(new TarBuilder().Pax(("LIBARCHIVE.xattr.user.x", "?")).File("d"), "isn't in base 64");
    }

    [Fact]
    public void Names_ids_and_times_of_every_format_are_read()
    {
        string longName = string.Join('/', Enumerable.Repeat(new string('n', 50), 6));
        using Unpacked tree = Unpacked.From(new TarBuilder()
            .Entry('L', "././@LongLink", content: Encoding.Latin1.GetBytes(longName + "\0")).File("short", "gnu")
            .Entry('K', "././@LongLink", content: Encoding.Latin1.GetBytes(longName + "\0")).Symlink("long", "short")
            .Entry('0', "tail", prefix: "ustar/prefix", content: [(byte)'u'])
            .Pax(("path", "pax/path"), ("size", "3"), ("uid", "4294967294"), ("gid", "3000000000"), ("mtime", "1234567890.123456789")).Entry('0', "x", content: "pax"u8.ToArray(), size: 0)
            .Pax(("linkpath", "pax-target")).Symlink("pl", "other")
            .Global(("mtime", "77")).File("global")
            .Pax(("mtime", "-1.5")).File("early")
            .File("base256", owner: 2_200_000_000)
            .File("no\u00e9 utf\n\\8"));
        Assert.Equal("gnu", tree.Read(longName));
        Assert.EndsWith($"-> '{longName}'", tree.Stat("long", "%N"));
        Assert.Equal("u", tree.Read("ustar/prefix/tail"));
        Assert.Equal("pax 4294967294 3000000000 1234567890.123456789", $"{tree.Read("pax/path")} {tree.Stat("pax/path", "%u %g %.9Y")}");
        Assert.EndsWith("-> 'pax-target'", tree.Stat("pl", "%N"));
        Assert.Equal(("77", "-1.500000000", "2200000000"), (tree.Stat("global", "%Y"), tree.Stat("early", "%.9Y"), tree.Stat("base256", "%u")));
        Assert.Contains("no351utf\\n\\8", TimurCommand.Execute("sh", ["-c", $"find {tree.Root} -name 'no*' -printf %f | od -An -c | tr -d ' \n'"]).Out);
    }

    [Theory]
    [InlineData("gnu", "")]
    [InlineData("pax", "--sparse-version=0.0")]
    [InlineData("pax", "--sparse-version=0.1")]
    [InlineData("pax", "--sparse-version=1.0")]
    public void Files_with_holes_keep_them(string format, string version)
    {
        using var tree = new Unpacked();
        string home = Directory.CreateTempSubdirectory("timur-test-").FullName;
        try
        {
            Outcome made = TimurCommand.Execute("bash", ["-ec", $$"""
                cd {{home}}; mkdir src
                truncate -s 40M src/holes; for i in $(seq 0 60); do printf "part $i" | dd of=src/holes bs=1 seek=$((i * 600000)) conv=notrunc status=none; done
                truncate -s 5M src/empty; printf end | dd of=src/end bs=1 seek=3000000 status=none; echo after >src/plain
                tar --format={{format}} {{version}} -S -C src -cf archive .
                """]);
            Assert.True(made.Code == 0, made.ToString());
            tree.Unpack(File.ReadAllBytes(home + "/archive"));
            Outcome same = TimurCommand.Execute("diff", ["-r", home + "/src", tree.Root]);
            Assert.True(same.Code == 0, same.ToString());
            Assert.True(int.Parse(tree.Stat("holes", "%b")) < 2000);
            Assert.Equal("0", tree.Stat("empty", "%b"));
        }
        finally
        {
            Directories.RemoveTree(home);
        }
    }

    [Fact]
    public void Devices_pipes_and_the_longest_names_are_made()
    {
        string component = new('c', 255);
        string deep = string.Join('/', Enumerable.Repeat(component, 20)) + "/file";
        using Unpacked tree = Unpacked.From(new TarBuilder()
            .Entry('3', "char", device: (1, 3)).Entry('4', "block", device: (259, 70_000)).Entry('6', "pipe", mode: 0x1B6)
            .Pax(("path", deep)).File("x", "deep").Pax(("path", deep + "2"), ("linkpath", deep)).Link("x", "y"));
        Assert.Equal("character special file 1 3", tree.Stat("char", "%F %t %T"));
        Assert.Equal("block special file 103 11170", tree.Stat("block", "%F %t %T"));
        Assert.Equal("fifo 666", tree.Stat("pipe", "%F %a"));
        string found = TimurCommand.Execute("sh", ["-c", $"find {tree.Root} -type f -links 2 | wc -l"]).Out.Trim();
        Assert.Equal("2", found);
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("/../outside")]
    [InlineData("..")]
    public void Names_that_lead_out_are_refused(string name) => Refused(new TarBuilder().File(name), "leads out of its directory");

    [Fact]
    public void Links_lead_nowhere_but_inside()
    {
        string outside = Directory.CreateTempSubdirectory("timur-test-").FullName;
        try
        {
            using Unpacked tree = Unpacked.From(new TarBuilder()
                .Symlink("abs", outside).File("abs/made")
                .Symlink("up", "../../../../.." + outside).File("up/too")
                .Symlink("magic", "/proc/self/root" + outside).File("magic/three")
                .Directory("real/").Symlink("real/back", "..").File("real/back/here")
                .Symlink("last", outside + "/victim").File("last", "replaced")
                .Directory("swapped/").File("swapped/before").Symlink("swapped", outside).File("swapped/after")
                .Directory("deep/er/").File("deep/er/before").Symlink("deep", "/swapped").File("deep/er/after")
                .File("/etc/absolute"));
            Assert.Empty(Directory.EnumerateFileSystemEntries(outside));
            Assert.Equal("x", tree.Read(outside[1..] + "/made"));
            Assert.Equal("x", tree.Read(outside[1..] + "/too"));
            Assert.Equal("x", tree.Read(outside[1..] + "/after"));
            Assert.Equal("x", tree.Read(outside[1..] + "/er/after"));
            Assert.Equal("x", tree.Read("here"));
            Assert.Equal("regular file", tree.Stat("last", "%F"));
            Assert.Equal("x", tree.Read("etc/absolute"));
            Assert.Equal("", tree.Outside());
        }
        finally
        {
            Directories.RemoveTree(outside);
        }
    }

    [Fact]
    public void Links_in_a_circle_end()
    {
        using var tree = new Unpacked();
        Assert.ThrowsAny<Exception>(() => tree.Unpack(new TarBuilder().Symlink("a", "b").Symlink("b", "a").File("a/x").Bytes));
        Assert.ThrowsAny<Exception>(() => tree.Unpack(new TarBuilder().Symlink("m", string.Join('/', Enumerable.Repeat("m", 50))).File("m/x").Bytes));
    }

    [Fact]
    public void More_entries_than_any_image_has_are_refused()
    {
        using var tree = new Unpacked();
        byte[] three = new TarBuilder().File("a").File("b").File("c").Bytes;
        Assert.Contains("more than 2 entries", Assert.Throws<Failure>(() => tree.Unpack(three, mostEntries: 2)).Message);
        tree.Unpack(three, mostEntries: 3);
    }

    [Fact]
    public void Missing_end_blocks_and_what_follows_them_do_no_harm()
    {
        byte[] whole = new TarBuilder().File("a").Bytes;
        using var tree = new Unpacked();
        tree.Unpack(whole[..^1024]);
        tree.Unpack([.. whole, .. "anything"u8]);
        Assert.Equal("x", tree.Read("a"));
    }

    private static string Attribute(Unpacked tree, string name) => TimurCommand.Execute("getfattr", ["-e", "hex", "-n", name, tree.Root + "/f"]).Out.Split('=')[^1].Trim();

    private static void Refused(TarBuilder archive, string reason)
    {
        using var tree = new Unpacked();
        Failure failure = Assert.Throws<Failure>(() => tree.Unpack(archive.Bytes));
        Assert.Contains(reason, failure.Message);
        Assert.Equal("", tree.Outside());
    }
}
