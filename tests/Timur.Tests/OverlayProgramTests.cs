using Timur.Kernel;
using Timur.Kernel.Launcher;
using Xunit;

namespace Timur.Tests;

public sealed class OverlayProgramTests
{
    private static LaunchProgram Compile(int layers, string upper = "/upper")
    {
        var options = new List<KeyValuePair<string, string?>>();
        for (int i = 0; i < layers; i++)
        {
            options.Add(new("lowerdir+", $"/layers/{i}"));
        }

        options.AddRange([new("upperdir", upper), new("workdir", "/work"), new("volatile", null)]);
        var program = new LaunchProgram();
        program.MountOverlay(options, "/stage");
        return program;
    }

    private static int Find(LaunchProgram program, string name) => program.Names.ToList().IndexOf(name);

    [Fact]
    public void Where_the_kernel_takes_layers_one_by_one_no_further_call_is_made()
    {
        LaunchProgram program = Compile(3);
        int attached = Find(program, "mount /stage");
        Assert.Equal(program.Count, program.AfterSuccessOf(attached));
        Assert.Equal(1 + 1 + 3 + 3 + 1 + 1 + 1, attached + 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(500)]
    public void Every_option_that_the_kernel_refuses_leads_to_the_other_way(int layers)
    {
        LaunchProgram program = Compile(layers);
        int otherWay = Find(program, "mount /stage") + 1;
        for (int i = 0; i < otherWay; i++)
        {
            bool isOption = program.NameOf(i).StartsWith("fsconfig", StringComparison.Ordinal);
            Assert.Equal(isOption, program[i].Tolerated == 1 && program[i].Tolerate0 == (short)Errno.EINVAL);
            Assert.Equal(isOption ? otherWay : i + 1, i + 1 + program[i].SkipOnError);
        }
    }

    [Fact]
    public void A_backslash_that_kernels_read_differently_is_never_an_option()
    {
        LaunchProgram program = Compile(1, "/a\\b");
        Assert.DoesNotContain(program.Names, name => name.StartsWith("fsconfig", StringComparison.Ordinal));
        Assert.Contains("open /a\\b", program.Names);
    }
}
