using Timur.Cgroups;
using Timur.CommandLine;
using Timur.Engine;
using Timur.Kernel;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur stats</c>: what running containers use.</summary>
internal static class StatsCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("all", "those that don't run, too", 'a'),
        Option.Flag("no-stream", "once, not until interrupted"),
        Option.Value("interval", "SECONDS", "between two looks (default 1)"),
        .. ListOutput.Options,
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        TimeSpan interval = TimeSpan.FromSeconds(arguments.Number("interval") ?? 1);
        bool once = arguments.Has("no-stream");
        bool clears = !once && Terminal.Is(Descriptors.Standard(1)) && arguments.Text("format") is null;
        Dictionary<string, (long Cpu, long Time)> before = Sample(context, Select(context, arguments));
        do
        {
            Thread.Sleep(interval);
            List<Container> containers = Select(context, arguments);
            Dictionary<string, (long Cpu, long Time)> now = Sample(context, containers);
            List<TemplateObject> rows = containers.ConvertAll(container => Row(context, container, before, now));
            before = now;
            if (clears)
            {
                context.OutText("\x1b[H\x1b[2J");
            }

            ListOutput.Print(context, arguments, rows,
            [
                ("CONTAINER ID", "ID"), ("NAME", "Name"), ("CPU %", "CPUPerc"), ("THROTTLED", "Throttled"), ("MEM USAGE / LIMIT", "MemUsage"), ("MEM %", "MemPerc"),
                ("NET I/O", "NetIO"), ("BLOCK I/O", "BlockIO"), ("PIDS", "PIDs"), ("OOM", "OOMKills"), ("PRESSURE", "Pressure"),
            ]);
        }
        while (!once);
        return 0;
    }

    private static List<Container> Select(CommandContext context, Arguments arguments)
    {
        var store = new ContainerStore(context.Paths);
        return arguments.Operands.Count > 0
            ? arguments.Operands.Select(name => store.Find(name)).ToList()
            : store.List(onlyActive: !arguments.Has("all"));
    }

    private static Dictionary<string, (long Cpu, long Time)> Sample(CommandContext context, List<Container> containers)
        => containers.ToDictionary(container => container.Id.Text, container => (ContainerCgroup.Of(context.Paths, container).Statistics().CpuNanoseconds ?? 0, Environment.TickCount64));

    /// <summary>Received and sent, as the container sees it; without a link of its own there is nothing to count.</summary>
    private static string Traffic(CommandContext context, Container container)
        => ContainerTraffic.Of(context.Paths, container) is { } traffic
            ? $"{new ByteSize(traffic.ReceivedBytes).ToDecimalString()} / {new ByteSize(traffic.SentBytes).ToDecimalString()}"
            : "--";

    private static TemplateObject Row(CommandContext context, Container container, Dictionary<string, (long Cpu, long Time)> before, Dictionary<string, (long Cpu, long Time)> now)
    {
        CgroupStatistics statistics = ContainerCgroup.Of(context.Paths, container).Statistics();
        (long cpu, long time) = now[container.Id.Text];
        (long oldCpu, long oldTime) = before.GetValueOrDefault(container.Id.Text, (cpu, time - 1));
        long used = Math.Max(0, (statistics.MemoryUsage ?? 0) - (statistics.MemoryInactiveFile ?? 0));
        long limit = statistics.MemoryLimit ?? MachineMemory.Total;
        return new TemplateObject()
            .Add("ID", container.Id.Short)
            .Add("Name", container.Name)
            .Add("CPUPerc", $"{(cpu - oldCpu) / 1e4 / Math.Max(1, time - oldTime):0.00}%")
            .Add("Throttled", statistics.ThrottledPeriods is { } periods ? $"{periods}" : "--")
            .Add("MemUsage", $"{new ByteSize(used)} / {new ByteSize(limit)}")
            .Add("MemPerc", $"{100.0 * used / limit:0.00}%")
            .Add("NetIO", Traffic(context, container))
            .Add("BlockIO", $"{new ByteSize(statistics.ReadBytes ?? 0).ToDecimalString()} / {new ByteSize(statistics.WriteBytes ?? 0).ToDecimalString()}")
            .Add("PIDs", statistics.Pids ?? 0)
            .Add("OOMKills", statistics.OomKills)
            .Add("Pressure", statistics.CpuPressure is { } pressure ? $"cpu {pressure:0.0} mem {statistics.MemoryPressure:0.0} io {statistics.IoPressure:0.0}" : "--");
    }
}
