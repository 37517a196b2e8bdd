using Timur.CommandLine;

namespace Timur.Cli.Oci;

/// <summary>Values that several verbs take.</summary>
internal static class OciValues
{
    /// <summary>What <c>--format</c> says: JSON, or a table unless it is given.</summary>
    internal static bool IsJson(Arguments arguments) => arguments.Text("format") switch
    {
        null or "table" => false,
        "json" => true,
        { } format => throw new Failure($"invalid format option: '{format}' is neither table nor json", exitCode: 1),
    };

    internal static int Count(Arguments arguments, string option)
        => arguments.Number(option) switch
        {
            null => 0,
            >= 0 and <= 900 and { } count => (int)count,
            { } count => throw new Failure($"--{option}: {count} isn't a number from 0 to 900", exitCode: 1),
        };
}
