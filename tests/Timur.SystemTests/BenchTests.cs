using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Timur.SystemTests;

/// <summary><c>timur bench</c> with this machine's sysbench; figures aren't judged here, only that they are measured and shown.</summary>
public sealed partial class BenchTests : IDisposable
{
    private readonly TimurCommand _timur = new(ownBinary: true);

    private string Results => _timur.Root + "/results";

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_short_benchmark_measures_every_load_and_writes_its_reports()
    {
        Outcome outcome = Bench("--quick", "--rounds", "2", "--only", "memory-block,fileio,life", "--against", "timur,timur-bind");
        Assert.True(outcome.Code == 0, outcome.ToString());
        JsonElement[] records = Records();
        foreach (string load in new[] { "memory-block", "fileio", "start", "exec", "crowd" })
        {
            foreach (string candidate in new[] { "host", "host-again", "timur", "timur-bind" })
            {
                Assert.Equal(2, records.Count(record => Text(record, "load") == load && Text(record, "candidate") == candidate && !record.TryGetProperty("failure", out _)));
            }
        }

        JsonElement files = records.First(record => Text(record, "load") == "fileio" && Text(record, "candidate") == "timur");
        foreach (string metric in new[] { "reads_per_second", "fsyncs_per_second", "written_mib_per_second", "latency_p95", "events_stddev", "file_operations_per_second" })
        {
            Assert.True(files.GetProperty("values").GetProperty(metric).GetDouble() >= 0, metric);
        }

        Assert.True(records.Single(record => Text(record, "load") == "resident" && Text(record, "candidate") == "timur").GetProperty("values").GetProperty("helper_kib").GetDouble() > 100);
        string markdown = File.ReadAllText(Results + "/report.md");
        Assert.Contains("### host\n", markdown);
        Assert.Contains("### timur\n", markdown);
        Assert.Matches(@"\| latency, 95th percentile, ms \| [\d.]+ \| [\d.]+ \| [\d.]+ \|", markdown);
        Assert.Contains("| kernel | " + File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), markdown);
        Assert.Empty(Left());
    }

    [Fact]
    public void The_page_draws_its_plots_in_a_browser_and_needs_nothing_from_outside()
    {
        Assert.Equal(0, Bench("--quick", "--rounds", "2", "--only", "memory-block,exec").Code);
        string page = Results + "/report.html";
        Assert.DoesNotMatch(@"(src|href)=[""']?(https?:)?//", File.ReadAllText(page));
        foreach (string width in new[] { "1200", "380" })
        {
            Outcome browser = TimurCommand.Execute("chromium",
                ["--headless=new", "--no-sandbox", "--disable-gpu", $"--user-data-dir={_timur.Root}/browser", "--enable-logging=stderr", $"--window-size={width},900", "--virtual-time-budget=3000", "--dump-dom", "file://" + page]);
            Assert.Contains("<h1>What isolation costs here</h1>", browser.Out);
            Assert.True(Svg().Count(browser.Out) >= 4, $"{Svg().Count(browser.Out)} plots at width {width}: {browser.Error}");
            Assert.DoesNotContain("Uncaught", browser.Error);
            Assert.DoesNotContain(">null<", browser.Out);
        }
    }

    [Fact]
    public void A_benchmark_is_rendered_again_and_compared_without_measuring()
    {
        Assert.Equal(0, Bench("--quick", "--rounds", "2", "--only", "exec").Code);
        string before = File.ReadAllText(Results + "/report.html");
        File.Delete(Results + "/report.html");
        Assert.Equal(0, _timur.Run("bench", "report", Results).Code);
        Assert.Equal(before, File.ReadAllText(Results + "/report.html"));
        Outcome compared = _timur.Run("bench", "compare", Results, Results);
        Assert.Equal(0, compared.Code);
        Assert.Matches(@"exec +host .*no change found", compared.Out);
        Assert.Contains("holds no benchmark", _timur.Run("bench", "report", _timur.Root).Error);
        File.AppendAllText(Results + "/raw.jsonl", "{\"load\":\"exec\",\n");
        Outcome damaged = _timur.Run("bench", "report", Results);
        Assert.Equal(125, damaged.Code);
        Assert.Matches(@"raw\.jsonl line \d+:", damaged.Error);
    }

    [Fact]
    public void Ctrl_C_keeps_what_was_measured_and_leaves_nothing_else()
    {
        using Process bench = StartBench("--only", "memory-block,fileio", "--rounds", "500");
        WaitForRecords(4);
        TimurCommand.Execute("kill", ["-INT", bench.Id.ToString()]);
        Assert.True(bench.WaitForExit(60_000));
        Assert.Equal(130, bench.ExitCode);
        Assert.True(Records().Length >= 4);
        Assert.Contains("stopped early", File.ReadAllText(Results + "/report.md"));
        Assert.Empty(Left());
    }

    [Fact]
    public void What_a_killed_benchmark_has_made_is_removed_by_its_keeper()
    {
        using Process bench = StartBench("--only", "fileio", "--rounds", "500", "--against", "timur,students");
        WaitForRecords(3);
        bench.Kill();
        SpinWait.SpinUntil(() => !Left().Any(), TimeSpan.FromSeconds(60));
        Assert.Empty(Left());
        Assert.Equal(0, _timur.Run("bench", "report", Results).Code);
        Assert.Contains("killed before its end", File.ReadAllText(Results + "/report.md"));
    }

    [Fact]
    public void What_is_left_when_the_keeper_is_killed_too_is_found_and_repaired()
    {
        using Process bench = StartBench("--only", "fileio", "--rounds", "500");
        WaitForRecords(3);
        string keeper = _timur.Processes().Single(process => process.Contains("__bench-keeper", StringComparison.Ordinal)).Split(' ')[0];
        TimurCommand.Execute("kill", ["-KILL", keeper]);
        bench.Kill();
        bench.WaitForExit();
        Outcome found = null!;
        SpinWait.SpinUntil(() => (found = _timur.Run("system", "check")).Code == 1, TimeSpan.FromSeconds(20));
        Assert.Equal(1, found.Code);
        Assert.Contains("is what a killed benchmark left", found.Out);
        Assert.Equal(0, _timur.Run("system", "check", "--repair").Code);
        Assert.Empty(Left());
    }

    [Fact]
    public void A_peer_that_fails_and_one_that_hangs_are_listed_with_the_reason()
    {
        string tools = Directory.CreateDirectory(_timur.Root + "/tools").FullName;
        Script(tools + "/runc", "echo 'the moon is full' >&2; exit 3");
        Script(tools + "/crun", """case "$*" in *--version*) echo crun version 9 ;; *" exec "*) exec sleep 1000 ;; *" run "*) ;; *) exit 1 ;; esac""");
        Outcome outcome = TimurCommand.Execute("env", [$"PATH={tools}:/usr/sbin:/usr/bin:/sbin:/bin", .. Words("--only", "exec,memory-block", "--rounds", "2", "--against", "timur,runc,crun", "--limit", "2")]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        string markdown = File.ReadAllText(Results + "/report.md");
        Assert.Matches("- runc: .*the moon is full", markdown);
        Assert.Matches("- crun: .*was ended after 2 s without having finished", markdown);
        Assert.Empty(Left());
    }

    [Theory]
    [InlineData("there is no 'dokcer'", "did you mean docker?", "--against", "dokcer")]
    [InlineData("there is no 'disk'", "Choose of cpu, threads", "--only", "disk")]
    [InlineData("not a number from 1", "--help", "--rounds", "many")]
    [InlineData("exclude each other", "about ten minutes", "--quick", "--full")]
    [InlineData("has no sysbench", "--only life", "--image", "busybox")]
    [InlineData("'nothing'", "", "--image", "nothing")]
    [InlineData("holds something already", "never overwritten", "--out", "/etc")]
    public void Bad_input_is_explained_and_leaves_nothing(string message, string advice, params string[] options)
    {
        Outcome outcome = _timur.Run(["bench", .. options.Contains("--out") ? [] : (string[])["--out", Results], .. options]);
        Assert.Equal(125, outcome.Code);
        Assert.Contains(message, outcome.Error);
        Assert.Contains(advice, outcome.Error);
        Assert.False(Directory.Exists(Results), "an empty folder with results stays");
        Assert.Empty(Left());
    }

    [Fact]
    public void A_disk_too_small_for_the_files_is_refused_with_sizes()
    {
        string script = $"mkdir {_timur.Root}/small && mount -t tmpfs -o size=200m none {_timur.Root}/small && "
            + $"{TimurCommand.Path} --root {_timur.Root}/small/data --state {_timur.Root}/run2 bench --image host --only fileio --out {Results}; code=$?; ls -A {_timur.Root}/small/data/containers {_timur.Root}/small/data/bench; exit $code";
        Outcome outcome = TimurCommand.Execute("unshare", ["-m", "--propagation", "private", "sh", "-c", script]);
        Assert.Equal(125, outcome.Code);
        Assert.Matches(@"need \d+ MiB, and .* has \d+ MiB left", outcome.Error);
        Assert.Contains("--quick", outcome.Error);
        Assert.DoesNotMatch("[0-9a-f]{8}", outcome.Out);
    }

    private static string Text(JsonElement record, string name) => record.GetProperty(name).GetString()!;

    private static void Script(string path, string text)
    {
        File.WriteAllText(path, "#!/bin/sh\n" + text + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private string[] Words(params string[] options) => [.. _timur.Words.Split(' '), "bench", "--quick", "--image", "host", "--out", Results, .. options];

    private Outcome Bench(params string[] options) => _timur.Run(["bench", "--image", "host", "--out", Results, .. options]);

    private Process StartBench(params string[] options)
    {
        // Whoever runs the tests in the background has them ignore SIGINT, and what they start, too.
        return Process.Start(new ProcessStartInfo("env", ["--default-signal=INT", .. Words(options)]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
    }

    private JsonElement[] Records() => [.. File.ReadAllLines(Results + "/raw.jsonl").Where(line => line.EndsWith('}')).Select(line => JsonDocument.Parse(line).RootElement)];

    private void WaitForRecords(int count)
        => Assert.True(SpinWait.SpinUntil(() => File.Exists(Results + "/raw.jsonl") && Records().Length >= count, TimeSpan.FromSeconds(60)), "nothing was measured");

    /// <summary>Processes, workplaces, containers, mounts and loop devices of the benchmark that are still there.</summary>
    private IEnumerable<string> Left()
    {
        string bench = _timur.Root + "/data/bench";

        // It may go away while it is looked at.
        IEnumerable<string> workplaces = Timur.Kernel.Directories.List(bench).Where(entry => entry.Kind == Timur.Kernel.FileKind.Directory).Select(entry => entry.Name);
        IEnumerable<string> processes = Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(path[6]))
            .Where(path => Timur.Kernel.Files.TryReadLink(path + "/cwd", out _)?.StartsWith(bench, StringComparison.Ordinal) == true);

        // What writes a new image out to the disk outlives the command that made the image, and ends by itself.
        IEnumerable<string> own = _timur.Processes().Where(process => !process.Contains(" ps ", StringComparison.Ordinal) && !process.Contains(" __settle ", StringComparison.Ordinal));
        return workplaces.Concat(processes).Concat(_timur.Run("ps", "-aq").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Concat(own)
            .Concat(Timur.Kernel.LoopDevices.List().Where(device => device.File.StartsWith(bench, StringComparison.Ordinal)).Select(device => device.File));
    }

    [GeneratedRegex("<svg")]
    private static partial Regex Svg();
}
