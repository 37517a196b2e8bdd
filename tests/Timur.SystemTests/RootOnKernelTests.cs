using Xunit;

namespace Timur.SystemTests;

/// <summary>Roots that differ from kernel to kernel: how layers are stacked, and how they are shown with other ids.</summary>
public abstract class RootOnKernelTests(VirtualMachine machine)
{
    /// <summary>Their paths together are three times the page that mount(2) takes.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("--userns auto")]
    public void A_hundred_and_thirty_layers_are_stacked_in_order(string options)
    {
        Outcome outcome = machine.Shell(LayeredImage.Script("timur --root /var/lib/layered", "/var/lib/layered/images", 130) + $"""
            timur --root /var/lib/layered run --rm --network none {options} $id sh -c 'ls /layers | wc -l; cat /top; echo mine >/top; cat /top; stat -c %u /layers/1'
            timur --root /var/lib/layered clear --all --force >/dev/null; rm -rf /var/lib/layered
            """);
        Assert.True(outcome.Out == "130\n130\nmine\n0\n", outcome.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("--disk 64m")]
    [InlineData("--root-sync volatile")]
    public void A_user_namespace_sees_the_image_as_its_own(string options)
    {
        Outcome outcome = machine.Run($"--userns auto {options}", "touch /new; stat -c '%u %g' /new /bin/busybox; echo $(cat /proc/self/uid_map)");
        Assert.Matches(@"^0 0\n0 0\n0 [1-9]\d+ 65536\n$", outcome.Out);
    }

    [Fact]
    public void A_copy_of_the_machine_is_a_root()
        => Assert.Equal("vm\n", machine.Shell("echo vm >/etc/marker; timur run --rm --network none host sh -c 'cat /etc/marker; echo changed >/etc/marker' && grep -v vm /etc/marker").Out);

    [Fact]
    public void A_root_is_kept_from_one_start_to_the_next()
    {
        Outcome outcome = machine.Shell("""
            timur run --name kept --network none busybox sh -c 'echo once more >>/kept; cat /kept'
            timur start -a kept; timur run --rm --network none --read-only busybox sh -c 'echo x >/no'; timur rm kept
            """);
        Assert.Equal("once more\nonce more\nonce more\nkept\n", outcome.Out);
        Assert.Contains("Read-only file system", outcome.Error);
    }
}
