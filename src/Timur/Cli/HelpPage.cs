using Timur.CommandLine;

namespace Timur.Cli;

/// <summary>Help on the terminal.</summary>
internal static class HelpPage
{
    internal static void PrintAll(IReadOnlyList<Command> commands)
    {
        Console.WriteLine("timur runs programs in their own world: own processes, files, network and limits.\n");
        Console.WriteLine("Start with:  timur run -it busybox\n");
        Console.WriteLine("Commands:");
        foreach (Command command in commands)
        {
            Console.WriteLine($"  {command.Name,-18} {command.Summary}");
        }

        Console.WriteLine("\nBefore the command: --root DIR, --state DIR, --debug. Help on one: timur COMMAND --help");
    }

    internal static void PrintGroup(string word, IReadOnlyList<(string Name, string Summary)> members)
    {
        Console.WriteLine($"Usage: timur {word} COMMAND\n");
        foreach ((string name, string summary) in members)
        {
            Console.WriteLine($"  {name,-20} {summary}");
        }

        Console.WriteLine("\nHelp on one: timur " + word + " COMMAND --help");
    }

    internal static void Print(Command command)
    {
        Console.WriteLine($"{command.Summary}\n\nUsage: timur {command.Name} {command.Usage}");
        Option[] options = command.Options();
        if (options.Length > 0)
        {
            Console.WriteLine("\nOptions:");
            foreach (Option option in options)
            {
                string left = $"{option.Display}{(option.ValueName.Length > 0 ? " " + option.ValueName : "")}";
                Console.WriteLine(left.Length > 34 ? $"  {left}\n  {"",-34} {option.Help}" : $"  {left,-34} {option.Help}");
            }
        }

        if (command.Examples.Length > 0)
        {
            Console.WriteLine("\nExamples:");
            foreach (string example in command.Examples)
            {
                Console.WriteLine($"  {example}");
            }
        }
    }
}
