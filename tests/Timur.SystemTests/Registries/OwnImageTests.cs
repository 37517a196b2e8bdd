using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>Pushing images that were made on this machine, whose layers are packed for it; and what a pull looks like.</summary>
public sealed class OwnImageTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly RegistryServer _registry;
    private readonly FaultProxy _proxy;

    public OwnImageTests()
    {
        _registry = new RegistryServer(_timur.Root + "/registry");
        _proxy = new FaultProxy(_registry.Host);
    }

    public void Dispose()
    {
        _proxy.Dispose();
        _registry.Dispose();

        // .NET can't delete names that are no text.
        TimurCommand.Execute("rm", ["-rf", _timur.Root + "/tree", _timur.Root + "/unpacked"]);
        _timur.Dispose();
    }

    [Fact]
    public void An_imported_image_is_packed_with_all_that_its_files_have()
    {
        Directory.CreateDirectory(_timur.Root + "/tree");
        Outcome made = TimurCommand.Execute("sh", ["-ec", $$"""
            cd {{_timur.Root}}/tree; mkdir -p bin deep sticky; cp /bin/busybox bin/busybox; ln -s busybox bin/sh; ln bin/busybox bin/again
            long=$(printf '%0120d' 0); mkdir -p deep/$long; echo x >deep/$long/$long; ln -s $long/$long deep/link
            echo x >"$(printf 'caf\351 \n\\ name')"; mkfifo fifo; mknod device c 1 3; mknod block b 7 200
            chmod 1777 sticky; chmod 4755 bin/again; chown 3000000000:4000000000 fifo; touch -d '1969-12-31 12:00:00.5' sticky; touch -h -d '2030-01-02 03:04:05.000000007' bin/sh
            tar --xattrs --format=pax -cf ../tree.tar .
            """]);
        Assert.True(made.Code == 0, made.ToString());
        Assert.Equal(0, _timur.Run("import", _timur.Root + "/tree.tar", "own").Code);
        Outcome pushed = _timur.Run("push", "-q", "own", $"{_proxy.Host}/own:1");
        Assert.True(pushed.Code == 0, pushed.ToString());
        Outcome copied = TimurCommand.Execute("skopeo", ["copy", "--src-tls-verify=false", $"docker://{_registry.Host}/own:1", $"dir:{_timur.Root}/read"]);
        Assert.True(copied.Code == 0, copied.ToString());
        string layer = Directory.GetFiles(_timur.Root + "/read").Single(file => File.ReadAllBytes(file) is [0x1f, 0x8b, ..]);
        Directory.CreateDirectory(_timur.Root + "/unpacked");
        Outcome unpacked = TimurCommand.Execute("tar", ["--xattrs", "-C", _timur.Root + "/unpacked", "-xpzf", layer]);
        Assert.True(unpacked.Code == 0, unpacked.ToString());
        Assert.Equal(Tree.Listing(_timur.Root + "/tree"), Tree.Listing(_timur.Root + "/unpacked"));
        Assert.Equal(0, _timur.Run("run", "--rm", "--network", "none", "--pull", "always", $"{_registry.Host}/own:1", "/bin/sh", "-c", "true").Code);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Fact]
    public void An_image_is_packed_the_same_way_each_time()
    {
        Assert.Equal(0, _timur.Shell("true").Code);
        Outcome first = _timur.Run("push", "-q", "busybox", $"{_proxy.Host}/busybox:1");
        Assert.True(first.Code == 0, first.ToString());
        _proxy.Forget();
        Assert.Equal(first.Out, _timur.Run("push", "-q", "busybox", $"{_proxy.Host}/busybox:2").Out);
        Assert.DoesNotContain(_proxy.Requests, request => request.Method == "POST");
    }

    [Fact]
    public void Bars_are_for_terminals_and_the_cursor_is_left_alone()
    {
        var sample = new SampleImage(_timur.Root + "/sample");
        sample.Push($"{_registry.Host}/app:1");
        Outcome plain = _timur.Run("pull", $"{_registry.Host}/app:1");
        Assert.DoesNotContain("\u001b", plain.Error + plain.Out);
        Assert.Contains("done\n", plain.Error);
        Outcome quiet = _timur.Run("pull", "-q", $"{_registry.Host}/app:1");
        Assert.Equal(("", sample.Id + "\n"), (quiet.Error, quiet.Out));
        Assert.Equal(0, _timur.Run("rmi", $"{_registry.Host}/app:1").Code);
        Outcome terminal = TimurCommand.Execute("script", ["-qec", $"stty cols 90; TERM=xterm {_timur.Words} pull {_registry.Host}/app:1", "/dev/null"]);
        Assert.Contains("━━━", terminal.Out);
        Assert.Contains("done", terminal.Out);
        Assert.DoesNotContain("\u001b[?25", terminal.Out);
    }

    /// <summary>A layer keeps its line however narrow the terminal is; the bar gives way first.</summary>
    [Theory]
    [InlineData(60, true)]
    [InlineData(36, true)]
    [InlineData(22, false)]
    public void Bars_fit_a_narrow_terminal(int columns, bool hasBar)
    {
        Assert.Equal(0, _timur.Shell("true").Code);
        Outcome pushed = TimurCommand.Execute("script", ["-qec", $"stty cols {columns}; TERM=xterm {_timur.Words} push busybox {_registry.Host}/narrow:{columns}", "/dev/null"]);
        string[] lines = [.. System.Text.RegularExpressions.Regex.Replace(pushed.Out, "\u001b\\[[0-9;]*[A-Za-z]", "").Split('\n', '\r').Where(line => line.Length > 0 && !line.StartsWith("sha256:", StringComparison.Ordinal))];
        Assert.Matches("^packing layer [0-9a-f]{12}$", lines[0]);
        Assert.All(lines[1..], line => Assert.Matches("^[0-9a-f]{12} ", line));
        Assert.All(lines[1..], line => Assert.True(line.TrimEnd().Length <= columns, line));
        Assert.Equal(hasBar, lines[^1].Contains('━'));
    }
}
