using Xunit;

namespace Timur.SystemTests;

/// <summary>Nothing grows with the number of containers that were, or with what a long life sees.</summary>
public sealed class LeakTests
{
    [Fact]
    public void Two_hundred_containers_in_a_row_leave_nothing() => PrivateHost.Run(_ =>
    {
        using var timur = new TimurCommand(ownBinary: true);
        Directory.CreateDirectory(timur.Root + "/volume");
        timur.Start("stays", "sleep 1000");
        string[][] kinds =
        [
            ["run", "--rm", "--network", "none", "busybox", "true"],
            ["run", "--rm", "busybox", "true"],
            ["run", "--rm", "-p", "9000:80", "-p", "9000:80/udp", "busybox", "true"],
            ["run", "--rm", "--network", "none", "--disk", "80m", "busybox", "sh", "-c", "echo x > /x"],
            ["run", "--rm", "--network", "none", "--init", "-m", "32m", "--cpus", "1", "--pids-limit", "20", "busybox", "true"],
            ["run", "--rm", "--network", "none", "-v", $"{timur.Root}/volume:/v", "--tmpfs", "/t", "-v", "/anonymous", "busybox", "true"],
            ["run", "--rm", "--network", "none", "busybox", "nope"],
            ["run", "--rm", "-w", "/bin/sh", "busybox", "true"],
            ["run", "--rm", "--network", "none", "--cpus", "99", "busybox", "true"],
            ["run", "--rm", "--network", "none", "-v", "/nope:/x", "busybox", "true"],
            ["run", "--rm", "--network", "container:stays", "busybox", "true"],
            ["exec", "stays", "true"],
            ["exec", "stays", "nope"],
        ];
        void Round()
        {
            foreach (string[] kind in kinds)
            {
                timur.Run(kind);
            }

            Assert.Equal(0, timur.Run("run", "-d", "--name", "kept", "busybox", "sleep", "100").Code);
            Assert.Equal("x\n", timur.Run("exec", "kept", "echo", "x").Out);
            Assert.Equal(0, timur.Run("restart", "-t", "0", "kept").Code);
            Assert.Equal(0, timur.Run("rm", "-f", "kept").Code);
        }

        Round();
        string before = Settled(timur);
        int descriptors = MonitorDescriptors(timur);
        for (int i = 0; i < 200 / kinds.Length; i++)
        {
            Round();
        }

        Assert.Equal(before, Settled(timur));
        Assert.Equal(descriptors, MonitorDescriptors(timur));
        Assert.Equal("everything is as recorded\n", timur.Run("system", "check").Out);
        Assert.Single(timur.Processes());
    });

    [Fact]
    public void A_monitor_keeps_its_descriptors_and_memory_through_a_long_life()
    {
        using var timur = new TimurCommand();
        timur.Start("old", "while read line; do echo $line $line $line $line; done", "-i", "--log-opt", "max-size=64k");
        void Use()
        {
            for (int i = 0; i < 6; i++)
            {
                Assert.Equal(0, timur.Run("exec", "old", "true").Code);
                Assert.Equal(0, timur.Run("logs", "--tail", "3", "old").Code);
                TimurCommand.Execute("sh", ["-c", $"(i=0; while [ $i -lt 300 ]; do echo line $i of the input; i=$((i+1)); done; sleep 0.5) | timeout -s KILL 0.15 {timur.Words} attach --sig-proxy=false old >/dev/null 2>&1"]);
            }
        }

        Use();
        int descriptors = MonitorDescriptors(timur);
        long memory = Memory(timur);
        for (int i = 0; i < 3; i++)
        {
            Use();
        }

        SpinWait.SpinUntil(() => MonitorDescriptors(timur) == descriptors, 3000);
        Assert.Equal(descriptors, MonitorDescriptors(timur));
        Assert.InRange(Memory(timur), 0, memory + 1024);
        Assert.Equal("running", timur.Inspect("old", "{{.State.Status}}"));
    }

    /// <summary>The kernel takes a veth pair away in its own time.</summary>
    private static string Settled(TimurCommand timur)
    {
        string now = "";
        SpinWait.SpinUntil(() => !(now = Residue.Of(timur)).Contains("links\n  ", StringComparison.Ordinal), 60_000);
        return now;
    }

    private static int MonitorDescriptors(TimurCommand timur)
    {
        string monitor = timur.Run("ps", "-q", "-l").Out.Trim();
        return Directory.GetFiles($"/proc/{timur.Inspect(monitor, "{{.State.MonitorPid}}")}/fd").Length;
    }

    /// <summary>Kilobytes that only the monitor has.</summary>
    private static long Memory(TimurCommand timur)
        => long.Parse(File.ReadAllLines($"/proc/{timur.Inspect("old", "{{.State.MonitorPid}}")}/smaps_rollup").First(line => line.StartsWith("Private_Dirty", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
}
