using Timur.Runtime.Criu;
using Xunit;

namespace Timur.Tests.Oci;

public class CriuOptionsTests
{
    [Theory]
    [InlineData("/a]:/etc", "/volume")]
    [InlineData("/deep/]:", "/volume")]
    public void A_place_whose_end_criu_would_take_for_a_source_is_refused(string place, string source)
        => Assert.Contains("can't tell a mount at " + place, Assert.Throws<Failure>(() => new CriuOptions { ImageDirectory = 3, Root = "/", LogFile = "log", ExternalMounts = [(place, source)] }.ToMessage()).Message, StringComparison.Ordinal);

    [Fact]
    public void Other_places_are_told_as_they_are()
        => Assert.NotNull(new CriuOptions { ImageDirectory = 3, Root = "/", LogFile = "log", ExternalMounts = [("/a]", "/b:"), ("/[c]", "/d")] }.ToMessage());
}
