using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary><c>timur image bootstrap</c> against the mirror that this machine's own packages come from.</summary>
public sealed class BootstrapTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void An_image_of_a_distribution_is_made_from_its_mirror()
    {
        Outcome made = Bootstrap($"debian:bookworm --mirror {Mirror()} --include bc,ed --tag made:1");
        Assert.True(made.Code == 0, made.ToString());
        Assert.Matches("^sha256:[0-9a-f]{64}\n$", made.Out);
        Assert.Contains("done: made:1", made.Error);
        Outcome inside = _timur.Run("run", "--rm", "--network", "none", "made:1", "sh", "-c", ". /etc/os-release; echo $ID $VERSION_CODENAME; echo 6*7 | bc; which ed; dpkg --audit; stat -c %a /tmp; id -nu");
        Assert.Equal("debian bookworm\n42\n/usr/bin/ed\n1777\nroot\n", inside.Out);
        Assert.Equal("[/bin/bash]", _timur.Inspect("made:1", "{{.Config.Cmd}}"));
        Assert.Contains("mmdebstrap debian bookworm bc ed", _timur.Run("history", "--no-trunc", "made:1").Out);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Theory]
    [InlineData("debian:bookworm --mirror http://127.0.0.1:9/nothing", "Failed to fetch http://127.0.0.1:9/nothing/dists/bookworm/InRelease")]
    [InlineData("debian:nosuchsuite --mirror MIRROR", "nosuchsuite")]
    [InlineData("arch:rolling", "isn't a distribution that can be bootstrapped")]
    public void What_cant_be_made_says_why_and_leaves_nothing(string words, string why)
    {
        Outcome failed = Bootstrap(words.Replace("MIRROR", Mirror(), StringComparison.Ordinal));
        Assert.True(failed.Code == 125 && failed.Out.Length == 0 && failed.Error.Split('\n')[^3].Contains(why, StringComparison.Ordinal), failed.ToString());
        Assert.Equal("", _timur.Run("images", "-q").Out);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    private Outcome Bootstrap(string words) => TimurCommand.Execute("sh", ["-c", $"exec {_timur.Words} image bootstrap {words}"], milliseconds: 600_000);

    private static string Mirror() => TimurCommand.Execute("sh", ["-c", "apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | head -1"]).Out.Trim() is { Length: > 0 } known ? known : "http://deb.debian.org/debian";
}
