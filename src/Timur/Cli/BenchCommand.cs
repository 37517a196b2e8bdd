using Timur.Bench;
using Timur.Bench.Figures;
using Timur.Bench.Reports;
using Timur.CommandLine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur bench</c>: what isolation costs on this machine.</summary>
internal static class BenchCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("quick", "a minute or two: shows big differences only"),
        Option.Flag("full", "the students' own lengths and files of 10 GiB, ten rounds: hours"),
        Option.Value("rounds", "N", "rounds of each load, instead of its own number"),
        Option.Value("only", "LOAD,...", "cpu, threads, memory, fileio, life; or one of them: " + string.Join(", ", LoadTable.All.Select(load => load.Name))),
        Option.Value("against", "NAME,...", "who is measured beside the host, timur by default: " + string.Join(", ", Benchmark.Candidates)),
        Option.Flag("layers", "find out which layer costs: without seccomp, on the host's network, with limits, bind mount, disk image"),
        Option.Value("image", "IMAGE", "whose programs are run (default: one with sysbench is made once; host: this machine's own)"),
        Option.Value("out", "DIR", "folder for the results (default timur-bench-DATE)"),
        Option.Value("limit", "SECONDS", "how long a run may take beyond its own time before it counts as hanging (default 60)"),
        Option.Value("seed", "N", "of the random order, to have the same again"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        Operands.None(arguments, "bench");
        if (arguments.Has("quick") && arguments.Has("full"))
        {
            throw new Failure("bench: --quick and --full exclude each other", "choose one; without either it takes about ten minutes");
        }

        Pace pace = arguments.Has("quick") ? Pace.Quick : arguments.Has("full") ? Pace.Full : Pace.Standard;
        var options = new BenchOptions(
            pace, Number(arguments, "rounds", 1, 10_000) ?? 0, BenchOptions.ChooseLoads(arguments.Text("only"), pace),
            BenchOptions.ChooseCandidates(arguments.Text("against"), arguments.Has("layers")), arguments.Text("image"), Folder(arguments),
            Number(arguments, "seed", 0, int.MaxValue) ?? Environment.TickCount & 0xffff, TimeSpan.FromSeconds(Number(arguments, "limit", 1, 86_400) ?? 60), VersionCommand.Version, string.Join(' ', Environment.GetCommandLineArgs().Skip(1).Prepend("timur")));
        if (Benchmark.Run(context.Paths, options) is not { Records.Count: > 0 } folder)
        {
            throw new Failure("bench: it was stopped before anything was measured", exitCode: 130);
        }

        Benchmark.Render(folder);
        context.OutText(TextSummary.Write(new Findings(folder)));
        context.Out($"{folder.Directory}/report.html");
        return folder.Description.Interrupted ? 130 : 0;
    }

    internal static int Report(CommandContext context, Arguments arguments)
    {
        string directory = Operands.One(arguments, "bench report", "DIR");
        RunFolder folder = RunFolder.Read(directory);
        Benchmark.Render(folder);
        context.OutText(TextSummary.Write(new Findings(folder)));
        context.Out($"{folder.Directory}/report.html");
        return 0;
    }

    internal static int Compare(CommandContext context, Arguments arguments)
    {
        (string before, string after) = Operands.Two(arguments, "bench compare", "BEFORE", "AFTER");
        context.OutText(Comparison.Write(new Findings(RunFolder.Read(before)), new Findings(RunFolder.Read(after))));
        return 0;
    }

    /// <summary>A new folder, or an empty one.</summary>
    private static string Folder(Arguments arguments)
    {
        string folder = Path.GetFullPath(arguments.Text("out") ?? $"timur-bench-{DateTime.Now:yyyy-MM-dd-HHmm}");
        return Directories.List(folder).Count == 0
            ? folder
            : throw new Failure($"bench: {folder} holds something already", "name another folder with --out: results are never overwritten");
    }

    private static int? Number(Arguments arguments, string option, int least, int most)
    {
        if (arguments.Text(option) is not { } text)
        {
            return null;
        }

        return int.TryParse(text, out int value) && value >= least && value <= most ? value : throw new Failure($"bench: --{option} {text}: not a number from {least} to {most}", "see timur bench --help");
    }
}
