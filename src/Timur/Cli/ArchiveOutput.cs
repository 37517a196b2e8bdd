using Timur.Kernel;

namespace Timur.Cli;

/// <summary>Where an archive goes: a file, which appears whole or not at all, or standard output.</summary>
internal static class ArchiveOutput
{
    private const int Piece = 128 * 1024;

    /// <param name="output">The file; null or <c>-</c> is standard output.</param>
    internal static void Write(string? output, string command, Action<Stream> write)
    {
        if (output is null or "-")
        {
            if (Terminal.Is(Descriptors.Standard(1)))
            {
                throw new Failure($"{command}: an archive would be written to the terminal", "give a file with -o FILE, or a pipe");
            }

            Write(command, "standard output", () =>
            {
                using Stream standard = new BufferedStream(Console.OpenStandardOutput(), Piece);
                write(standard);
                standard.Flush();
            });
            return;
        }

        string whole = Path.GetFullPath(output);
        if (Files.TryStatus(whole, out _, follow: true) is { } there && there.Kind != FileKind.Regular)
        {
            Write(command, $"-o {output}", () => WriteInto(whole, there, output, command, write));
            return;
        }

        string unfinished = $"{Path.GetDirectoryName(whole)}/.{Path.GetFileName(whole)}.{Processes.Self}";
        try
        {
            Write(command, $"-o {output}", () =>
            {
                using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, Piece))
                {
                    write(file);
                }

                Files.Rename(unfinished, whole);
            });
        }
        finally
        {
            Files.TryUnlink(unfinished, out _);
        }
    }

    private static void Write(string command, string target, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (FileTrouble.Of(e) is { } trouble)
        {
            throw new Failure($"{command} {target}: {trouble.Why}", trouble.Advice, cause: e);
        }
    }

    /// <summary>A device or pipe is written as it is.</summary>
    private static void WriteInto(string path, FileStatus there, string output, string command, Action<Stream> write)
    {
        if (there.Kind == FileKind.Directory)
        {
            throw new Failure($"{command} -o {output}: that is a directory", "give the name of a file");
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, Piece);
        write(file);
    }
}
