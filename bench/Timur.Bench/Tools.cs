using System.Diagnostics;

namespace Timur.Bench;

/// <summary>Programs whose time doesn't count.</summary>
internal static class Tools
{
    /// <summary>Runs it and returns what it printed; a failure is an error with its words.</summary>
    internal static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output.Trim()
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{error.Result}");
    }
}
