namespace Timur.Bench.Figures;

/// <summary>How long a run is measured.</summary>
internal enum Pace
{
    /// <summary>About a minute for host and container.</summary>
    Quick,

    /// <summary>About ten minutes.</summary>
    Standard,

    /// <summary>Exactly the students' parameters, ten rounds: two to three hours.</summary>
    Full,
}

/// <summary>What one load takes at a pace.</summary>
/// <param name="Rounds">How often each candidate runs it; 0: only when it is asked for by name.</param>
/// <param name="Seconds">sysbench's <c>--time</c>.</param>
/// <param name="Mebibytes">Size of the files, or of the memory to write; 0 where the load has none.</param>
internal readonly record struct Dose(int Rounds, int Seconds, int Mebibytes = 0);

/// <summary>Something that is run and timed.</summary>
/// <param name="Name">As <c>--only</c> takes it.</param>
/// <param name="Group">Several loads that <c>--only</c> takes by one word.</param>
/// <param name="Main">What candidates are compared by.</param>
/// <param name="Loses">Where isolation may cost something here, in words.</param>
internal abstract record Load(string Name, string Group, string Title, Metric Main, string Loses)
{
    internal abstract Dose DoseAt(Pace pace);
}

/// <summary>A load of sysbench's; the words are its arguments for a dose.</summary>
internal sealed record SysbenchLoad(string Name, string Group, string Title, Metric Main, string Loses, Func<Dose, string[]> Words, Dose Quick, Dose Standard, Dose Full)
    : Load(Name, Group, Title, Main, Loses)
{
    /// <summary>It needs files that <c>sysbench fileio prepare</c> makes and <c>cleanup</c> removes.</summary>
    internal bool UsesFiles => Group == "fileio";

    internal override Dose DoseAt(Pace pace) => pace switch
    {
        Pace.Quick => Quick,
        Pace.Standard => Standard,
        _ => Full,
    };
}

/// <summary>A load from a container's life: starting, entering, standing by.</summary>
internal sealed record LifeLoad(string Name, string Title, Metric Main, string Loses, int QuickRounds, int StandardRounds, string Group = "life") : Load(Name, Group, Title, Main, Loses)
{
    internal override Dose DoseAt(Pace pace) => new(pace == Pace.Quick ? QuickRounds : StandardRounds, 0);
}

/// <summary>Every load, in the order of the report.</summary>
internal static class LoadTable
{
    /// <summary>Containers that are started at once.</summary>
    internal const int Crowd = 16;

    /// <summary>Containers that run idle while the memory of their helpers is read: what they share counts for each by its part.</summary>
    internal const int Idle = 20;

    /// <summary>Containers in the store whose list is timed.</summary>
    internal const int Listed = 500;

    private static readonly string[] ReadWrite = ["--file-test-mode=rndrw", "--max-requests=0"];

    internal static readonly Load[] All =
    [
        new SysbenchLoad("cpu", "cpu", "Prime numbers, 100 threads", Metrics.EventsPerSecond, "nothing stands between the program and the processor",
            dose => ["cpu", "--threads=100", $"--time={dose.Seconds}", "--cpu-max-prime=64000"], new(7, 1), new(10, 3), new(10, 60)),
        new SysbenchLoad("threads", "threads", "Locks and yields, 64 threads", Metrics.EventsPerSecond, "each system call passes the seccomp filter, each switch between threads the levels of the cpu cgroup",
            dose => ["threads", "--threads=64", "--thread-yields=100", "--thread-locks=2", $"--time={dose.Seconds}"], new(7, 1), new(20, 1), new(10, 10)),
        new SysbenchLoad("memory", "memory", "Memory, written by 100 threads", Metrics.MemorySpeed, "page faults are charged to a cgroup",
            dose => ["memory", "--threads=100", $"--time={dose.Seconds}", "--memory-oper=write", .. (string[])(dose.Mebibytes == 0 ? [] : [$"--memory-total-size={dose.Mebibytes}M"])],
            new(7, 1, 2048), new(30, 1), new(10, 60)),
        new SysbenchLoad("memory-block", "memory", "Memory, blocks of 1 MiB", Metrics.MemorySpeed, "page faults are charged to a cgroup",
            dose => ["memory", "--memory-block-size=1M", "--memory-total-size=10G"], new(7, 0), new(30, 0), new(10, 0)),
        new SysbenchLoad("fileio", "fileio", "Files, random reads and writes", Metrics.FileOperations, "each write and flush passes the layers below the root file system",
            dose => ["fileio", $"--file-total-size={dose.Mebibytes}M", $"--time={dose.Seconds}", .. ReadWrite], new(7, 1, 128), new(40, 1, 1024), new(10, 300, 10240)),
        new SysbenchLoad("fileio-write", "fileio", "Files, written one after the other", Metrics.Written, "each write passes the layers below the root file system",
            dose => ["fileio", $"--file-total-size={dose.Mebibytes}M", $"--time={Math.Max(dose.Seconds, 1)}", "--file-test-mode=seqrewr", "--file-block-size=1M", "--max-requests=0"],
            new(0, 1, 128), new(20, 1, 1024), new(10, 30, 10240)),
        new LifeLoad("start", "A container that runs true, no network", Metrics.Milliseconds, "create, start, wait and remove", 20, 100),
        new LifeLoad("network", "The same with the default network", Metrics.Milliseconds, "a bridge port, an address, its rules", 20, 100),
        new LifeLoad("exec", "One more process in a running container", Metrics.Milliseconds, "entering every namespace", 20, 100),
        new LifeLoad("crowd", $"{Crowd} containers at once", Metrics.Milliseconds, "what starts share: locks, the kernel's own", 6, 20),
        new LifeLoad("resident", $"Memory of the helper beside each of {Idle} running containers", Metrics.HelperMemory, "what stays resident to watch it", 1, 1),
        new LifeLoad("oci", "create, start and delete of an OCI bundle", Metrics.Milliseconds, "three commands, each of which finds the container again", 0, 0, "oci"),
        new LifeLoad("list-none", "ps without containers", Metrics.Milliseconds, "starting the command", 0, 0, "list"),
        new LifeLoad("list", $"ps with {Listed} containers that don't run", Metrics.Milliseconds, "reading the records", 0, 0, "list"),
        new LifeLoad("list-all", $"ps -a with {Listed}", Metrics.Milliseconds, "reading and printing them", 0, 0, "list"),
    ];

    internal static IEnumerable<string> Words => All.SelectMany(load => (string[])[load.Group, load.Name]).Distinct();

    internal static Load? Find(string name) => Array.Find(All, load => load.Name == name);
}
