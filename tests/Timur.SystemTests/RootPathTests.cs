using Xunit;

namespace Timur.SystemTests;

/// <summary>Data directories whose names mean something to overlay's options, or are longer than these may be.</summary>
public sealed class RootPathTests : IDisposable
{
    private readonly string _place = Directory.CreateTempSubdirectory("timur-test-").FullName;

    public void Dispose() => Directory.Delete(_place, recursive: true);

    public static TheoryData<string> Names { get; } = ["a:b,c", "a\\b", "a\\,b\\:", "a \"b'", $"{new string('l', 200)}/{new string('m', 200)}"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Layers_are_found_wherever_the_store_is(string name)
    {
        string root = $"{_place}/{name}";
        string[] common = ["--root", root, "--state", _place + "/run"];
        try
        {
            foreach (string userNamespace in (string[])["host", "auto"])
            {
                Outcome outcome = TimurCommand.Execute(TimurCommand.Path, [.. common, "run", "--rm", "--network", "none", "--userns", userNamespace, "busybox", "sh", "-c", "echo ran >/new; cat /new"]);
                Assert.Equal((0, "ran\n", ""), (outcome.Code, outcome.Out, outcome.Error));
            }
        }
        finally
        {
            TimurCommand.Execute(TimurCommand.Path, [.. common, "clear", "--force", "--all"]);
        }
    }

    [Fact]
    public void A_hundred_and_thirty_layers_are_stacked_in_order()
    {
        using var timur = new TimurCommand();
        Outcome outcome = TimurCommand.Execute("/bin/sh", ["-c", LayeredImage.Script(timur.Words, $"{timur.Root}/data/images", 130)
            + $"{timur.Words} run --rm --network none $id sh -c 'ls /layers | wc -l; cat /top'"]);
        Assert.Equal("130\n130\n", outcome.Out);
    }
}
