using System.Globalization;
using System.Text;
using Timur.Kernel;

namespace Timur.Engine;

/// <summary>Where a container is in its life.</summary>
public enum ContainerStatus
{
    Created, Starting, Running, Paused, Restarting, Exited, Removing,
}

/// <summary>
/// What changes in a container's life: the file <c>state</c> in its directory, lines of <c>key=value</c>, replaced whole. Times are milliseconds since 1970.
/// </summary>
public sealed record ContainerState
{
    public ContainerStatus Status { get; init; } = ContainerStatus.Created;

    /// <summary>Process 1 of the container as the host sees it; 0 when it doesn't run.</summary>
    public int Pid { get; init; }

    /// <summary>Its start time in clock ticks: another process may get the same id.</summary>
    public ulong PidStart { get; init; }

    public int MonitorPid { get; init; }

    public ulong MonitorStart { get; init; }

    public long Started { get; init; }

    public long Finished { get; init; }

    public int ExitCode { get; init; }

    public bool OomKilled { get; init; }

    public int RestartCount { get; init; }

    /// <summary>Somebody asked it to stop, so that no restart policy applies.</summary>
    public bool StopRequested { get; init; }

    /// <summary>Why it didn't start, or empty.</summary>
    public string Error { get; init; } = "";

    public string Address { get; init; } = "";

    public string Address6 { get; init; } = "";

    public string Gateway { get; init; } = "";

    public string MacAddress { get; init; } = "";

    /// <summary>Published ports, such as <c>0.0.0.0:8080->80/tcp</c>, separated by ", ".</summary>
    public string Ports { get; init; } = "";

    public bool IsAlive => Status is ContainerStatus.Running or ContainerStatus.Paused or ContainerStatus.Starting;

    public byte[] ToBytes()
    {
        var text = new StringBuilder(256);
        Line(text, "status", Status.ToString());
        Line(text, "pid", Pid.ToString());
        Line(text, "pid-start", PidStart.ToString());
        Line(text, "monitor", MonitorPid.ToString());
        Line(text, "monitor-start", MonitorStart.ToString());
        Line(text, "started", Started.ToString());
        Line(text, "finished", Finished.ToString());
        Line(text, "exit", ExitCode.ToString());
        Line(text, "oom", OomKilled ? "1" : "0");
        Line(text, "restarts", RestartCount.ToString());
        Line(text, "stop-requested", StopRequested ? "1" : "0");
        Line(text, "error", Error.Replace('\n', ' '));
        Line(text, "address", Address);
        Line(text, "address6", Address6);
        Line(text, "gateway", Gateway);
        Line(text, "mac", MacAddress);
        Line(text, "ports", Ports);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Reads a state; a damaged file is a <see cref="Failure"/>.</summary>
    public static ContainerState FromBytes(ReadOnlySpan<byte> bytes, string path)
    {
        string text = Encoding.UTF8.GetString(bytes);
        ReadOnlySpan<char> Find(string key)
        {
            foreach (Range range in text.AsSpan().Split('\n'))
            {
                ReadOnlySpan<char> line = text.AsSpan(range);
                if (line.Length > key.Length && line[key.Length] == '=' && line.StartsWith(key))
                {
                    return line[(key.Length + 1)..];
                }
            }

            return default;
        }

        string Get(string key) => Find(key).ToString();
        long Number(string key) => long.TryParse(Find(key), NumberStyles.Integer, CultureInfo.InvariantCulture, out long number) ? number : 0;
        return new ContainerState
        {
            Status = ParseStatus(Get("status")) ?? throw new Failure($"{path}: the status '{Get("status")}' isn't one", "timur system check --repair can mend it"),
            Pid = (int)Number("pid"),
            PidStart = (ulong)Number("pid-start"),
            MonitorPid = (int)Number("monitor"),
            MonitorStart = (ulong)Number("monitor-start"),
            Started = Number("started"),
            Finished = Number("finished"),
            ExitCode = (int)Number("exit"),
            OomKilled = Number("oom") == 1,
            RestartCount = (int)Number("restarts"),
            StopRequested = Number("stop-requested") == 1,
            Error = Get("error"),
            Address = Get("address"),
            Address6 = Get("address6"),
            Gateway = Get("gateway"),
            MacAddress = Get("mac"),
            Ports = Get("ports"),
        };
    }

    /// <summary>Whether a process is the one that was recorded.</summary>
    public static bool Lives(int pid, ulong start) => pid > 0 && Processes.TryKill(pid, 0, out _) && Processes.StartTime(pid) == start;

    private static ContainerStatus? ParseStatus(string text) => text switch
    {
        "Created" => ContainerStatus.Created,
        "Starting" => ContainerStatus.Starting,
        "Running" => ContainerStatus.Running,
        "Paused" => ContainerStatus.Paused,
        "Restarting" => ContainerStatus.Restarting,
        "Exited" => ContainerStatus.Exited,
        "Removing" => ContainerStatus.Removing,
        _ => null,
    };

    private static void Line(StringBuilder text, string key, string value) => text.Append(key).Append('=').Append(value).Append('\n');
}
