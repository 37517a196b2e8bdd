using Timur.State;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>Containers as lists show them, with Docker's field names and status texts.</summary>
public static class ContainerView
{
    /// <summary>One row of <c>ps -q</c>.</summary>
    public static TemplateObject IdRow(Container container, bool truncate) => new TemplateObject().Add("ID", truncate ? container.Id.Short : container.Id.Text);

    /// <summary>One row of <c>ps</c>.</summary>
    public static TemplateObject Row(DataPaths paths, Container container, bool truncate, DateTimeOffset now)
    {
        ContainerRecord record = container.Record;
        return new TemplateObject()
            .Add("ID", truncate ? container.Id.Short : container.Id.Text)
            .Add("Names", record.Name)
            .Add("Image", record.Image)
            .Add("Command", () => Command(record, truncate))
            .Add("CreatedAt", () => record.Created.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss zzz"))
            .Add("RunningFor", () => Ago(now - record.Created) + " ago")
            .Add("Status", () => StatusText(container.State, now, HealthRecord.StatusOf(paths, container)))
            .Add("State", () => StateWord(container.State))
            .Add("Ports", container.State.Ports)
            .Add("Labels", () => string.Join(',', record.Labels.Select(label => $"{label.Key}={label.Value}")))
            .Also("Label", key => record.Labels.GetValueOrDefault(key, ""))
            .Add("Networks", () => container.Options.Text("network") ?? "bridge")
            .Add("Mounts", () => string.Join(',', container.Options.Texts("volume").Select(volume => volume.Split(':')[0])))
            .Add("ExitCode", container.State.ExitCode)
            .Add("Pid", container.State.Pid);
    }

    private static string Command(ContainerRecord record, bool truncate)
    {
        string command = string.Join(' ', record.Command);
        return truncate && command.Length > 20 ? $"\"{command.AsSpan(0, 19)}…\"" : $"\"{command}\"";
    }

    /// <summary><c>Up 3 minutes</c>, <c>Exited (137) 2 hours ago</c>, <c>Created</c>: scripts look for these words.</summary>
    /// <param name="health">Null for a container that isn't checked.</param>
    public static string StatusText(ContainerState state, DateTimeOffset now, string? health = null) => state.Status switch
    {
        ContainerStatus.Running or ContainerStatus.Starting => $"Up {Since(state.Started, now)}{(health is null ? "" : $" ({(health == HealthRecord.Starting ? "health: starting" : health)})")}",
        ContainerStatus.Paused => $"Up {Since(state.Started, now)} (Paused)",
        ContainerStatus.Restarting => $"Restarting ({state.ExitCode}) {Since(state.Finished, now)} ago",
        ContainerStatus.Exited => $"Exited ({state.ExitCode}) {Since(state.Finished == 0 ? state.Started : state.Finished, now)} ago",
        ContainerStatus.Removing => "Removal In Progress",
        _ => "Created",
    };

    /// <summary><c>running</c>, <c>exited</c>, ...</summary>
    public static string StateWord(ContainerState state) => state.Status switch
    {
        ContainerStatus.Starting => "running",
        _ => state.Status.ToString().ToLowerInvariant(),
    };

    /// <summary>A span of time as people say it.</summary>
    public static string Ago(TimeSpan span) => span.TotalSeconds switch
    {
        < 1 => "Less than a second",
        < 2 => "1 second",
        < 60 => $"{(int)span.TotalSeconds} seconds",
        < 120 => "About a minute",
        < 3600 => $"{(int)span.TotalMinutes} minutes",
        < 7200 => "About an hour",
        < 48 * 3600 => $"{(int)span.TotalHours} hours",
        < 14 * 86400 => $"{(int)span.TotalDays} days",
        < 60 * 86400 => $"{(int)(span.TotalDays / 7)} weeks",
        < 730 * 86400d => $"{(int)(span.TotalDays / 30)} months",
        _ => $"{(int)(span.TotalDays / 365)} years",
    };

    private static string Since(long milliseconds, DateTimeOffset now) => Ago(now - DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
}
