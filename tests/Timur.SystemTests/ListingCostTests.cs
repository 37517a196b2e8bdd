using Xunit;

namespace Timur.SystemTests;

/// <summary>What a list costs, counted in system calls: time would say more about the machine.</summary>
public sealed class ListingCostTests : IDisposable
{
    private const int Stopped = 60;
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_stopped_container_costs_a_list_of_running_ones_three_calls_and_a_whole_list_six()
    {
        Assert.Equal(0, _timur.Shell("true").Code);
        int running = Calls("ps");
        int all = Calls("ps -a");
        for (int i = 0; i < Stopped; i++)
        {
            Assert.Equal(0, _timur.Run("run", "--name", $"c{i}", "--network", "none", "-l", $"n={i}", "busybox", "true").Code);
        }

        Assert.Equal(Stopped, _timur.Run("ps", "-aq").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.InRange(Calls("ps") - running, Stopped * 3, (Stopped * 3) + 10);
        Assert.InRange(Calls("ps -a") - all, Stopped * 6, (Stopped * 7) + 20);
    }

    private int Calls(string command)
    {
        TimurCommand.Execute("sh", ["-c", $"strace -qq -e trace='!mmap,munmap,madvise,mprotect,brk' -o {_timur.Root}/trace {_timur.Words} {command} >/dev/null"]);
        return File.ReadAllLines(_timur.Root + "/trace").Length;
    }
}
