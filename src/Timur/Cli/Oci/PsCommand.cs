using System.Diagnostics;
using Timur.CommandLine;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>ps</c>: the container's lines of ps(1), or its ids as JSON.</summary>
internal static class PsCommand
{
    internal static Option[] Options { get; } = [Option.Value("format", "table|json", "how to print", 'f')];

    internal static int Run(OciContext context, Arguments arguments)
    {
        OciContainer container = context.Root.Find(arguments.Operands[0]);
        IReadOnlyList<int> pids = container.Pids();
        if (OciValues.IsJson(arguments))
        {
            OciContext.Line($"[{string.Join(',', pids)}]");
        }
        else
        {
            PrintTable([.. arguments.Operands.Skip(1)], pids);
        }

        return 0;
    }

    private static void PrintTable(string[] options, IReadOnlyList<int> pids)
    {
        string[] lines = Ps(options is [] ? ["-ef"] : options);
        int column = Array.IndexOf(lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries), "PID");
        if (column < 0)
        {
            throw new Failure("couldn't find PID field in ps output", "give ps options that show it", 1);
        }

        OciContext.Line(lines[0]);
        foreach (string line in lines[1..])
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > column && int.TryParse(fields[column], out int pid) && pids.Contains(pid))
            {
                OciContext.Line(line);
            }
        }
    }

    private static string[] Ps(string[] options)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("ps", options) { RedirectStandardOutput = true })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 && output.Length > 0 ? output.TrimEnd('\n').Split('\n') : throw new Failure($"ps {string.Join(' ', options)}: exit code {process.ExitCode}", exitCode: 1);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new Failure($"ps: {e.Message}", "install procps, or ask with --format json", 1, e);
        }
    }
}
