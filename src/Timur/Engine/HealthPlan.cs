using Timur.Images;
using Timur.Oci;

namespace Timur.Engine;

/// <summary>How to find out whether a container is well: the options' word, and the image's where they are silent.</summary>
/// <param name="Command">Arguments of the program whose exit code 0 means yes.</param>
/// <param name="Interval">From the end of one check to the beginning of the next.</param>
/// <param name="Timeout">A check that takes longer has failed.</param>
/// <param name="StartPeriod">From the start; failures don't count until it is over or a check has succeeded.</param>
/// <param name="StartInterval">Instead of the interval during that period.</param>
/// <param name="Retries">So many failures in a row mean that it is not well.</param>
internal sealed record HealthPlan(IReadOnlyList<string> Command, TimeSpan Interval, TimeSpan Timeout, TimeSpan StartPeriod, TimeSpan StartInterval, int Retries)
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(30);

    /// <summary>Null when nobody asks.</summary>
    internal static HealthPlan? Of(RunOptions options, Image? image)
    {
        ImageHealthcheck? own = image?.Config.Healthcheck;
        if (options.Has("no-healthcheck"))
        {
            return Contradicts(options) is { } other ? throw new Failure($"--no-healthcheck and --{other} contradict each other", "leave one of them out") : null;
        }

        IReadOnlyList<string> command = options.Text("health-cmd") is { } line ? Words(["CMD-SHELL", line], image) : Words(own?.Test ?? [], image);
        var plan = new HealthPlan(
            command, Time(options, "health-interval", own?.Interval, Usual), Time(options, "health-timeout", own?.Timeout, Usual), Time(options, "health-start-period", own?.StartPeriod, TimeSpan.Zero),
            Time(options, "health-start-interval", own?.StartInterval, TimeSpan.FromSeconds(5)), Retry(options, own));
        return command.Count > 0 ? plan : null;
    }

    /// <summary>Options that make no sense are a <see cref="Failure"/>.</summary>
    internal static void Check(RunOptions options) => Of(options, image: null);

    private static string? Contradicts(RunOptions options)
        => Array.Find(["health-cmd", "health-interval", "health-timeout", "health-retries", "health-start-period", "health-start-interval"], name => options.Text(name) is not null);

    private static IReadOnlyList<string> Words(IReadOnlyList<string> test, Image? image) => test switch
    {
        ["CMD-SHELL", var line] when line.Trim().Length > 0 && line != "none" => [.. image?.Config.Shell is { Count: > 0 } shell ? shell : ["/bin/sh", "-c"], line],
        ["CMD", _, ..] => [.. test.Skip(1)],
        _ => [],
    };

    private static int Retry(RunOptions options, ImageHealthcheck? own)
        => options.Number("health-retries") is not { } number ? own?.Retries is { } retries and > 0 ? retries : 3
            : number is > 0 and <= int.MaxValue ? (int)number : throw new Failure($"--health-retries {number}: that is no number of tries", "give 1 or more");

    private static TimeSpan Time(RunOptions options, string name, TimeSpan? own, TimeSpan usual)
    {
        if (options.Text(name) is not { } text)
        {
            return own is { } time && time > TimeSpan.Zero ? time : usual;
        }

        return Duration.TryParse(text, out TimeSpan span) && (span >= TimeSpan.FromMilliseconds(1) || name == "health-start-period") ? span
            : throw new Failure($"--{name}: '{text}' isn't a time of a millisecond or more", "for example 30s or 1m30s");
    }
}
