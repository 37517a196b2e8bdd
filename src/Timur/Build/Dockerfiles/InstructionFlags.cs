using Timur.CommandLine;

namespace Timur.Build.Dockerfiles;

/// <summary>The words that start with <c>--</c> before an instruction's own: each is taken by whoever knows it, and what is left is a mistake.</summary>
internal sealed class InstructionFlags
{
    private readonly RawInstruction _raw;
    private readonly string _keyword;
    private readonly List<(string Name, string? Value)> _flags = [];
    private readonly List<string> _known = [];

    internal InstructionFlags(RawInstruction raw, string keyword, char escape)
    {
        (_raw, _keyword) = (raw, keyword);
        string rest = raw.Rest;
        while (keyword is "FROM" or "RUN" or "COPY" or "ADD" or "HEALTHCHECK" && rest.StartsWith("--", StringComparison.Ordinal))
        {
            string word = Words.Split(rest, escape)[0];
            rest = rest[word.Length..].TrimStart();
            if (word == "--")
            {
                break;
            }

            int equals = word.IndexOf('=');
            _flags.Add(equals < 0 ? (word[2..], null) : (word[2..equals], Unquoted(word[(equals + 1)..])));
        }

        Rest = rest;
    }

    /// <summary>What stands behind the flags.</summary>
    internal string Rest { get; }

    /// <summary>The flag's value, or null when it isn't there; twice is a mistake.</summary>
    internal string? Take(string name)
    {
        IReadOnlyList<string> values = TakeAll(name);
        return values.Count switch
        {
            0 => null,
            1 => values[0],
            _ => throw _raw.At.Error($"{_keyword}: --{name} stands there twice", "leave one of them out"),
        };
    }

    internal IReadOnlyList<string> TakeAll(string name)
    {
        _known.Add(name);
        var values = new List<string>();
        foreach ((string flag, string? value) in _flags.Where(flag => flag.Name == name))
        {
            values.Add(value ?? throw _raw.At.Error($"{_keyword}: --{name} needs a value", $"write --{name}=…"));
        }

        _flags.RemoveAll(flag => flag.Name == name);
        return values;
    }

    /// <summary>A flag that is true by itself; null when it isn't there.</summary>
    internal bool? TakeSwitch(string name)
    {
        _known.Add(name);
        int index = _flags.FindIndex(flag => flag.Name == name);
        if (index < 0)
        {
            return null;
        }

        string? value = _flags[index].Value;
        _flags.RemoveAt(index);
        return value switch
        {
            null or "true" or "1" => true,
            "false" or "0" => false,
            _ => throw _raw.At.Error($"{_keyword}: --{name} is true or false, not '{value}'", $"write --{name}"),
        };
    }

    internal TimeSpan? TakeDuration(string name)
    {
        if (Take(name) is not { } text)
        {
            return null;
        }

        const int longest = 24;
        try
        {
            return text.Length <= longest && Duration.TryParse(text, out TimeSpan span) && span >= TimeSpan.Zero ? span : throw Wrong();
        }
        catch (OverflowException)
        {
            throw Wrong();
        }

        Failure Wrong() => _raw.At.Error($"--{name}: '{text}' isn't a span of time", $"for example --{name}=1m30s");
    }

    internal void RefuseOthers()
    {
        if (_flags.Count == 0)
        {
            return;
        }

        string name = _flags[0].Name;
        string? near = Spelling.Nearest(name, _known);
        throw _raw.At.Error(
            $"{_keyword} has no flag --{name}", near is not null ? $"did you mean --{near}?" : _known.Count == 0 ? "leave it out" : $"flags are {string.Join(' ', _known.Select(known => "--" + known))}");
    }

    private static string Unquoted(string value) => value.Length > 1 && value[0] is '"' or '\'' && value[^1] == value[0] ? value[1..^1] : value;
}
