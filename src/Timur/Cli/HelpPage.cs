using Timur.CommandLine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>Help on the terminal.</summary>
internal static class HelpPage
{
    private const int Column = 37;
    private const int LeastForHelp = 30;

    /// <summary>Columns of the terminal; 80 where there is none.</summary>
    private static readonly int Width = Terminal.Size(Descriptors.Standard(1)) is { Columns: > Column + LeastForHelp } size ? size.Columns : 80;

    internal static void PrintAll(IReadOnlyList<Command> commands)
    {
        CommandContext.Line("timur runs programs in their own world: own processes, files, network and limits.\n");
        CommandContext.Line("Start with:  timur run -it busybox\n");
        CommandContext.Line("Commands:");
        foreach (Command command in commands)
        {
            CommandContext.Line($"  {command.Name,-18} {command.Summary}");
        }

        CommandContext.Line("\nBefore the command: --root DIR, --state DIR, --debug. Help on one: timur COMMAND --help");
    }

    internal static void PrintGroup(string word, IReadOnlyList<(string Name, string Summary)> members)
    {
        CommandContext.Line($"Usage: timur {word} COMMAND\n");
        foreach ((string name, string summary) in members)
        {
            CommandContext.Line($"  {name,-20} {summary}");
        }

        CommandContext.Line("\nHelp on one: timur " + word + " COMMAND --help");
    }

    /// <summary>What the option does, in a column beside its name, or below a long one.</summary>
    private static void Print(Option option)
    {
        string left = $"  {option.Display}{(option.Kind == OptionKind.Optional || option.ValueName.Length == 0 ? "" : " ")}{option.ValueName}";
        string help = Wrapped(new string(' ', Column) + option.Help, Column);
        CommandContext.Line(left.Length >= Column ? $"{left}\n{help}" : left + help[left.Length..]);
    }

    /// <summary>Lines no longer than the terminal, where words allow it; all but the first begin with <paramref name="indent"/> spaces.</summary>
    private static string Wrapped(string text, int indent)
    {
        var lines = new List<string>();
        while (text.Length > Width && text.LastIndexOf(' ', Width) is var space && space > indent)
        {
            lines.Add(text[..space]);
            text = new string(' ', indent) + text[(space + 1)..];
        }

        return string.Join('\n', [.. lines, text]);
    }

    internal static void Print(Command command)
    {
        CommandContext.Line($"{command.Summary}\n\nUsage: timur {command.Name} {command.Usage}");
        Option[] options = command.Options();
        if (options.Length > 0)
        {
            CommandContext.Line("\nOptions:");
            foreach (Option option in options.Where(option => !option.ChangesNothing))
            {
                Print(option);
            }

            if (options.Any(option => option.ChangesNothing))
            {
                CommandContext.Line("\nAlso taken, as scripts for other engines give them; they change nothing here:");
                CommandContext.Line(Wrapped($"  {string.Join(", ", options.Where(option => option.ChangesNothing).Select(option => "--" + option.Name))}", 2));
            }
        }

        if (command.Examples.Length > 0)
        {
            CommandContext.Line("\nExamples:");
            foreach (string example in command.Examples)
            {
                CommandContext.Line($"  {example}");
            }
        }
    }
}
