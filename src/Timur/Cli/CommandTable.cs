using Timur.CommandLine;
using Timur.State;

namespace Timur.Cli;

/// <summary>One command: its words, what it does, its options.</summary>
/// <param name="Name">One word, or two such as <c>image ls</c>.</param>
internal sealed record Command(string Name, string Usage, string Summary, Func<Option[]> Options, Func<CommandContext, Arguments, int> Run, bool StopAtOperand = false)
{
    /// <summary>Lines for the end of the help page.</summary>
    internal string[] Examples { get; init; } = [];
}

/// <summary>Every command there is.</summary>
internal static partial class CommandTable
{
    private static readonly Option[] Global =
    [
        Option.Value("root", "DIR", "where images and containers are kept (TIMUR_ROOT)"),
        Option.Value("state", "DIR", "where sockets of running containers are (TIMUR_STATE)"),
        Option.Flag("debug", "show where an error came from"),
        Option.Flag("help", "show help"),
        Option.Flag("version", "show the version"),
    ];

    /// <summary>Runs the command that the words name; <paramref name="debug"/> is known even when it fails.</summary>
    internal static int Run(string[] words, out bool debug)
    {
        int verb = 0;
        while (verb < words.Length && words[verb].StartsWith('-'))
        {
            verb += words[verb] is "--root" or "--state" ? 2 : 1;
        }

        verb = Math.Min(verb, words.Length);
        Arguments global = Arguments.Parse("timur", Global, words.AsSpan(0, verb), stopAtOperand: true);
        debug = global.Has("debug");
        if (verb == words.Length)
        {
            return global.Has("version") ? VersionCommand.PrintShort() : Help();
        }

        var context = new CommandContext(DataPaths.FromEnvironment(global.Text("root"), global.Text("state")), debug);
        if (Lookup(words[verb]) is null && Group(words[verb]) is { Count: > 0 } group && (verb + 1 == words.Length || words[verb + 1] is "--help" or "-h"))
        {
            HelpPage.PrintGroup(words[verb], group);
            return 0;
        }

        (Command command, int used) = Find(words, verb);
        ReadOnlySpan<string> rest = words.AsSpan(verb + used);
        if (WantsHelp(rest, command))
        {
            HelpPage.Print(command);
            return 0;
        }

        return command.Run(context, Arguments.Parse(command.Name, command.Options(), rest, command.StopAtOperand));
    }

    internal static int Help()
    {
        HelpPage.PrintAll(All);
        return 0;
    }

    private static bool WantsHelp(ReadOnlySpan<string> words, Command command)
    {
        foreach (string word in words)
        {
            if (word == "--help" || (word == "-h" && !Array.Exists(command.Options(), option => option.Short == 'h')))
            {
                return true;
            }

            if (word == "--" || (command.StopAtOperand && !word.StartsWith('-')))
            {
                return false;
            }
        }

        return false;
    }

    private static (Command Command, int Words) Find(string[] words, int verb)
    {
        string one = Aliases.GetValueOrDefault(words[verb], words[verb]);
        if (verb + 1 < words.Length)
        {
            string two = $"{words[verb]} {words[verb + 1]}";
            if (Lookup(Aliases.GetValueOrDefault(two, two)) is { } pair)
            {
                return (pair, 2);
            }
        }

        if (Lookup(one) is { } single)
        {
            return (single, 1);
        }

        if (verb + 1 < words.Length && Group(words[verb]).Count > 0)
        {
            throw new Failure($"timur {words[verb]}: there is no '{words[verb + 1]}'", $"timur {words[verb]} lists what there is");
        }

        string? near = Spelling.Nearest(words[verb], All.Select(command => command.Name));
        throw new Failure($"'{words[verb]}' isn't a timur command", near is null ? "timur --help lists them" : $"did you mean timur {near}? timur --help lists all");
    }

    /// <summary>Commands of two words, other names included, whose first word this is; each with its summary.</summary>
    private static List<(string Name, string Summary)> Group(string word)
    {
        string start = word + " ";
        var names = All.Select(command => command.Name).Concat(Aliases.Keys).Where(name => name.StartsWith(start, StringComparison.Ordinal));
        return [.. names.Select(name => (name, Lookup(Aliases.GetValueOrDefault(name, name))!.Summary))];
    }

    private static Command? Lookup(string name)
    {
        foreach (Command command in All)
        {
            if (command.Name == name)
            {
                return command;
            }
        }

        return null;
    }
}
