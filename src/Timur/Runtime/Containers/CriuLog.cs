using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>What criu wrote about its failure, for our own log.</summary>
internal static class CriuLog
{
    private const int Most = 5;

    internal static void Quote(RuntimeLog log, string file)
    {
        string[] errors = [.. (Files.TryReadText(file, out _) ?? "").Split('\n').Where(line => line.Contains("Error", StringComparison.Ordinal)).TakeLast(Most)];
        foreach (string line in errors)
        {
            log.Warn($"{file}: {line}");
        }

        if (errors.Length == 0)
        {
            log.Warn($"criu's log is {file}");
        }
    }
}
