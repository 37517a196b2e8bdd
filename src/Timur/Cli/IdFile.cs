using System.Text;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>--iidfile</c></summary>
internal static class IdFile
{
    internal static void Write(string? file, Image image)
    {
        if (file is null)
        {
            return;
        }

        using Fd fd = Files.TryOpen(file, Open.Write | Open.Create | Open.Truncate, out Errno why) ?? throw new Failure($"--iidfile {file}: {why.Describe()}", "give a file that can be written");
        Files.Write(fd, Encoding.UTF8.GetBytes($"sha256:{image.Id}"), file);
    }
}
