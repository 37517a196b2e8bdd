using Timur.CommandLine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>A question before something is removed for good.</summary>
internal static class Confirmation
{
    internal static readonly Option Force = Option.Flag("force", "don't ask", 'f');

    /// <summary>True with <c>--force</c>, when nobody is there to ask, or when the person says yes.</summary>
    internal static bool Given(Arguments arguments, string question)
    {
        if (arguments.Has("force") || !Terminal.Is(Descriptors.Standard(0)))
        {
            return true;
        }

        CommandContext.Ask($"{question} Go on? [y/N] ");
        return Console.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }
}
