using System.Diagnostics;
using Timur.Kernel;

namespace Timur.SystemTests.Engines;

/// <summary>
/// A machine of an engine's own inside this one (space.sh): its daemons, networks, mounts and cgroups are nobody else's. It lives as long as this process
/// holds it; then the kernel ends everything in it.
/// </summary>
internal sealed class EngineSpace : IDisposable
{
    private static int _next;

    private readonly string _name = $"timur-engine-{Environment.ProcessId}-{Interlocked.Increment(ref _next)}";
    private readonly Process _space;
    private readonly string _process;

    internal EngineSpace()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("timur-engine-").FullName;
        Link = Directory + "/timur-runc";
        File.CreateSymbolicLink(Link, TimurCommand.Path);
        _space = Process.Start(new ProcessStartInfo("sh", [Script("space.sh"), _name]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        _process = _space.StandardOutput.ReadLine() ?? throw new InvalidOperationException("there is no space for an engine: space.sh failed");
    }

    /// <summary>Where everything of the engine is.</summary>
    internal string Directory { get; }

    /// <summary>The runtime under test under the name that engines call it by.</summary>
    internal string Link { get; }

    internal static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Engines", name);

    /// <summary>The program of a runtime: <c>runc</c>, which is the control, or <c>timur-runc</c>.</summary>
    internal string Runtime(string name) => name == "runc" ? "/usr/sbin/runc" : Link;

    /// <summary>The space's network namespace.</summary>
    internal Fd Network() => Files.Open($"/proc/{_process}/ns/net");

    /// <summary>Runs a shell script in the space, <c>$dir</c> its directory; eight minutes at most.</summary>
    internal Outcome Shell(string script) => TimurCommand.Execute("nsenter", [.. Words("sh"), "-c", Enter + script], milliseconds: 480_000);

    /// <summary>As <see cref="Shell"/>; its output, after it succeeded.</summary>
    internal string Succeed(string script)
    {
        Outcome outcome = Shell(script);
        return outcome.Code == 0 ? outcome.Out : throw new InvalidOperationException($"{script}\n{outcome}\n{Logs()}");
    }

    /// <summary>Runs a script beside this one; its output.</summary>
    internal string Run(string script, params string[] arguments) => Shell($"exec sh {Script(script)} {string.Join(' ', arguments)}").Out;

    /// <summary>Starts a daemon, whose output goes to the file <c>NAME.log</c>, and waits until a command that needs it succeeds.</summary>
    internal void StartDaemon(string name, string command, string ready)
        => Succeed($"{{ {command}; }} >$dir/{name}.log 2>&1 </dev/null & for i in $(seq 600); do {ready} >/dev/null 2>&1 && exit 0; sleep 0.2; done; echo {name} is not ready; exit 1");

    /// <summary>The last words of its daemons.</summary>
    internal string Logs() => string.Join('\n', System.IO.Directory.GetFiles(Directory, "*.log").Select(file => $"{Path.GetFileName(file)}:\n{string.Join('\n', File.ReadLines(file).TakeLast(30))}"));

    public void Dispose()
    {
        _space.StandardInput.Close();
        _space.WaitForExit();
        _space.Dispose();
        foreach (string hierarchy in System.IO.Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Where(path => System.IO.Directory.Exists($"{path}/{_name}")))
        {
            // The kernel ends the processes, and they leave their cgroups, a moment after the first of them is gone.
            SpinWait.SpinUntil(() => Removed($"{hierarchy}/{_name}"), 60_000);
        }

        TimurCommand.Execute("rm", ["-rf", "--one-file-system", Directory]);
    }

    /// <summary>Each shell is in the space's cgroups, too: who enters namespaces stays in his own.</summary>
    private string Enter => $"""
        dir={Directory}
        if [ -e /sys/fs/cgroup/cgroup.procs ]; then echo 0 >/sys/fs/cgroup/init/cgroup.procs; else for place in /sys/fs/cgroup/*; do echo 0 >$place/cgroup.procs; done; fi

        """;

    private string[] Words(string program) => ["-t", _process, "-C", "-n", "-m", "-p", program];

    private static bool Removed(string cgroup)
    {
        foreach (string inner in System.IO.Directory.GetDirectories(cgroup))
        {
            Removed(inner);
        }

        return Directories.TryRemove(cgroup, out _) || !System.IO.Directory.Exists(cgroup);
    }
}
