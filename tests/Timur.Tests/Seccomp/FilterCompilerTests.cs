using Timur.Oci;
using Timur.Runtime.Seccomp;
using Xunit;

namespace Timur.Tests.Seccomp;

/// <summary>The compiler against a plain reading of the profile, for every number of every architecture and at every boundary.</summary>
public class FilterCompilerTests
{
    private const uint NumbersOfAnArchitecture = 600;
    private static readonly string[] Actions =
        ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_LOG", "SCMP_ACT_ALLOW", "SCMP_ACT_NOTIFY"];
    private static readonly string[] Comparisons =
        ["SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_MASKED_EQ"];

    [Theory]
    [InlineData(0UL)]
    [InlineData(0xA80425FBUL)]
    [InlineData(1UL << 21)]
    [InlineData(ulong.MaxValue)]
    public void The_default_profile_decides_as_it_reads(ulong capabilities)
    {
        LinuxSeccomp profile = DefaultProfile.For(capabilities);
        int decisions = Compare(profile);
        Assert.True(decisions > 4000, $"{decisions} decisions");
    }

    [Fact]
    public void The_default_profile_for_arm_decides_as_it_reads()
        => Compare(DefaultProfile.For(0) with { Architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"] });

    /// <summary>Few names and small numbers, so that rules meet on the same call and comparisons on the same boundary.</summary>
    [Fact]
    public void Profiles_made_at_random_decide_as_they_read()
    {
        var random = new Random(20250);
        for (int round = 0; round < 400; round++)
        {
            Compare(RandomProfile(random));
        }
    }

    [Fact]
    public void An_architecture_that_the_profile_does_not_name_is_killed()
    {
        var filter = new FilterProgram(FilterCompiler.Compile(DefaultProfile.For(0) with { Architectures = ["SCMP_ARCH_X86_64"] }));
        Assert.Equal(0u, filter.Run(new SystemCall(SyscallTable.AuditValue(FilterArchitecture.X86), 3, new ulong[6])));
        Assert.Equal(0u, filter.Run(new SystemCall(0x80000016, 3, new ulong[6])));
        Assert.Equal(0u, filter.Run(new SystemCall(SyscallTable.AuditValue(FilterArchitecture.X64), SyscallTable.X32Bit | 3, new ulong[6])));
        Assert.Equal(0x7fff0000u, filter.Run(new SystemCall(SyscallTable.AuditValue(FilterArchitecture.X64), 3, new ulong[6])));
    }

    [Fact]
    public void The_filter_stays_small() => Assert.InRange(FilterCompiler.Compile(DefaultProfile.For(0xA80425FB)).Length / 8, 100, 750);

    [Theory]
    [InlineData("SCMP_ACT_FORGIVE", "SCMP_CMP_EQ", "SCMP_ACT_FORGIVE")]
    [InlineData("SCMP_ACT_ALLOW", "SCMP_CMP_ALMOST", "SCMP_CMP_ALMOST")]
    public void A_word_that_is_no_action_and_no_comparison_is_refused_by_name(string action, string comparison, string named)
    {
        var profile = new LinuxSeccomp
        {
            DefaultAction = "SCMP_ACT_ERRNO", Architectures = ["SCMP_ARCH_X86_64"],
            Syscalls = [new SeccompRule(["read"], action) { Arguments = [new SeccompArgument(0, 1, comparison)] }],
        };
        Assert.Contains(named, Assert.Throws<Failure>(() => FilterCompiler.Compile(profile)).Message);
    }

    private static int Compare(LinuxSeccomp profile)
    {
        var filter = new FilterProgram(FilterCompiler.Compile(profile));
        var reading = new ProfileReading(profile);
        int decisions = 0;
        foreach (FilterArchitecture architecture in Enum.GetValues<FilterArchitecture>())
        {
            foreach (uint number in Numbers(architecture))
            {
                foreach (ulong[] arguments in reading.Boundaries(architecture, number))
                {
                    var call = new SystemCall(SyscallTable.AuditValue(architecture), number, arguments);
                    (uint expected, uint actual) = (reading.Decide(architecture, call), filter.Run(call));
                    Assert.True(expected == actual, $"{architecture}: {call}: {expected:x} by the profile, {actual:x} by the filter");
                    decisions++;
                }
            }
        }

        return decisions;
    }

    private static IEnumerable<uint> Numbers(FilterArchitecture architecture)
    {
        uint first = architecture == FilterArchitecture.X32 ? SyscallTable.X32Bit : 0u;
        IEnumerable<uint> numbers = Enumerable.Range(0, (int)NumbersOfAnArchitecture).Select(number => first + (uint)number);
        return architecture switch
        {
            FilterArchitecture.Arm => numbers.Concat(Enumerable.Range(0xF0000, 16).Select(number => (uint)number)).Append(uint.MaxValue),
            FilterArchitecture.X64 => numbers.Append((uint)SyscallTable.X32Bit - 1),
            _ => numbers.Append(uint.MaxValue),
        };
    }

    private static LinuxSeccomp RandomProfile(Random random)
    {
        string[] names = ["read", "socket", "clone", "personality", "chown32", "futex_wait", "arch_prctl", "close", "exit", "no_such_call"];
        var rules = new List<SeccompRule>();
        for (int i = random.Next(12); i >= 0; i--)
        {
            var arguments = Enumerable.Range(0, random.Next(4)).Select(_ => new SeccompArgument(random.Next(6), Number(random), random.GetItems(Comparisons, 1)[0], Number(random)));
            rules.Add(new SeccompRule(random.GetItems(names, 2), random.GetItems(Actions, 1)[0], (uint)random.Next(4000)) { Arguments = [.. arguments] });
        }

        string[] architectures = ["SCMP_ARCH_X86_64", .. random.GetItems(["SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"], random.Next(5))];
        return new LinuxSeccomp { DefaultAction = random.GetItems(Actions, 1)[0], DefaultErrno = (uint)random.Next(1, 99), Architectures = architectures, Syscalls = rules };
    }

    private static ulong Number(Random random)
        => random.Next(4) switch { 0 => (ulong)random.Next(4), 1 => (ulong)random.Next(4) << 32, 2 => uint.MaxValue, _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue) };
}
