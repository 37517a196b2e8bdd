using System.Text.Json;
using Timur.CommandLine;
using Timur.Cgroups;
using Timur.Kernel;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>events</c>: statistics at intervals, and each time the kernel kills for lack of memory; a JSON object a line.</summary>
internal static class EventsCommand
{
    private const int Step = 200;

    internal static Option[] Options { get; } =
    [
        Option.Value("interval", "DURATION", "time between statistics (default 5s)"),
        Option.Flag("stats", "print statistics once"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        OciContainer container = context.Root.Find(OciOperands.Id(arguments, "events"));
        if (!Duration.TryParse(arguments.Text("interval") ?? "5s", out TimeSpan interval) || interval <= TimeSpan.Zero)
        {
            throw new Failure("duration interval must be greater than 0", "for example --interval 5s", 1);
        }

        if (container.Status == OciStatus.Stopped)
        {
            throw new Failure($"container with id {container.Id} is not running", exitCode: 1);
        }

        if (arguments.Has("stats"))
        {
            PrintStatistics(container);
            return 0;
        }

        using Fd? process = Processes.TryOpen(container.Record.Pid, out _);
        long kills = container.Cgroup.OomKills();
        for (long waited = 0; process is not null && container.IsAlive; waited += Step)
        {
            bool ended = Processes.WaitForEnd(process, Step);
            if (container.Cgroup.OomKills() is var now && now > kills)
            {
                kills = now;
                OciContext.Text(Event(container, "oom", _ => { }));
            }

            if (!ended && (waited + Step) % Math.Max((long)interval.TotalMilliseconds / Step * Step, Step) == 0)
            {
                PrintStatistics(container);
            }
        }

        return 0;
    }

    private static void PrintStatistics(OciContainer container)
    {
        CgroupStatistics statistics = container.Cgroup.Statistics();
        OciContext.Text(Event(container, "stats", json => Write(json, statistics)));
    }

    private static string Event(OciContainer container, string type, Action<Utf8JsonWriter> data)
    {
        using var stream = new MemoryStream(512);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("id", container.Id);
            json.WriteStartObject("data");
            data(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json, CgroupStatistics statistics)
    {
        json.WriteStartObject("cpu");
        json.WriteStartObject("usage");
        Number(json, "total", statistics.CpuNanoseconds);
        json.WriteEndObject();
        json.WriteStartObject("throttling");
        Number(json, "throttledPeriods", statistics.ThrottledPeriods);
        Number(json, "throttledTime", statistics.ThrottledNanoseconds);
        json.WriteEndObject();
        Pressure(json, statistics.CpuPressure);
        json.WriteEndObject();
        json.WriteStartObject("memory");
        json.WriteStartObject("usage");
        Number(json, "limit", statistics.MemoryLimit);
        Number(json, "usage", statistics.MemoryUsage);
        Number(json, "max", statistics.MemoryPeak);
        json.WriteNumber("failcnt", statistics.OomKills);
        json.WriteEndObject();
        Pressure(json, statistics.MemoryPressure);
        json.WriteEndObject();
        json.WriteStartObject("pids");
        Number(json, "current", statistics.Pids);
        Number(json, "limit", statistics.PidsLimit);
        json.WriteEndObject();
        json.WriteStartObject("blkio");
        Number(json, "readBytes", statistics.ReadBytes);
        Number(json, "writeBytes", statistics.WriteBytes);
        Pressure(json, statistics.IoPressure);
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    private static void Pressure(Utf8JsonWriter json, double? some)
    {
        if (some is { } percent)
        {
            json.WriteStartObject("psi");
            json.WriteStartObject("some");
            json.WriteNumber("avg10", percent);
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }
}
