namespace Timur.CommandLine;

/// <summary>What a command was given: options in order, and operands.</summary>
public sealed class Arguments
{
    private readonly List<(Option Option, string Value)> _given = [];
    private readonly List<string> _operands = [];

    private Arguments()
    {
    }

    /// <summary>Everything that isn't an option.</summary>
    public IReadOnlyList<string> Operands => _operands;

    /// <summary>Options with their values, in the order they were given.</summary>
    public IReadOnlyList<(Option Option, string Value)> Given => _given;

    /// <summary>
    /// Parses bundled letters (<c>-it</c>), <c>--key value</c>, <c>--key=value</c>, <c>--</c>. With <paramref name="stopAtOperand"/> everything after the
    /// first operand is an operand too. Mistakes are a <see cref="Failure"/> with exit code 125.
    /// </summary>
    public static Arguments Parse(string command, IReadOnlyList<Option> options, ReadOnlySpan<string> words, bool stopAtOperand)
    {
        var parsed = new Arguments();
        for (int i = 0; i < words.Length; i++)
        {
            string word = words[i];
            if (word == "--")
            {
                parsed._operands.AddRange(words[(i + 1)..]);
                break;
            }

            if (word.Length < 2 || word[0] != '-')
            {
                parsed._operands.Add(word);
                if (stopAtOperand)
                {
                    parsed._operands.AddRange(words[(i + 1)..]);
                    break;
                }

                continue;
            }

            i = word[1] == '-' ? parsed.AddLong(command, options, words, i) : parsed.AddLetters(command, options, words, i);
        }

        return parsed;
    }

    public bool Has(string name) => Text(name) is { } value && value != "false";

    /// <summary>The last value, or null.</summary>
    public string? Text(string name)
    {
        for (int i = _given.Count - 1; i >= 0; i--)
        {
            if (_given[i].Option.Name == name)
            {
                return _given[i].Value;
            }
        }

        return null;
    }

    /// <summary>All values in order.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        var values = new List<string>();
        foreach ((Option option, string value) in _given)
        {
            if (option.Name == name)
            {
                values.Add(value);
            }
        }

        return values;
    }

    /// <summary>A whole number, or null when the option wasn't given.</summary>
    public long? Number(string name)
        => Text(name) is not { } text ? null : long.TryParse(text, out long number) ? number : throw new Failure($"--{name}: '{text}' isn't a whole number", "write digits only, such as 10");

    private int AddLong(string command, IReadOnlyList<Option> options, ReadOnlySpan<string> words, int index)
    {
        string word = words[index];
        int equals = word.IndexOf('=');
        string name = equals < 0 ? word[2..] : word[2..equals];
        Option option = Find(options, name) ?? throw Unknown(command, options, "--" + name);
        if (option.Kind == OptionKind.Flag)
        {
            _given.Add((option, equals < 0 ? "true" : Truth(option, word[(equals + 1)..])));
            return index;
        }

        if (option.Kind == OptionKind.Optional && equals < 0)
        {
            _given.Add((option, "true"));
            return index;
        }

        if (equals >= 0)
        {
            _given.Add((option, word[(equals + 1)..]));
            return index;
        }

        _given.Add((option, index + 1 < words.Length ? words[index + 1] : throw Missing(command, option)));
        return index + 1;
    }

    private int AddLetters(string command, IReadOnlyList<Option> options, ReadOnlySpan<string> words, int index)
    {
        string word = words[index];
        for (int i = 1; i < word.Length; i++)
        {
            Option option = FindLetter(options, word[i]) ?? throw Unknown(command, options, "-" + word[i]);
            if (option.Kind == OptionKind.Flag)
            {
                bool hasValue = i + 1 < word.Length && word[i + 1] == '=';
                _given.Add((option, hasValue ? Truth(option, word[(i + 2)..]) : "true"));
                if (hasValue)
                {
                    return index;
                }

                continue;
            }

            if (i + 1 < word.Length)
            {
                _given.Add((option, word[(i + 1)..].TrimStart('=')));
                return index;
            }

            _given.Add((option, index + 1 < words.Length ? words[index + 1] : throw Missing(command, option)));
            return index + 1;
        }

        return index;
    }

    private static string Truth(Option option, string value) => value.ToLowerInvariant() switch
    {
        "true" or "t" or "1" => "true",
        "false" or "f" or "0" => "false",
        _ => throw new Failure($"--{option.Name} is true or false, not '{value}'"),
    };

    private static Option? Find(IReadOnlyList<Option> options, string name)
    {
        foreach (Option option in options)
        {
            if (option.Name == name)
            {
                return option;
            }
        }

        return null;
    }

    private static Option? FindLetter(IReadOnlyList<Option> options, char letter)
    {
        foreach (Option option in options)
        {
            if (option.Short == letter)
            {
                return option;
            }
        }

        return null;
    }

    private static Failure Missing(string command, Option option)
        => new($"{command}: --{option.Name} needs a value: {option.ValueName}", $"see timur {command} --help");

    private static Failure Unknown(string command, IReadOnlyList<Option> options, string word)
    {
        string? near = Spelling.Nearest(word.TrimStart('-'), options.Select(option => option.Name));
        return new Failure($"{command}: unknown option {word}", near is null || word.Length <= 2 ? $"see timur {command} --help" : $"did you mean --{near}? See timur {command} --help");
    }
}
