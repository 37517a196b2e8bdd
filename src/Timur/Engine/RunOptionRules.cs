using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Engine;

/// <summary>What can be said about options before anything is made.</summary>
public static class RunOptionRules
{
    private static readonly System.Buffers.SearchValues<char> HostNameCharacters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    /// <summary>Throws a <see cref="Failure"/> for values and combinations that can't work.</summary>
    public static void Check(RunOptions options)
    {
        RestartPolicy.Parse(options.Text("restart"));
        if (options.RemoveAtEnd && options.Text("restart") is { } policy and not "no")
        {
            throw new Failure($"--rm and --restart {policy} contradict each other", "leave one of them out");
        }

        if (options.Text("stop-signal") is { } signal && !Signals.TryParse(signal, out _))
        {
            throw new Failure($"--stop-signal: '{signal}' isn't a signal", "for example TERM, SIGINT or 15");
        }

        OneOf(options, "disk-sync", "full", "relaxed");
        OneOf(options, "root-sync", "full", "volatile");
        OneOf(options, "log-driver", "json-file", "none");
        if (options.Text("workdir") is { } directory && !directory.StartsWith('/'))
        {
            throw new Failure($"--workdir: '{directory}' isn't an absolute path", "write it from the root, such as /srv");
        }

        InRange(options, "oom-score-adj", -1000, 1000);
        InRange(options, "stop-timeout", -1, int.MaxValue);
        InRange(options, "pids-limit", -1, int.MaxValue);
        InRange(options, "cpu-shares", 0, 262_144);
        InRange(options, "memory-swappiness", 0, 100);
        LogOptions.Parse(options.Texts("log-opt"));
        HealthPlan.Check(options);
        CheckImage(options);
        CheckNames(options);
        CheckEnvironment(options);
        if (options.Text("network") is "host" or "none" && options.Texts("publish").Count > 0)
        {
            throw new Failure($"--publish has no meaning with --network {options.Text("network")}", "leave one of them out");
        }
    }

    private static void CheckImage(RunOptions options)
    {
        OneOf(options, "pull", "missing", "always", "newer", "never");
        if (options.Text("platform") is { } platform)
        {
            Platform.Parse(platform);
        }
    }

    private static void CheckNames(RunOptions options)
    {
        foreach (string name in (ReadOnlySpan<string>)["hostname", "domainname"])
        {
            // They end up in /etc/hosts, where a space or a line's end would begin something else.
            if (options.Text(name) is { } text && (text.Length is 0 or > 64 || text.AsSpan().IndexOfAnyExcept(HostNameCharacters) >= 0))
            {
                throw new Failure($"--{name}: '{text}' isn't a host name", "use letters, digits, '.', '-' and '_', 64 characters at most");
            }
        }

        foreach (string server in options.Texts("dns"))
        {
            if (!System.Net.IPAddress.TryParse(server, out _))
            {
                throw new Failure($"--dns: '{server}' isn't an address", "give a name server by its address, such as 10.0.0.2");
            }
        }

        if (options.Text("cgroup-parent") is { } parent && Array.IndexOf(parent.Split('/'), "..") >= 0)
        {
            throw new Failure($"--cgroup-parent: '{parent}' leads out of the hierarchy", "give a path without '..', such as /batch");
        }
    }

    private static void CheckEnvironment(RunOptions options)
    {
        foreach (string variable in options.Texts("env"))
        {
            if (variable.StartsWith('='))
            {
                throw new Failure($"--env: '{variable}' has no name", "write NAME=VALUE");
            }
        }
    }

    private static void InRange(RunOptions options, string name, long least, long most)
    {
        if (options.Number(name) is { } number && (number < least || number > most))
        {
            throw new Failure($"--{name} {number} is out of range", $"from {least} to {most}");
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
