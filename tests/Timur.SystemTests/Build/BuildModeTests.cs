using Xunit;

namespace Timur.SystemTests.Build;

/// <summary>Modes that COPY and ADD give, and holes of files that are copied.</summary>
public sealed class BuildModeTests(BuildPlace place) : IClassFixture<BuildPlace>
{
    [Fact]
    public void Copy_and_add_change_modes_as_chmod_does()
    {
        BuildPlace.Succeed(place.Build("""
            FROM base
            ARG WHO=o
            COPY --chmod=u=rwX,go=rX modes /copied
            COPY --chmod=g=u,${WHO}-rwx a.txt /a
            ADD --chmod=a+X,go-w --chown=5:6 files.tar.gz /unpacked/
            ADD --chmod=0710 files.tar /octal/
            """));
        string stat = place.Inside("cd /; stat -c '%n %a %u' copied copied/f copied/ro copied/d copied/d/x a unpacked/dir unpacked/dir/one octal/dir octal/dir/one; readlink unpacked/links/to-file");
        Assert.Equal("""
            copied 755 0
            copied/f 755 0
            copied/ro 644 0
            copied/d 755 0
            copied/d/x 644 0
            a 660 0
            unpacked/dir 755 5
            unpacked/dir/one 644 5
            octal/dir 710 21
            octal/dir/one 710 21
            ../a.txt

            """, stat);
        Assert.Contains("--chmod=u+y isn't a mode", place.Build("FROM base\nCOPY --chmod=u+y a.txt /\n").Error);
    }

    [Fact]
    public void Holes_stay_holes_in_what_is_copied_committed_and_given_to_volumes()
    {
        string sparse = place.Context + "/sparse";
        BuildPlace.Succeed(TimurCommand.Execute("sh", ["-euc", $"truncate -s 64M {sparse}; printf begin | dd of={sparse} conv=notrunc 2>&1; printf middle | dd of={sparse} bs=1M seek=33 conv=notrunc 2>&1"]));
        try
        {
            string digest = TimurCommand.Execute("sha256sum", [sparse]).Out.Split(' ')[0];
            BuildPlace.Succeed(place.Build("FROM base\nCOPY sparse /files/sparse\n"));
            AssertSparse(digest, place.Inside("stat -c '%s %b' /files/sparse; sha256sum /files/sparse"));
            TimurCommand timur = place.Timur;
            BuildPlace.Succeed(timur.Run("run", "--name", "holes", "--network", "none", "-v", "holes:/files", "out", "sh", "-c", "cp /files/sparse /tmp/full; truncate -s 64M /own; printf end >>/own"));
            AssertSparse(digest, timur.Run("run", "--rm", "--network", "none", "-v", "holes:/files", "out", "sh", "-c", "stat -c '%s %b' /files/sparse; sha256sum /files/sparse").Out);
            BuildPlace.Succeed(timur.Run("cp", "holes:/own", timur.Root + "/own"));
            BuildPlace.Succeed(timur.Run("commit", "holes", "out"));
            string own = TimurCommand.Execute("sha256sum", [timur.Root + "/own"]).Out.Split(' ')[0];
            AssertSparse(own, TimurCommand.Execute("sh", ["-c", $"stat -c '%s %b' {timur.Root}/own; sha256sum {timur.Root}/own"]).Out);
            AssertSparse(own, place.Inside("stat -c '%s %b' /own; sha256sum /own"));
            BuildPlace.Succeed(timur.Run("cp", sparse, "holes:/in"));
            AssertSparse(digest, TimurCommand.Execute("sh", ["-c", $"f=$(echo {timur.Root}/data/containers/*/upper/in); stat -c '%s %b' $f; sha256sum $f"]).Out);
            BuildPlace.Succeed(timur.Run("rm", "-v", "holes"));
            BuildPlace.Succeed(timur.Run("volume", "rm", "holes"));
        }
        finally
        {
            File.Delete(sparse);
        }
    }

    /// <summary>A file of 64 megabytes that occupies less than one.</summary>
    private static void AssertSparse(string digest, string output)
    {
        string[] words = output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Assert.True(words.Length >= 3 && long.Parse(words[0]) >= 64 << 20 && long.Parse(words[1]) < 2048 && words[2] == digest, output);
    }
}
