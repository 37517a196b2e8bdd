using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Timur.Oci;

namespace Timur.Runtime.Seccomp;

/// <summary>
/// Compiles a seccomp profile to classic BPF (seccomp(2), linux/filter.h): one section for each architecture, in it a binary search over ranges of
/// numbers that share an outcome.
/// </summary>
public static class FilterCompiler
{
    private const ushort LoadWord = 0x20;
    private const ushort JumpAlways = 0x05;
    private const ushort JumpEqual = 0x15;
    private const ushort JumpGreaterOrEqual = 0x35;
    private const ushort Return = 0x06;
    private const uint KillThread = 0;

    /// <summary>BPF_MAXINSNS.</summary>
    private const int MaximumInstructions = 4096;

    /// <summary>The filter, an array of struct sock_filter; a profile that can't be compiled is a <see cref="Failure"/>.</summary>
    public static byte[] Compile(LinuxSeccomp profile)
    {
        uint fallback = Action(profile.DefaultAction, profile.DefaultErrno);
        List<FilterArchitecture> architectures = Architectures(profile.Architectures);
        var code = new List<ulong> { Statement(LoadWord, 4) };
        bool x32 = architectures.Contains(FilterArchitecture.X32);
        foreach (FilterArchitecture architecture in architectures)
        {
            if (architecture == FilterArchitecture.X32 && architectures.Contains(FilterArchitecture.X64))
            {
                continue;
            }

            List<ulong> section = Section(profile, architecture, fallback, x32);
            code.Add(Jump(JumpEqual, SyscallTable.AuditValue(architecture), 1, 0));
            code.Add(Statement(JumpAlways, (uint)section.Count));
            code.AddRange(section);
        }

        // An architecture that the profile doesn't name can't be judged.
        code.Add(Statement(Return, KillThread));
        if (code.Count > MaximumInstructions)
        {
            throw new Failure($"seccomp: the profile needs {code.Count} instructions, the kernel takes {MaximumInstructions}", "merge rules or leave out architectures");
        }

        return ToBytes(code);
    }

    /// <summary>SECCOMP_FILTER_FLAG_* bits (seccomp(2)).</summary>
    public static uint Flags(LinuxSeccomp profile)
    {
        uint flags = 0;
        foreach (string flag in profile.Flags)
        {
            flags |= flag switch
            {
                "SECCOMP_FILTER_FLAG_TSYNC" => 1u,
                "SECCOMP_FILTER_FLAG_LOG" => 2u,
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => 4u,
                "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => 32u,
                _ => throw new Failure($"seccomp: unknown flag {flag}"),
            };
        }

        return flags;
    }

    private static List<ulong> Section(LinuxSeccomp profile, FilterArchitecture architecture, uint fallback, bool x32)
    {
        var section = new List<ulong> { Statement(LoadWord, 0) };
        if (architecture == FilterArchitecture.X64)
        {
            List<ulong> inner = x32 ? Search(Outcomes.Collect(profile, FilterArchitecture.X32, fallback)) : [Statement(Return, KillThread)];
            section.Add(Jump(JumpGreaterOrEqual, SyscallTable.X32Bit, 0, 1));
            section.Add(Statement(JumpAlways, 0));
            int jump = section.Count - 1;
            List<ulong> native = Search(Outcomes.Collect(profile, architecture, fallback));
            section[jump] = Statement(JumpAlways, (uint)native.Count);
            section.AddRange(native);
            section.AddRange(inner);
            return section;
        }

        section.AddRange(Search(Outcomes.Collect(profile, architecture, fallback)));
        return section;
    }

    /// <summary>Halves the ranges until one is left.</summary>
    private static List<ulong> Search(ReadOnlySpan<OutcomeRange> ranges)
    {
        if (ranges.Length == 1)
        {
            return ranges[0].Code;
        }

        int middle = ranges.Length / 2;
        List<ulong> low = Search(ranges[..middle]);
        List<ulong> high = Search(ranges[middle..]);
        var code = new List<ulong>(low.Count + high.Count + 2);
        if (low.Count <= byte.MaxValue)
        {
            code.Add(Jump(JumpGreaterOrEqual, ranges[middle].First, (byte)low.Count, 0));
        }
        else
        {
            code.Add(Jump(JumpGreaterOrEqual, ranges[middle].First, 0, 1));
            code.Add(Statement(JumpAlways, (uint)low.Count));
        }

        code.AddRange(low);
        code.AddRange(high);
        return code;
    }

    private static List<ulong> Search(List<OutcomeRange> ranges) => Search(CollectionsMarshal.AsSpan(ranges));

    /// <summary>Of the specification's, those that no machine of this program has: profiles that are made for all list them (config-linux.md, Seccomp).</summary>
    private static readonly HashSet<string> OtherArchitectures =
    [
        "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
        "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB",
    ];

    private static List<FilterArchitecture> Architectures(IReadOnlyList<string> names)
    {
        var architectures = new List<FilterArchitecture>();
        FilterArchitecture native = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? FilterArchitecture.Arm64 : FilterArchitecture.X64;
        architectures.Add(native);
        foreach (string name in names)
        {
            FilterArchitecture? architecture = name switch
            {
                "SCMP_ARCH_X86_64" => FilterArchitecture.X64,
                "SCMP_ARCH_X86" => FilterArchitecture.X86,
                "SCMP_ARCH_X32" => FilterArchitecture.X32,
                "SCMP_ARCH_AARCH64" => FilterArchitecture.Arm64,
                "SCMP_ARCH_ARM" => FilterArchitecture.Arm,
                _ when OtherArchitectures.Contains(name) => null,
                _ => throw new Failure($"string {name} is not a valid arch for seccomp", "config-linux.md, Seccomp, lists them, for example SCMP_ARCH_X86_64"),
            };
            if (architecture is { } known && !architectures.Contains(known))
            {
                architectures.Add(known);
            }
        }

        return architectures;
    }

    /// <summary>SECCOMP_RET_* of an action.</summary>
    internal static uint Action(string action, uint? errno) => action switch
    {
        "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" => KillThread,
        "SCMP_ACT_KILL_PROCESS" => 0x80000000,
        "SCMP_ACT_TRAP" => 0x00030000,
        "SCMP_ACT_ERRNO" => 0x00050000 | ((errno ?? 1) & 0xffff),
        "SCMP_ACT_TRACE" => 0x7ff00000 | ((errno ?? 1) & 0xffff),
        "SCMP_ACT_LOG" => 0x7ffc0000,
        "SCMP_ACT_ALLOW" => 0x7fff0000,
        "SCMP_ACT_NOTIFY" => 0x7fc00000,
        _ => throw new Failure($"seccomp: '{action}' isn't an action", "see seccomp_rule_add(3) for their names"),
    };

    internal static ulong Statement(ushort code, uint k) => code | ((ulong)k << 32);

    internal static ulong Jump(ushort code, uint k, byte whenTrue, byte whenFalse) => code | ((ulong)whenTrue << 16) | ((ulong)whenFalse << 24) | ((ulong)k << 32);

    private static byte[] ToBytes(List<ulong> code)
    {
        byte[] bytes = new byte[code.Count * 8];
        for (int i = 0; i < code.Count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * 8), code[i]);
        }

        return bytes;
    }
}
