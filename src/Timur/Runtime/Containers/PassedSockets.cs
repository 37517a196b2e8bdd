namespace Timur.Runtime.Containers;

/// <summary>Sockets that a supervisor opened for the payload (sd_listen_fds(3)): descriptors from 3 on, as many as LISTEN_FDS says to the process that LISTEN_PID names.</summary>
public static class PassedSockets
{
    private const int Most = 900;

    /// <summary>How many this process was given; 0 when they were meant for another.</summary>
    public static int Count()
    {
        if (Environment.GetEnvironmentVariable("LISTEN_FDS") is not { } text || !int.TryParse(text, out int count) || count is < 0 or > Most)
        {
            return 0;
        }

        return Environment.GetEnvironmentVariable("LISTEN_PID") is not { } owner || owner == Environment.ProcessId.ToString() ? count : 0;
    }

    /// <summary>The variables by which the payload, its namespace's first process, knows them.</summary>
    internal static IReadOnlyList<string> Announce(IReadOnlyList<string> environment, int count)
        => count == 0 ? environment : [.. environment, $"LISTEN_FDS={count}", "LISTEN_PID=1"];
}
