using System.Globalization;
using Timur.CommandLine;

namespace Timur.Cli.Oci;

/// <summary>
/// Reads options as runc does, and refuses them in its words (Go's package flag): one dash or two, a value behind <c>=</c> or as the next word. Behind the first
/// operand only what is an option counts as one. Letters may share a dash, as in crun.
/// </summary>
internal sealed class OciFlags
{
    // What help calls the values that have to be of some form.
    private const string Number = "N";
    private const string Group = "GID";
    private const string Span = "DURATION";

    private readonly Option[] _options;
    private readonly List<string> _given = [];
    private readonly List<string> _operands = [];

    private OciFlags(Option[] options) => _options = options;

    /// <param name="command">The verb, or null for what comes before it.</param>
    /// <param name="stopAtOperand">Everything from the first operand on is operands.</param>
    internal static Arguments Parse(string? command, Option[] options, ReadOnlySpan<string> words, bool stopAtOperand)
    {
        var flags = new OciFlags(options);
        for (int i = 0; i < words.Length; i++)
        {
            string word = words[i];
            if (word == "--")
            {
                flags._operands.AddRange(words[(i + 1)..]);
                break;
            }

            bool isOption = word.Length > 1 && word[0] == '-' && (flags._operands.Count == 0 || flags.IsKnown(word));
            if (isOption)
            {
                i += flags.Add(word, i + 1 < words.Length ? words[i + 1] : null) ? 1 : 0;
            }
            else if (stopAtOperand)
            {
                flags._operands.AddRange(words[i..]);
                break;
            }
            else
            {
                flags._operands.Add(word);
            }
        }

        return Arguments.Parse(command ?? "", options, [.. flags._given, "--", .. flags._operands], stopAtOperand: false);
    }

    private static string NameOf(string word)
    {
        int equals = word.IndexOf('=');
        ReadOnlySpan<char> name = equals < 0 ? word : word.AsSpan(0, equals);
        return name[(name.StartsWith("--") ? 2 : 1)..].ToString();
    }

    private Option? Find(string name) => Array.Find(_options, option => option.Name == name || (name.Length == 1 && option.Short == name[0]));

    private bool IsKnown(string word) => Find(NameOf(word)) is not null;

    /// <summary>True when the next word was its value.</summary>
    private bool Add(string word, string? next)
    {
        string name = NameOf(word);
        if (name.Length == 0 || name[0] is '-' or '=')
        {
            throw new UsageException($"bad flag syntax: {word}");
        }

        int equals = word.IndexOf('=');
        if (Find(name) is { } option)
        {
            return Add(option, name, equals < 0 ? null : word[(equals + 1)..], next);
        }

        return word[1] != '-' && Array.Exists(_options, known => known.Short == word[1]) ? AddLetters(word, next) : throw Unknown(name);
    }

    private bool AddLetters(string word, string? next)
    {
        for (int i = 1; i < word.Length; i++)
        {
            string letter = word[i].ToString();
            Option option = Find(letter) ?? throw Unknown(NameOf(word));
            string rest = word[(i + 1)..];
            if (option.Kind != OptionKind.Flag)
            {
                return Add(option, letter, rest.Length == 0 ? null : rest.TrimStart('='), next);
            }

            Add(option, letter, null, null);
        }

        return false;
    }

    private bool Add(Option option, string name, string? value, string? next)
    {
        bool takesNext = value is null && option.Kind != OptionKind.Flag;
        value ??= option.Kind == OptionKind.Flag ? "true" : next ?? throw new UsageException($"flag needs an argument: -{name}");
        if (option.Kind == OptionKind.Flag)
        {
            value = AsFlag(value) ?? throw new UsageException($"invalid boolean value \"{value}\" for -{name}: parse error");
        }
        else if (WhyInvalid(option, value) is { } why)
        {
            throw new UsageException($"invalid value \"{value}\" for flag -{name}: {why}");
        }

        _given.Add($"--{option.Name}={value}");
        return takesNext;
    }

    private static string? WhyInvalid(Option option, string value)
    {
        string size = value.TrimStart('-');
        return option.ValueName switch
        {
            Number or Group when !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
                => size.Length > 0 && size.All(char.IsAsciiDigit) ? "value out of range" : "parse error",
            Span when size.Length == 0 || (size != "0" && !Duration.TryParse(size, out _)) => "parse error",
            _ => null,
        };
    }

    /// <summary>Go's strconv.ParseBool.</summary>
    private static string? AsFlag(string value) => value switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => "true",
        "0" or "f" or "F" or "false" or "FALSE" or "False" => "false",
        _ => null,
    };

    private static UsageException Unknown(string name) => new($"flag provided but not defined: -{name}");
}
