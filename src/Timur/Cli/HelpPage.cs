using Timur.CommandLine;

namespace Timur.Cli;

/// <summary>Help on the terminal.</summary>
internal static class HelpPage
{
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

    internal static void Print(Command command)
    {
        CommandContext.Line($"{command.Summary}\n\nUsage: timur {command.Name} {command.Usage}");
        Option[] options = command.Options();
        if (options.Length > 0)
        {
            CommandContext.Line("\nOptions:");
            foreach (Option option in options)
            {
                string left = $"{option.Display}{(option.ValueName.Length > 0 ? " " + option.ValueName : "")}";
                CommandContext.Line(left.Length > 34 ? $"  {left}\n  {"",-34} {option.Help}" : $"  {left,-34} {option.Help}");
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
