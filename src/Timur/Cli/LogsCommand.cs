using System.Globalization;
using Timur.CommandLine;
using Timur.Engine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur logs</c>: what a container has written.</summary>
internal static class LogsCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("follow", "go on while it runs", 'f'),
        Option.Flag("timestamps", "show when", 't'),
        Option.Value("tail", "N|all", "only the last lines", 'n'),
        Option.Value("since", "TIME", "from a time (2026-01-31T12:00:00Z) or a span ago (10m)"),
        Option.Value("until", "TIME", "up to a time or a span ago"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        var store = new ContainerStore(context.Paths);
        Container container = store.Find(Operands.One(arguments, "logs", "CONTAINER"));
        if (container.Options.Text("log-driver") == "none")
        {
            throw new Failure($"container {container.Name} keeps no log: it was made with --log-driver none");
        }

        var reader = new LogReader(store.Paths.Container(container.Id) + "/log");
        DateTimeOffset? since = Time(arguments.Text("since"), "--since");
        DateTimeOffset? until = Time(arguments.Text("until"), "--until");
        List<LogEntry> entries = reader.ReadAll().Where(entry => (since is null || entry.Time >= since) && (until is null || entry.Time <= until)).ToList();
        if (arguments.Text("tail") is { } tail and not "all")
        {
            int count = int.TryParse(tail, out int lines) && lines >= 0 ? lines : throw new Failure($"--tail: '{tail}' isn't a number of lines", "write digits, or all");
            entries = entries.GetRange(Math.Max(0, entries.Count - count), Math.Min(count, entries.Count));
        }

        bool timestamps = arguments.Has("timestamps");
        entries.ForEach(entry => Print(entry, timestamps));
        if (arguments.Has("follow"))
        {
            Follow(container, reader, timestamps);
        }

        return 0;
    }

    private static void Follow(Container container, LogReader reader, bool timestamps)
    {
        using Fd? monitor = container.State.IsAlive ? Processes.TryOpen(container.State.MonitorPid, out _) : null;
        bool ended = monitor is null;
        do
        {
            ended = ended || Processes.WaitForEnd(monitor!, 100);
            foreach (LogEntry entry in reader.ReadMore())
            {
                Print(entry, timestamps);
            }
        }
        while (!ended);
    }

    private static void Print(LogEntry entry, bool timestamps)
    {
        string text = timestamps ? $"{entry.Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fffffff00'Z'} {entry.Text}" : entry.Text;
        if (!Files.TryWrite(Descriptors.Standard(entry.IsError ? 2 : 1), System.Text.Encoding.UTF8.GetBytes(text), out Errno why) && why == Errno.EPIPE)
        {
            Environment.Exit(0);
        }
    }

    private static DateTimeOffset? Time(string? text, string option)
    {
        if (text is null)
        {
            return null;
        }

        if (Duration.TryParse(text, out TimeSpan span))
        {
            return DateTimeOffset.UtcNow - span;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time
            : long.TryParse(text, out long seconds) ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : throw new Failure($"{option}: '{text}' is neither a time nor a span", "for example 2026-01-31T12:00:00Z or 1h30m");
    }
}
