using System.Diagnostics;
using Xunit;

namespace Timur.SystemTests;

/// <summary>What a command printed and how it ended.</summary>
internal sealed record Outcome(int Code, string Out, string Error)
{
    public override string ToString() => $"exit {Code}\n{Out}{Error}";
}

/// <summary>
/// The published binary with a data directory of its own, which is removed with every container in it when the test ends. Images are shared: they are
/// made once for all tests.
/// </summary>
internal sealed class TimurCommand : IDisposable
{
    private static readonly string Binary = Environment.GetEnvironmentVariable("TIMUR_BINARY")
        ?? throw new InvalidOperationException("TIMUR_BINARY names the binary to test: run ./test");

    private readonly string _binary = Binary;

    /// <param name="ownBinary">Use a copy of the binary, so that its processes can be told from those of other tests.</param>
    internal TimurCommand(bool ownBinary = false)
    {
        Root = Directory.CreateTempSubdirectory("timur-test-").FullName;
        Directory.CreateDirectory(Root + "/data");
        if (ownBinary)
        {
            _binary = Root + "/timur";
            File.Copy(Binary, _binary);
        }
    }

    /// <summary>Processes that execute the binary, with their arguments; only with a binary of its own.</summary>
    internal IEnumerable<string> Processes()
    {
        Timur.Kernel.FileStatus own = Timur.Kernel.Files.TryStatus(_binary, out _)!.Value;
        foreach (string process in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(path[6])))
        {
            if (Timur.Kernel.Files.TryStatus(process + "/exe", out _, follow: true) is { } exe && (exe.Inode, exe.DeviceMinor) == (own.Inode, own.DeviceMinor))
            {
                yield return $"{process[6..]} {Timur.Kernel.Files.TryReadText(process + "/cmdline", out _)?.Replace('\0', ' ')}";
            }
        }
    }

    /// <summary>A directory of the test's own; the data is in <c>data</c>.</summary>
    internal string Root { get; }

    internal static string Path => Binary;

    /// <summary>Runs a command and waits for it; a minute at most.</summary>
    internal Outcome Run(params string[] arguments) => Execute(_binary, ["--root", Root + "/data", "--state", Root + "/run", .. arguments]);

    /// <summary><c>run --rm --network none busybox sh -c SCRIPT</c> with options before the image.</summary>
    internal Outcome Shell(string script, params string[] options) => Run(["run", "--rm", "--network", "none", .. options, "busybox", "sh", "-c", script]);

    /// <summary>Starts a container in the background; its name.</summary>
    internal string Start(string name, string script, params string[] options)
    {
        Outcome outcome = Run(["run", "-d", "--name", name, "--network", "none", .. options, "busybox", "sh", "-c", script]);
        return outcome.Code == 0 ? name : throw new InvalidOperationException(outcome.ToString());
    }

    /// <summary>A template over <c>inspect</c>.</summary>
    internal string Inspect(string name, string template) => Run("inspect", "--format", template, name).Out.Trim();

    /// <summary>The words before an ordinary command, for a shell.</summary>
    internal string Words => $"{_binary} --root {Root}/data --state {Root}/run";

    /// <summary>A shell's script that ends at the first failure; <c>$T</c> are the words before a command, <c>$ROOT</c> is <see cref="Root"/>.</summary>
    internal Outcome Script(string script) => Execute("sh", ["-c", $"set -e; ROOT={Root}; T='{Words}'; {script}"]);

    /// <summary>What a <see cref="Script"/> prints, which must succeed.</summary>
    internal string Must(string script)
    {
        Outcome outcome = Script(script);
        return outcome.Code == 0 ? outcome.Out.Trim() : throw new InvalidOperationException($"{script}: {outcome}");
    }

    /// <summary>Bytes that du(1) counts below a path of the data directory, once no image waits for the disk any more: until then marks are among them.</summary>
    internal long DiskUsage(string path)
    {
        AwaitDisk();
        return long.Parse(Must($"du -B1 -sc $ROOT/data{path} 2>/dev/null | tail -1 | cut -f1"));
    }

    internal void AwaitDisk() => Assert.True(SpinWait.SpinUntil(() => !Directory.Exists(Root + "/data/images/settling"), 60_000));

    internal static Outcome Execute(string program, string[] arguments, string input = "", int milliseconds = 60_000)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        long end = Environment.TickCount64 + milliseconds;
        if (!process.WaitForExit(milliseconds))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} didn't end within {milliseconds} ms: {Said(output)}{Said(error)}");
        }

        if (!Task.WaitAll([output, error], (int)Math.Max(5_000, end - Environment.TickCount64)))
        {
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} ended, but a process that it left holds its output");
        }

        return new Outcome(process.ExitCode, output.Result, error.Result);
    }

    private static string Said(Task<string> stream) => stream.Wait(5_000) ? stream.Result : "(held open by a process that it left)";

    public void Dispose()
    {
        Run("clear", "--force", "--all");
        Directory.Delete(Root, recursive: true);
    }
}
