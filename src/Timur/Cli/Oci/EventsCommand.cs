using System.Text.Json;
using Timur.CommandLine;
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
        OciContainer container = context.Root.Find(arguments.Operands[0]);
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
        long shortages = container.Cgroup.MemoryShortages();
        for (long waited = 0; process is not null && container.IsAlive; waited += Step)
        {
            bool ended = Processes.WaitForEnd(process, Step);
            if (container.Cgroup.MemoryShortages() is var now && now != shortages)
            {
                if (now > shortages)
                {
                    OciContext.Text(Event(container, "oom", _ => { }));
                }

                shortages = now;
            }

            if (!ended && (waited + Step) % Math.Max((long)interval.TotalMilliseconds / Step * Step, Step) == 0)
            {
                PrintStatistics(container);
            }
        }

        return 0;
    }

    private static void PrintStatistics(OciContainer container)
        => OciContext.Text(Event(container, "stats", json =>
        {
            json.WriteStartObject("data");
            StatisticsJson.Write(json, container.Cgroup);
            json.WriteEndObject();
        }));

    private static string Event(OciContainer container, string type, Action<Utf8JsonWriter> data)
    {
        using var stream = new MemoryStream(4096);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("id", container.Id);
            data(json);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
