using Timur.CommandLine;

namespace Timur.Cli;

/// <summary>Checks of how many operands a command was given.</summary>
internal static class Operands
{
    internal static string One(Arguments arguments, string command, string name)
        => arguments.Operands.Count == 1 ? arguments.Operands[0] : throw Wrong(arguments, command, name);

    internal static IReadOnlyList<string> AtLeastOne(Arguments arguments, string command, string name)
        => arguments.Operands.Count > 0 ? arguments.Operands : throw Wrong(arguments, command, name + "...");

    internal static (string First, string Second) Two(Arguments arguments, string command, string first, string second)
        => arguments.Operands.Count == 2 ? (arguments.Operands[0], arguments.Operands[1]) : throw Wrong(arguments, command, $"{first} {second}");

    internal static void None(Arguments arguments, string command)
    {
        if (arguments.Operands.Count > 0)
        {
            throw new Failure($"{command} takes no operand, but was given '{arguments.Operands[0]}'", $"see timur {command} --help");
        }
    }

    private static Failure Wrong(Arguments arguments, string command, string names)
        => new($"{command} needs {names}{(arguments.Operands.Count > 0 ? $", but was given {string.Join(' ', arguments.Operands)}" : "")}", $"see timur {command} --help");
}
