using System.Globalization;
using Timur.Build.Dockerfiles;
using Timur.Kernel;
using Timur.Oci;

namespace Timur.Build;

/// <summary>What instructions without files do to an image's configuration; also <c>--change</c> of commit and import.</summary>
public static class ConfigChange
{
    /// <summary>What runs the lines of instructions in an image that doesn't say.</summary>
    private static readonly string[] DefaultShell = ["/bin/sh", "-c"];

    /// <summary>An instruction from a command line, such as <c>ENV MODE=fast</c>.</summary>
    public static ImageConfig Apply(ImageConfig config, string change, string option)
    {
        Instruction instruction = Dockerfile.ParseOne(option, change);
        if (instruction is not (EnvInstruction or LabelInstruction or ExposeInstruction or VolumeInstruction or CommandInstruction or OnBuildInstruction or ShellInstruction or HealthcheckInstruction
            or TextInstruction))
        {
            throw new Failure($"{option}: {instruction.Keyword} can't be set on an image", "known: CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL MAINTAINER ONBUILD SHELL STOPSIGNAL USER VOLUME WORKDIR");
        }

        return Apply(config, instruction, new Expansion(name => Variable(config.Env, name), '\\', instruction.At), keepsCommand: true);
    }

    /// <summary>The configuration after an instruction; its words go through <paramref name="expansion"/>.</summary>
    /// <param name="keepsCommand">CMD was given in this stage, so that ENTRYPOINT leaves it.</param>
    internal static ImageConfig Apply(ImageConfig config, Instruction instruction, Expansion expansion, bool keepsCommand) => instruction switch
    {
        EnvInstruction env => config with { Env = Assign(config.Env, env.Variables, expansion, env.At) },
        LabelInstruction label => config with { Labels = Labelled(config.Labels, label, expansion) },
        ExposeInstruction expose => config with { ExposedPorts = [.. config.ExposedPorts.Union(expose.Ports.SelectMany(expansion.Words).SelectMany(port => Ports(port, expose.At)))] },
        VolumeInstruction volume => config with { Volumes = [.. config.Volumes.Union(volume.Directories.Select(expansion.Word))] },
        CommandInstruction { Keyword: "CMD" } command => config with { Cmd = Words(command.Command, config) },
        CommandInstruction command => config with { Entrypoint = Words(command.Command, config), Cmd = keepsCommand ? config.Cmd : [] },
        ShellInstruction shell => config with { Shell = shell.Words },
        HealthcheckInstruction health => config with { Healthcheck = Health(health) },
        OnBuildInstruction trigger => config with { OnBuild = [.. config.OnBuild, trigger.Text] },
        TextInstruction { Keyword: "USER" } user => config with { User = NotEmpty(expansion.Word(user.Text), user) },
        TextInstruction { Keyword: "WORKDIR" } directory => config with { WorkingDir = WorkingDirectory(config.WorkingDir, NotEmpty(expansion.Word(directory.Text), directory)) },
        TextInstruction { Keyword: "STOPSIGNAL" } signal => config with { StopSignal = Signal(expansion.Word(signal.Text), signal.At) },
        TextInstruction { Keyword: "MAINTAINER" } author => config with { Author = author.Text },
        _ => throw instruction.At.Error($"{instruction.Keyword} isn't a setting of an image"),
    };

    /// <summary>The words that execute a command in this image.</summary>
    internal static IReadOnlyList<string> Words(CommandForm command, ImageConfig config)
        => command.IsShell && command.Words.Count > 0 ? [.. Shell(config), .. command.Words] : command.Words;

    internal static IReadOnlyList<string> Shell(ImageConfig config) => config.Shell.Count > 0 ? config.Shell : DefaultShell;

    /// <summary>A variable of an environment; null when it isn't there.</summary>
    internal static string? Variable(IReadOnlyList<string> environment, string name)
    {
        string? found = environment.FirstOrDefault(one => one.StartsWith(name, StringComparison.Ordinal) && one.Length > name.Length && one[name.Length] == '=');
        return found?[(name.Length + 1)..];
    }

    /// <summary>An absolute path, or one from the former directory; "." and ".." are resolved.</summary>
    internal static string WorkingDirectory(string former, string path)
    {
        var parts = new List<string>();
        foreach (string part in (path.StartsWith('/') ? path : $"{former}/{path}").Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                parts.RemoveRange(Math.Max(0, parts.Count - 1), Math.Min(1, parts.Count));
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        return "/" + string.Join('/', parts);
    }

    private static List<string> Assign(IReadOnlyList<string> environment, IReadOnlyList<(string Name, string Value)> variables, Expansion expansion, Place at)
    {
        var result = new List<string>(environment);

        // None of them sees what another one of the same instruction sets.
        foreach ((string rawName, string rawValue) in variables.Select(pair => (expansion.Word(pair.Name), expansion.Word(pair.Value))))
        {
            if (rawName.Length == 0)
            {
                throw at.Error("ENV: a name is empty when its variables are replaced", "for example ENV MODE=fast");
            }

            int index = result.FindIndex(one => one.StartsWith(rawName + "=", StringComparison.Ordinal));
            if (index >= 0)
            {
                result[index] = $"{rawName}={rawValue}";
            }
            else
            {
                result.Add($"{rawName}={rawValue}");
            }
        }

        return result;
    }

    private static Dictionary<string, string> Labelled(IReadOnlyDictionary<string, string> labels, LabelInstruction instruction, Expansion expansion)
    {
        var result = new Dictionary<string, string>(labels);
        foreach ((string name, string value) in instruction.Labels)
        {
            result[expansion.Word(name)] = expansion.Word(value);
        }

        return result;
    }

    /// <summary><c>80</c>, <c>53/udp</c>, <c>8000-8002</c>.</summary>
    private static IEnumerable<string> Ports(string text, Place at)
    {
        string[] parts = text.Split('/');
        string protocol = parts.Length > 1 ? parts[1].ToLowerInvariant() : "tcp";
        string[] range = parts[0].Split('-');
        if (parts.Length > 2 || range.Length > 2 || protocol is not ("tcp" or "udp" or "sctp") || !Number(range[0], out int first) || !Number(range[^1], out int last) || last < first)
        {
            throw at.Error($"'{text}' isn't a port", "for example 80, 53/udp or 8000-8010");
        }

        return Enumerable.Range(first, last - first + 1).Select(port => $"{port}/{protocol}");

        static bool Number(string digits, out int port) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535;
    }

    private static ImageHealthcheck Health(HealthcheckInstruction health)
    {
        IReadOnlyList<string> test = health.Test is not { } command ? ["NONE"] : command.IsShell ? ["CMD-SHELL", .. command.Words] : ["CMD", .. command.Words];
        TimeSpan none = TimeSpan.Zero;
        return new ImageHealthcheck(test, health.Interval ?? none, health.Timeout ?? none, health.StartPeriod ?? none, health.StartInterval ?? none, health.Retries ?? 0);
    }

    private static string Signal(string text, Place at)
        => Signals.TryParse(text, out _) ? text : throw at.Error($"'{text}' isn't a signal", "for example SIGTERM, SIGINT or 15");

    private static string NotEmpty(string text, TextInstruction instruction)
        => text.Length > 0 ? text : throw instruction.At.Error($"{instruction.Keyword} is empty when its variables are replaced", "give the variable a value, or a default: ${NAME:-value}");
}
