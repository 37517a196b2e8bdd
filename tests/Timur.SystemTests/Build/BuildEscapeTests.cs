using Xunit;

namespace Timur.SystemTests.Build;

/// <summary>The known attacks of Dockerfiles on the machine that builds them (SECURITY.md has the table).</summary>
public sealed class BuildEscapeTests(BuildPlace place) : IClassFixture<BuildPlace>
{
    private string Outside => place.Timur.Root + "/outside";

    private string Up => string.Concat(Enumerable.Repeat("../", 20)) + Outside[1..];

    [Theory]
    [InlineData("bind", "/rootlink")]
    [InlineData("bind", "/rootlink/outside")]
    [InlineData("bind", "/uplink")]
    [InlineData("bind", "/../../../../..")]
    [InlineData("cache,id=seeded", "/rootlink")]
    [InlineData("cache,id=upped", "/uplink")]
    public void The_source_of_a_mount_is_never_outside_of_its_image(string type, string source)
    {
        // CVE-2024-1753 (buildah), CVE-2024-11218
        Directory.CreateDirectory(Outside);
        File.WriteAllText(Outside + "/secret", "of the host");
        string text = $"""
            FROM base AS evil
            RUN ln -s / /rootlink; ln -s {Up} /uplink; mkdir /outside; echo own >/outside/own
            FROM base
            RUN --mount=type={type},from=evil,source={source},target=/in find /in/ -name secret -maxdepth 8 -xdev >/seen; echo x >/in/secret || true
            """;
        Outcome outcome = place.Build(text);
        Assert.True(outcome.Code != 0 || place.Inside("cat /seen") == "", outcome.ToString());
        Assert.Equal("of the host", File.ReadAllText(Outside + "/secret"));
    }

    [Theory]
    [InlineData("../../../../../../../../outside")]
    [InlineData("/outside")]
    [InlineData("..")]
    public void A_caches_name_is_no_path(string id)
    {
        // CVE-2024-9675 (buildah)
        string before = Names();
        BuildPlace.Succeed(place.Build($"FROM base\nRUN --mount=type=cache,id={id},target=/c touch /c/made; ls /c >/seen\n"));
        Assert.Equal("made\n", place.Inside("cat /seen"));
        Assert.Equal(before, Names());

        string Names() => string.Join(' ', new[] { "/", place.Timur.Root, place.Timur.Root + "/data" }.SelectMany(Directory.GetFileSystemEntries).Where(path => !path.EndsWith(".Dockerfile", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public void What_is_cleared_away_of_a_mounts_place_is_never_outside()
    {
        // CVE-2024-23652 (BuildKit): the step leads the way to the empty file that was made for the mount elsewhere.
        Directory.CreateDirectory(Outside + "/empty");
        File.WriteAllText(Outside + "/stub", "");
        place.Build($"FROM base\nRUN --mount=type=bind,source=a.txt,target=/place/stub --mount=type=tmpfs,target=/place/empty mv /place /gone; rm -rf /place; ln -s {Up} /place\n");
        place.Build($"FROM base\nRUN ln -s {Up} /place\nRUN --mount=type=bind,source=a.txt,target=/place/stub --mount=type=tmpfs,target=/place/empty true\n");
        Assert.True(File.Exists(Outside + "/stub") && Directory.Exists(Outside + "/empty"));
        Assert.Equal("", File.ReadAllText(Outside + "/stub"));
    }
}
