using System.Globalization;
using System.Text;
using Timur.Kernel;
using Timur.State;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>One check of a container's health. Times are milliseconds since 1970.</summary>
/// <param name="ExitCode">-1 when it didn't end in time or couldn't be started.</param>
internal sealed record HealthCheckRun(long Start, long End, int ExitCode, string Output);

/// <summary>How a container is: the file <c>health</c> in its directory, replaced whole by the process that checks; there is none without checks.</summary>
internal sealed record HealthRecord(string Status, int FailingStreak, IReadOnlyList<HealthCheckRun> Log)
{
    internal const string Starting = "starting";
    internal const string Healthy = "healthy";
    internal const string Unhealthy = "unhealthy";

    /// <summary>Runs that are remembered, as in Docker.</summary>
    private const int Remembered = 5;

    internal static HealthRecord New { get; } = new(Starting, 0, []);

    internal static HealthRecord? TryRead(DataPaths paths, ContainerId id)
    {
        if (Files.TryReadText(PathOf(paths, id), out _) is not { Length: > 0 } text)
        {
            return null;
        }

        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] head = lines[0].Split(' ');
        return head is [var status, var streak] && int.TryParse(streak, out int failing) ? new HealthRecord(status, failing, [.. lines.Skip(1).Select(Parse).OfType<HealthCheckRun>()]) : null;
    }

    /// <summary>The word for a container that runs; null when it isn't checked.</summary>
    internal static string? StatusOf(DataPaths paths, Container container) => container.State.IsAlive ? TryRead(paths, container.Id)?.Status : null;

    internal void Save(DataPaths paths, ContainerId id)
    {
        var text = new StringBuilder($"{Status} {FailingStreak}\n");
        foreach (HealthCheckRun run in Log)
        {
            text.Append(CultureInfo.InvariantCulture, $"{run.Start} {run.End} {run.ExitCode} {Convert.ToBase64String(Encoding.UTF8.GetBytes(run.Output))}\n");
        }

        AtomicFile.WriteEvenWhenFull(PathOf(paths, id), Encoding.UTF8.GetBytes(text.ToString()), passing: true);
    }

    /// <summary>What becomes of it with one more check.</summary>
    /// <param name="counts">A failure counts: the start period is over.</param>
    internal HealthRecord With(HealthCheckRun run, int retries, bool counts)
    {
        IReadOnlyList<HealthCheckRun> log = [.. Log.Append(run).TakeLast(Remembered)];
        if (run.ExitCode == 0)
        {
            return new HealthRecord(Healthy, 0, log);
        }

        int streak = counts || Status != Starting ? FailingStreak + 1 : FailingStreak;
        return new HealthRecord(streak >= retries ? Unhealthy : Status, streak, log);
    }

    /// <summary>As <c>inspect</c> shows it.</summary>
    internal TemplateObject Describe() => new TemplateObject()
        .Add("Status", Status)
        .Add("FailingStreak", FailingStreak)
        .Add("Log", Log.Select(run => (object?)new TemplateObject().Add("Start", Time(run.Start)).Add("End", Time(run.End)).Add("ExitCode", run.ExitCode).Add("Output", run.Output)).ToList());

    private static string PathOf(DataPaths paths, ContainerId id) => $"{paths.Container(id)}/health";

    private static string Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'");

    private static HealthCheckRun? Parse(string line)
    {
        string[] parts = line.Split(' ');
        byte[] output = new byte[line.Length];
        return parts.Length == 4 && long.TryParse(parts[0], out long start) && long.TryParse(parts[1], out long end) && int.TryParse(parts[2], out int code)
            && Convert.TryFromBase64String(parts[3], output, out int count) ? new HealthCheckRun(start, end, code, Encoding.UTF8.GetString(output, 0, count)) : null;
    }
}
