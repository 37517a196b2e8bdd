using System.Text;
using Timur.CommandLine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>Options that name a file for a short text: <c>--iidfile</c>, <c>--digestfile</c>, <c>--metadata-file</c>.</summary>
internal static class FileOption
{
    /// <summary>Does nothing where the option wasn't given; a file that can't be written is a <see cref="Failure"/> that names the option.</summary>
    internal static void Write(Arguments arguments, string option, string text)
    {
        if (arguments.Text(option) is not { } file)
        {
            return;
        }

        using Fd fd = Files.TryOpen(file, Open.Write | Open.Create | Open.Truncate, out Errno why) ?? throw new Failure($"--{option} {file}: {why.Describe()}", "give a file that can be written");
        Files.Write(fd, Encoding.UTF8.GetBytes(text), file);
    }
}
