using Timur.Kernel;

namespace Timur.Runtime;

/// <summary>Capability names and numbers (capabilities(7)).</summary>
public static class Capabilities
{
    private static readonly string[] Names =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE",
        "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN",
        "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE",
        "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    /// <summary>What a container has unless told otherwise: Docker's documented fourteen.</summary>
    public static IReadOnlyList<string> Default { get; } =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP",
        "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    /// <summary>Every capability this table knows, as bits.</summary>
    public static ulong Every => (1UL << Names.Length) - 1;

    /// <summary>The number of <c>CAP_NET_ADMIN</c>, <c>net_admin</c> and the like.</summary>
    public static bool TryNumber(string name, out int number)
    {
        string bare = name.StartsWith("CAP_", StringComparison.OrdinalIgnoreCase) ? name[4..] : name;
        number = Array.FindIndex(Names, known => known.Equals(bare, StringComparison.OrdinalIgnoreCase));
        return number >= 0;
    }

    /// <summary>The number of a capability as configurations spell it, in whatever case: a name without <c>CAP_</c> is none there (config.md, process.capabilities).</summary>
    public static bool TryConfiguredNumber(string name, out int number)
    {
        number = -1;
        return name.StartsWith("CAP_", StringComparison.OrdinalIgnoreCase) && TryNumber(name, out number);
    }

    /// <summary>The OCI spelling, <c>CAP_NET_ADMIN</c>.</summary>
    public static string Name(int number) => "CAP_" + Names[number];

    /// <summary>Names to bits; unknown names are left out, as runtime-spec asks (they are newer than this program).</summary>
    public static ulong Bits(IReadOnlyList<string> names)
    {
        ulong bits = 0;
        foreach (string name in names)
        {
            bits |= TryConfiguredNumber(name, out int number) ? 1UL << number : 0;
        }

        return bits;
    }

    /// <summary>Bits to names, in the order of their numbers.</summary>
    public static IReadOnlyList<string> FromBits(ulong bits)
    {
        var names = new List<string>();
        for (int i = 0; i < Names.Length; i++)
        {
            if ((bits & (1UL << i)) != 0)
            {
                names.Add(Name(i));
            }
        }

        return names;
    }

    /// <summary>The bounding set of this process: what it can pass on at all (CapBnd in /proc/self/status).</summary>
    public static ulong OwnBoundingSet() => OwnSet("CapBnd:\t");

    /// <summary>What this process may do at present (CapEff).</summary>
    public static ulong OwnEffective() => OwnSet("CapEff:\t");

    private static ulong OwnSet(string label)
    {
        string status = Files.TryReadText("/proc/self/status", out _) ?? "";
        int at = status.IndexOf(label, StringComparison.Ordinal);
        return at < 0 ? Every : Convert.ToUInt64(status.Substring(at + 8, 16), 16);
    }

    /// <summary>
    /// The set after <c>--cap-drop</c> and <c>--cap-add</c>; <c>ALL</c> is understood in both, and what is added wins over a dropped ALL.
    /// </summary>
    public static ulong Choose(ulong start, IReadOnlyList<string> add, IReadOnlyList<string> drop)
    {
        ulong bits = start;
        foreach (string name in drop)
        {
            bits = name.Equals("ALL", StringComparison.OrdinalIgnoreCase) ? 0 : bits & ~(1UL << Require(name, "--cap-drop"));
        }

        foreach (string name in add)
        {
            bits |= name.Equals("ALL", StringComparison.OrdinalIgnoreCase) ? Every : 1UL << Require(name, "--cap-add");
        }

        foreach (string name in drop)
        {
            bits &= name.Equals("ALL", StringComparison.OrdinalIgnoreCase) ? ulong.MaxValue : ~(1UL << Require(name, "--cap-drop"));
        }

        return bits;
    }

    private static int Require(string name, string option)
        => TryNumber(name, out int number) ? number : throw new Failure($"{option}: '{name}' isn't a capability", "capabilities(7) lists them, for example NET_ADMIN");
}
