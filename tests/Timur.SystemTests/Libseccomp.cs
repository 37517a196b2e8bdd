using System.Runtime.InteropServices;
using Timur.Oci;

namespace Timur.SystemTests;

/// <summary>libseccomp (seccomp_init(3) and others), as a second opinion on what a profile means.</summary>
internal static class Libseccomp
{
    private const string Library = "libseccomp.so.2";
    private const int Exists = -17;

    // SCMP_ARCH_* of seccomp.h are the AUDIT_ARCH values; x32 has one of its own.
    private const uint X64 = 0xC000003E;
    private const uint X32 = 0x4000003E;

    private static readonly Dictionary<string, uint> ArchitectureValues = new()
    {
        ["SCMP_ARCH_X86_64"] = X64, ["SCMP_ARCH_X86"] = 0x40000003, ["SCMP_ARCH_X32"] = X32, ["SCMP_ARCH_AARCH64"] = 0xC00000B7, ["SCMP_ARCH_ARM"] = 0x40000028,
    };

    private static readonly string[] Comparisons =
        ["", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"];

    [StructLayout(LayoutKind.Sequential)]
    private struct Comparison
    {
        internal uint Argument;
        internal int Operator;
        internal ulong A;
        internal ulong B;
    }

    /// <summary>The number of a call on an architecture by SCMP_ARCH name; negative when it has none there or the library is older than the call.</summary>
    internal static int Number(string name, string architecture) => seccomp_syscall_resolve_name_arch(ArchitectureValues[architecture], name);

    /// <summary>The profile as the library compiles it: an array of struct sock_filter. Names that it doesn't know are left out.</summary>
    internal static byte[] Compile(LinuxSeccomp profile)
    {
        nint context = seccomp_init(Action(profile.DefaultAction, profile.DefaultErrno));
        try
        {
            foreach (string architecture in profile.Architectures.Where(name => ArchitectureValues[name] != X64))
            {
                Check(seccomp_arch_add(context, ArchitectureValues[architecture]), "seccomp_arch_add");
            }

            foreach (SeccompRule rule in profile.Syscalls)
            {
                foreach (string name in rule.Names)
                {
                    Add(context, rule, name);
                }
            }

            return Export(context);
        }
        finally
        {
            seccomp_release(context);
        }
    }

    private static void Add(nint context, SeccompRule rule, string name)
    {
        const int unknown = -1;
        int number = seccomp_syscall_resolve_name(name);
        if (number == unknown)
        {
            return;
        }

        Comparison[] comparisons = [.. rule.Arguments.Select(argument => new Comparison
        {
            Argument = (uint)argument.Index, Operator = Array.IndexOf(Comparisons, argument.Operator), A = argument.Value, B = argument.ValueTwo,
        })];
        // The library takes an argument once in a rule; runtimes make a rule of each comparison then.
        bool repeated = comparisons.DistinctBy(comparison => comparison.Argument).Count() < comparisons.Length;
        foreach (Comparison[] part in repeated ? comparisons.Select(comparison => new[] { comparison }) : [comparisons])
        {
            int result = seccomp_rule_add_array(context, Action(rule.Action, rule.Errno), number, (uint)part.Length, part);
            if (result != Exists)
            {
                Check(result, $"seccomp_rule_add({name})");
            }
        }
    }

    private static byte[] Export(nint context)
    {
        string path = Path.GetTempFileName();
        try
        {
            using (FileStream file = File.OpenWrite(path))
            {
                Check(seccomp_export_bpf(context, (int)file.SafeFileHandle.DangerousGetHandle()), "seccomp_export_bpf");
            }

            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static uint Action(string action, uint? errno) => action switch
    {
        "SCMP_ACT_ERRNO" => 0x50000 | (errno ?? 1),
        "SCMP_ACT_ALLOW" => 0x7fff0000,
        "SCMP_ACT_LOG" => 0x7ffc0000,
        "SCMP_ACT_KILL_PROCESS" => 0x80000000,
        _ => throw new ArgumentException(action),
    };

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw new InvalidOperationException($"{what}: {result}");
        }
    }

    [DllImport(Library)]
    private static extern nint seccomp_init(uint action);

    [DllImport(Library)]
    private static extern void seccomp_release(nint context);

    [DllImport(Library)]
    private static extern int seccomp_arch_add(nint context, uint architecture);

    [DllImport(Library)]
    private static extern int seccomp_rule_add_array(nint context, uint action, int number, uint count, [In] Comparison[] comparisons);

    [DllImport(Library)]
    private static extern int seccomp_syscall_resolve_name(string name);

    [DllImport(Library)]
    private static extern int seccomp_syscall_resolve_name_arch(uint architecture, string name);

    [DllImport(Library)]
    private static extern int seccomp_export_bpf(nint context, int fd);
}
