namespace Timur.Engine;

/// <summary>When a container that ended is started again.</summary>
internal sealed record RestartPolicy(string Name, int Maximum)
{
    /// <summary><c>no</c>, <c>on-failure[:N]</c>, <c>always</c>, <c>unless-stopped</c>.</summary>
    internal static RestartPolicy Parse(string? text)
    {
        string[] parts = (text ?? "no").Split(':', 2);
        int maximum = 0;
        bool valid = parts[0] is "no" or "on-failure" or "always" or "unless-stopped"
            && (parts.Length == 1 || (parts[0] == "on-failure" && int.TryParse(parts[1], out maximum) && maximum >= 0));
        return valid ? new RestartPolicy(parts[0], maximum) : throw new Failure($"--restart: '{text}' isn't a policy", "use no, on-failure[:N], always or unless-stopped");
    }

    internal bool Applies(int exitCode, int restarts, bool stopRequested) => !stopRequested && Name switch
    {
        "always" or "unless-stopped" => true,
        "on-failure" => exitCode != 0 && (Maximum == 0 || restarts < Maximum),
        _ => false,
    };

    /// <summary>100 ms, doubled each time, a minute at most.</summary>
    internal static TimeSpan Delay(int restarts) => TimeSpan.FromMilliseconds(Math.Min(60_000, 100L << Math.Min(restarts, 10)));
}
