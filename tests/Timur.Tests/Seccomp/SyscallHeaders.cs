using System.Diagnostics;
using System.Text.RegularExpressions;
using Timur.Runtime.Seccomp;

namespace Timur.Tests.Seccomp;

/// <summary>System call numbers as the kernel's headers have them (linux-libc-dev), read through the C preprocessor.</summary>
internal static partial class SyscallHeaders
{
    /// <summary>What arm64's own asm/unistd.h defines before it includes asm-generic/unistd.h.</summary>
    private static readonly string[] Arm64Wants = ["RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "TIME32_SYSCALLS", "SYS_CLONE3", "MEMFD_SECRET"];

    internal static Dictionary<string, int> Read(FilterArchitecture architecture)
    {
        string text = architecture switch
        {
            FilterArchitecture.X64 => Preprocess("asm/unistd_64.h"),
            FilterArchitecture.X86 => Preprocess("asm/unistd_32.h"),
            FilterArchitecture.X32 => Preprocess("asm/unistd_x32.h", "-D__X32_SYSCALL_BIT=0x40000000"),
            FilterArchitecture.Arm64 => Preprocess("asm-generic/unistd.h", [.. Arm64Wants.Select(want => "-D__ARCH_WANT_" + want)]),
            _ => throw new ArgumentException($"no headers for {architecture}"),
        };
        Dictionary<string, string> macros = Definition().Matches(text).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.Trim());
        return macros.Where(pair => pair.Key.StartsWith("__NR_", StringComparison.Ordinal))
            .Select(pair => (Name: pair.Key["__NR_".Length..], Number: Resolve(macros, pair.Value))).Where(pair => pair.Number is not null && pair.Name is not ("syscalls" or "arch_specific_syscall"))
            .ToDictionary(pair => pair.Name, pair => pair.Number!.Value);
    }

    private static int? Resolve(Dictionary<string, string> macros, string value)
    {
        while (macros.TryGetValue(value, out string? next))
        {
            value = next;
        }

        Match sum = X32Sum().Match(value);
        return sum.Success ? SyscallTable.X32Bit + int.Parse(sum.Groups[1].Value) : int.TryParse(value, out int number) ? number : null;
    }

    private static string Preprocess(string header, params string[] options)
    {
        using Process gcc = Process.Start(new ProcessStartInfo("gcc", ["-E", "-dM", .. options, "-include", header, "-x", "c", "/dev/null"]) { RedirectStandardOutput = true })!;
        string text = gcc.StandardOutput.ReadToEnd();
        gcc.WaitForExit();
        return gcc.ExitCode == 0 ? text : throw new InvalidOperationException($"gcc couldn't read {header}: apt-get install gcc linux-libc-dev");
    }

    [GeneratedRegex(@"^#define (\w+) (.+)$", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(@"^\(__X32_SYSCALL_BIT \+ (\d+)\)$")]
    private static partial Regex X32Sum();
}
