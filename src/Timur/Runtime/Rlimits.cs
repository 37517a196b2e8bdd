namespace Timur.Runtime;

/// <summary>Names and numbers of resource limits (getrlimit(2)).</summary>
public static class Rlimits
{
    private static readonly string[] Names =
    [
        "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ];

    /// <summary>The number of <c>RLIMIT_NOFILE</c>, <c>nofile</c> and the like.</summary>
    public static int Number(string name)
    {
        string bare = name.StartsWith("RLIMIT_", StringComparison.OrdinalIgnoreCase) ? name[7..] : name;
        int number = Array.FindIndex(Names, known => known.Equals(bare, StringComparison.OrdinalIgnoreCase));
        return number >= 0 ? number : throw new Failure($"'{name}' isn't a resource limit", $"known: {string.Join(' ', Names).ToLowerInvariant()}");
    }
}
