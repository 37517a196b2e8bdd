namespace Timur.Oci;

/// <summary>config-linux.md, linux.seccomp; names as the specification spells them (<c>SCMP_ACT_ERRNO</c>, <c>SCMP_CMP_EQ</c>, ...).</summary>
public sealed record LinuxSeccomp
{
    /// <summary>Names a built-in profile by everything that its content depends on; null for any other. Not part of the specification.</summary>
    public string? Origin { get; init; }

    public required string DefaultAction { get; init; }

    public uint? DefaultErrno { get; init; }

    public IReadOnlyList<string> Architectures { get; init; } = [];

    public IReadOnlyList<string> Flags { get; init; } = [];

    /// <summary>Those of a profile that says nothing of flags, as in runc and crun: the filter brings no protection from speculation that slows everything (seccomp(2)).</summary>
    public static IReadOnlyList<string> UsualFlags { get; } = ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];

    public string? ListenerPath { get; init; }

    public string? ListenerMetadata { get; init; }

    public IReadOnlyList<SeccompRule> Syscalls { get; init; } = [];
}

/// <summary>An action for some system calls; with arguments, only when all of them match, or any where one is compared more than once.</summary>
public sealed record SeccompRule(IReadOnlyList<string> Names, string Action, uint? Errno = null)
{
    public IReadOnlyList<SeccompArgument> Arguments { get; init; } = [];
}

/// <summary>A comparison of argument <paramref name="Index"/>; for SCMP_CMP_MASKED_EQ the mask is <paramref name="Value"/>, the expected value <paramref name="ValueTwo"/>.</summary>
public sealed record SeccompArgument(int Index, ulong Value, string Operator, ulong ValueTwo = 0);
