using Timur.CommandLine;

namespace Timur.Engine;

/// <summary>
/// What a container was asked to be: the options as given, made independent of where and by whom they were typed. A record keeps
/// <see cref="Canonical"/>, and reading it back gives the same options.
/// </summary>
public sealed class RunOptions
{
    private readonly Arguments _arguments;

    private RunOptions(Arguments arguments) => _arguments = arguments;

    /// <summary>The image, or null with <c>--rootfs</c>.</summary>
    public string? Image => Text("rootfs") is null ? _arguments.Operands[0] : null;

    /// <summary>The command after the image; empty means the image's own.</summary>
    public IReadOnlyList<string> Command => Text("rootfs") is null ? [.. _arguments.Operands.Skip(1)] : _arguments.Operands;

    public bool Interactive => Has("interactive");

    public bool Tty => Has("tty");

    public bool Privileged => Has("privileged");

    public bool RemoveAtEnd => Has("rm");

    /// <summary>Flag that was given.</summary>
    public bool Has(string name) => _arguments.Has(name);

    /// <summary>Value of an option, or null.</summary>
    public string? Text(string name) => _arguments.Text(name);

    public IReadOnlyList<string> Texts(string name) => _arguments.Texts(name);

    public long? Number(string name) => _arguments.Number(name);

    /// <summary>A size option in bytes; -1 where that means unlimited.</summary>
    public long? Size(string name) => Text(name) switch
    {
        null => null,
        "-1" => -1,
        { } text => ByteSize.Parse(text, "--" + name).Bytes,
    };

    /// <summary>Every option as <c>--name=value</c>, then the operands behind <c>--</c>.</summary>
    public IReadOnlyList<string> Canonical
    {
        get
        {
            var words = new List<string>(_arguments.Given.Count + _arguments.Operands.Count + 1);
            foreach ((Option option, string value) in _arguments.Given)
            {
                words.Add($"--{option.Name}={value}");
            }

            words.Add("--");
            words.AddRange(_arguments.Operands);
            return words;
        }
    }

    /// <summary>From a command line that was parsed with <see cref="RunOptionTable"/> and what the command adds to it.</summary>
    public static RunOptions FromCommandLine(string command, Arguments arguments)
    {
        if (arguments.Text("rootfs") is null && arguments.Operands.Count == 0)
        {
            throw new Failure($"{command}: which image?", $"for example: timur {command} -it busybox");
        }

        var words = new List<string>();
        foreach ((Option option, string value) in arguments.Given)
        {
            foreach (string resolved in Resolve(option.Name, value))
            {
                words.Add(resolved);
            }
        }

        words.Add("--");
        words.AddRange(arguments.Operands);
        return FromCanonical(words);
    }

    /// <summary>From a record.</summary>
    public static RunOptions FromCanonical(IReadOnlyList<string> words)
        => new(Arguments.Parse("run", RunOptionTable.All, [.. words], stopAtOperand: true));

    /// <summary>Options that depend on the caller's environment or directory become independent of them; those that aren't the container's are left out.</summary>
    private static IEnumerable<string> Resolve(string name, string value)
    {
        switch (name)
        {
            case "env":
                string? variable = value.Contains('=') ? value : Inherited(value);
                return variable is null ? [] : [$"--env={variable}"];
            case "env-file":
                return EnvironmentFile(value);
            case "volume" when value.StartsWith('.') || value.StartsWith('~'):
                int colon = value.IndexOf(':');
                return colon < 0 ? [$"--volume={value}"] : [$"--volume={Path.GetFullPath(value[..colon])}{value[colon..]}"];
            case "rootfs":
                return [$"--rootfs={Path.GetFullPath(value)}"];
            default:
                return IsContainerOption(name) ? [$"--{name}={value}"] : [];
        }
    }

    private static bool IsContainerOption(string name)
    {
        foreach (Option option in RunOptionTable.All)
        {
            if (option.Name == name)
            {
                return true;
            }
        }

        return false;
    }

    private static string? Inherited(string name) => Environment.GetEnvironmentVariable(name) is { } value ? $"{name}={value}" : null;

    private static IEnumerable<string> EnvironmentFile(string path)
    {
        if (Kernel.Files.TryReadText(path, out Kernel.Errno why) is not { } text)
        {
            throw new Failure($"--env-file {path}: {Kernel.ErrnoText.Describe(why)}", "give a readable file with NAME=VALUE lines");
        }

        var words = new List<string>();
        foreach (string line in text.Split('\n'))
        {
            string trimmed = line.TrimStart().TrimEnd('\r');
            if (trimmed.Length == 0 || trimmed[0] == '#')
            {
                continue;
            }

            if ((trimmed.Contains('=') ? trimmed : Inherited(trimmed)) is { } variable)
            {
                words.Add($"--env={variable}");
            }
        }

        return words;
    }

}
