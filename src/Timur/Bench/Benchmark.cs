using System.Runtime.InteropServices;
using Timur.Bench.Candidates;
using Timur.Bench.Figures;
using Timur.Bench.Reports;
using Timur.Kernel;
using Timur.State;

namespace Timur.Bench;

/// <summary><c>timur bench</c> from its options to its report.</summary>
internal static class Benchmark
{
    private static readonly string[] NoPeers = [CandidateNames.Host, CandidateNames.HostAgain];

    /// <summary>Who can be measured, as <c>--against</c> takes it.</summary>
    internal static IEnumerable<string> Candidates => CandidateTable.Names.Where(name => name != CandidateNames.Host);

    /// <summary>
    /// Returns the folder with the results; null when it was stopped before anything was measured. Starts this process over in a mount namespace of its
    /// own first, so that no mount of the benchmark's is ever seen outside, or stays.
    /// </summary>
    internal static RunFolder? Run(DataPaths paths, BenchOptions options)
    {
        if (!OwnProgram.HasPrivateMounts)
        {
            OwnProgram.ExecuteWithPrivateMounts();
        }

        foreach (string abandoned in Workplace.Abandoned(paths))
        {
            Workplace.Remove(abandoned);
        }

        Directories.Create(options.Output);
        Workplace work = Workplace.Make(paths, options.Limit);
        using Keeper keeper = Keeper.Start(work);
        try
        {
            Measure(work, options);
            return Files.Exists($"{options.Output}/run.json") ? RunFolder.Read(options.Output) : null;
        }
        finally
        {
            if (Files.TryStatus($"{options.Output}/raw.jsonl", out _) is not { Size: > 0 })
            {
                Directories.RemoveTree(options.Output);
            }

            foreach (string line in keeper.Finish())
            {
                Console.Error.WriteLine($"timur bench: not cleaned up: {line}");
            }
        }
    }

    /// <summary>Writes report.md and report.html beside the records.</summary>
    internal static void Render(RunFolder folder)
    {
        var findings = new Findings(folder);
        AtomicFile.Write($"{folder.Directory}/report.md", System.Text.Encoding.UTF8.GetBytes(MarkdownReport.Write(findings)), mode: 0x1A4);
        AtomicFile.Write($"{folder.Directory}/report.html", System.Text.Encoding.UTF8.GetBytes(HtmlReport.Write(findings)), mode: 0x1A4);
    }

    private static void Measure(Workplace work, BenchOptions options)
    {
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration interrupt = OnSignal(PosixSignal.SIGINT, stop);
        using PosixSignalRegistration terminate = OnSignal(PosixSignal.SIGTERM, stop);
        using PosixSignalRegistration hangUp = OnSignal(PosixSignal.SIGHUP, stop);
        Display display = Display.Make();
        if (options.Candidates.Any(name => !NoPeers.Contains(name) && !name.StartsWith(CandidateNames.Timur, StringComparison.Ordinal)))
        {
            CgroupView.HideUnified(work);
        }

        using var run = new BenchRun(work, options, display, stop.Token);
        run.Prepare();
        display.During(run.Measure);
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, CancellationTokenSource stop)
        => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
}
