using Timur.Kernel;

namespace Timur.Engine;

/// <summary>What can be said about options before anything is made.</summary>
internal static class RunOptionRules
{
    /// <summary>Throws a <see cref="Failure"/> for values and combinations that can't work.</summary>
    internal static void Check(RunOptions options)
    {
        if (options.RemoveAtEnd && options.Text("restart") is { } policy and not "no")
        {
            throw new Failure($"--rm and --restart {policy} contradict each other", "leave one of them out");
        }

        RestartPolicy.Parse(options.Text("restart"));
        if (options.Text("stop-signal") is { } signal && !Signals.TryParse(signal, out _))
        {
            throw new Failure($"--stop-signal: '{signal}' isn't a signal", "for example TERM, SIGINT or 15");
        }

        OneOf(options, "disk-sync", "full", "relaxed");
        OneOf(options, "root-sync", "full", "volatile");
        OneOf(options, "log-driver", "json-file", "none");
        if (options.Text("workdir") is { } directory && !directory.StartsWith('/'))
        {
            throw new Failure($"--workdir: '{directory}' isn't an absolute path");
        }

        if (options.Number("oom-score-adj") is < -1000 or > 1000)
        {
            throw new Failure("--oom-score-adj is out of range", "from -1000 to 1000");
        }

        if (options.Text("hostname") is { Length: > 64 })
        {
            throw new Failure("--hostname: the kernel takes 64 characters at most");
        }

        if (options.Text("network") is "host" or "none" && options.Texts("publish").Count > 0)
        {
            throw new Failure($"--publish has no meaning with --network {options.Text("network")}", "leave one of them out");
        }
    }

    private static void OneOf(RunOptions options, string name, params ReadOnlySpan<string> values)
    {
        if (options.Text(name) is { } text && !values.Contains(text))
        {
            throw new Failure($"--{name}: '{text}' is unknown", $"use {string.Join(" or ", values.ToArray())}");
        }
    }
}
