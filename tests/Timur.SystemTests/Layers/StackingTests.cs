using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Layers;

/// <summary>Layers that take for granted what is below them, pulled and run.</summary>
public sealed class StackingTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly RegistryServer _registry;

    public StackingTests() => _registry = new RegistryServer(_timur.Root + "/registry");

    public void Dispose()
    {
        _registry.Dispose();
        _timur.Dispose();
    }

    /// <summary>Distributions have /bin as a link to usr/bin, and programs that make images put files into bin/ all the same.</summary>
    [Fact]
    public void A_file_below_a_link_of_a_lower_layer_goes_where_the_link_leads()
    {
        string name = Push("linked", Base(), new TarBuilder().File("bin/tool", "#!/bin/sh\necho tool\n", 0x1ED).File("opt/deep/er/file"));
        Outcome ran = _timur.Run("run", "--rm", "--network", "none", name, "sh", "-c", "tool; busybox readlink /bin; busybox ls /usr/bin; busybox cat /data/deep/er/file");
        Assert.Equal("tool\nusr/bin\nbusybox\nsh\ntool\nx", ran.Out);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Fact]
    public void A_directory_that_a_layer_doesnt_mention_keeps_its_owner_mode_and_attributes()
    {
        string name = Push("kept", Base(), new TarBuilder().File("tmp/new").File("home/user/new"));
        Outcome ran = _timur.Run("run", "--rm", "--network", "none", name, "sh", "-c", "busybox stat -c '%a %u %g %Y' /tmp /home/user; busybox ls /tmp");
        Assert.Equal("1777 0 0 1000000000\n750 1000 1000 5\nnew\nold\n", ran.Out);
    }

    [Fact]
    public void A_hard_link_to_a_file_of_a_lower_layer_becomes_a_copy()
    {
        string name = Push("copied", Base(), new TarBuilder().Link("etc/again", "home/user/secret").Link("usr/bin/sh2", "usr/bin/sh"));
        Outcome ran = _timur.Run("run", "--rm", "--network", "none", name, "sh", "-c", "busybox stat -c '%a %u %h' /etc/again; busybox cat /etc/again; busybox readlink /usr/bin/sh2");
        Assert.Equal("600 1000 1\nsecret\nbusybox\n", ran.Out.Replace("secret", "secret\n", StringComparison.Ordinal));
        Outcome missing = _timur.Run("pull", "-q", Push("missing", Base(), new TarBuilder().Link("etc/again", "no/where")));
        Assert.True(missing.Code == 125 && missing.Error.Contains("links 'etc/again' to 'no/where'", StringComparison.Ordinal), missing.ToString());
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Fact]
    public void The_same_layer_stands_differently_on_different_layers_and_goes_with_its_last_image()
    {
        TarBuilder shared = new TarBuilder().File("bin/tool", "tool").File("bin/more", "more");
        string linked = Push("linked", Base(), shared);
        string plain = Push("plain", Base().Entry('5', "bin/"), shared);
        Assert.Equal("tool", _timur.Run("run", "--rm", "--network", "none", linked, "busybox", "cat", "/usr/bin/tool").Out);
        Assert.Equal("tool", _timur.Run("run", "--rm", "--network", "none", plain, "/usr/bin/busybox", "cat", "/bin/tool").Out);
        Assert.Equal("", _timur.Run("run", "--rm", "--network", "none", plain, "/usr/bin/busybox", "cat", "/usr/bin/tool").Out);
        foreach (string name in (string[])[linked, plain])
        {
            Assert.Equal(0, _timur.Run("rmi", name).Code);
            Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_timur.Root + "/data/images/layers"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_timur.Root + "/data/images/stacks"));
    }

    private static TarBuilder Base() => OciLayout.LinkedBase();

    private string Push(string name, params TarBuilder[] layers)
    {
        string directory = $"{_timur.Root}/{name}";
        OciLayout.Write(directory, layers);
        string reference = $"{_registry.Host}/{name}:1";
        Outcome copied = TimurCommand.Execute("skopeo", ["copy", "--preserve-digests", "--dest-tls-verify=false", $"oci:{directory}", $"docker://{reference}"]);
        Assert.True(copied.Code == 0, copied.ToString());
        return reference;
    }
}
