using System.Text;
using Timur.CommandLine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>A question before something is removed for good. As in Docker and Podman the answer is a line of standard input, a terminal or not.</summary>
internal static class Confirmation
{
    private const int LongestAnswer = 64;

    internal static readonly Option Force = Option.Flag("force", "don't ask", 'f');

    /// <summary>True with <c>--force</c> or when the answer is yes; where there is nobody to answer it is a <see cref="Failure"/>, so that no script takes nothing for something.</summary>
    internal static bool Given(Arguments arguments, string question)
    {
        if (arguments.Has("force"))
        {
            return true;
        }

        CommandContext.Ask($"{question} Go on? [y/N] ");
        string? answer = ReadLine();
        if (!Terminal.Is(Descriptors.Standard(0)))
        {
            CommandContext.Note("");
        }

        return answer is null ? throw new Failure("nothing was removed: standard input has no answer", "without a terminal give --force, or the answer by a pipe: yes | timur …")
            : answer.Trim() is "y" or "Y" or "yes" or "YES" or "Yes";
    }

    /// <summary>Null when the input ends before there is any. What follows the line is left for others.</summary>
    private static string? ReadLine()
    {
        var bytes = new List<byte>();
        Span<byte> one = stackalloc byte[1];
        while (bytes.Count < LongestAnswer && Files.TryRead(Descriptors.Standard(0), one, out _) == 1)
        {
            bytes.Add(one[0]);
            if (one[0] == (byte)'\n')
            {
                break;
            }
        }

        return bytes.Count == 0 ? null : Encoding.UTF8.GetString([.. bytes]);
    }
}
