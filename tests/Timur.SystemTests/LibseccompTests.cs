using System.Text;
using Timur.Oci;
using Timur.Runtime.Seccomp;
using Timur.Tests.Seccomp;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Our filters and number tables next to libseccomp's.</summary>
public class LibseccompTests
{
    private static readonly (string Name, FilterArchitecture Architecture)[] All =
    [
        ("SCMP_ARCH_X86_64", FilterArchitecture.X64), ("SCMP_ARCH_X86", FilterArchitecture.X86), ("SCMP_ARCH_X32", FilterArchitecture.X32),
        ("SCMP_ARCH_AARCH64", FilterArchitecture.Arm64), ("SCMP_ARCH_ARM", FilterArchitecture.Arm),
    ];

    [Fact]
    public void Every_number_of_the_table_is_libseccomps()
    {
        string[] names = Encoding.UTF8.GetString(SyscallTable.Names).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        int same = 0;
        foreach ((string architectureName, FilterArchitecture architecture) in All)
        {
            foreach (string name in names)
            {
                int theirs = Libseccomp.Number(name, architectureName);
                int ours = SyscallTable.Find(name, architecture);
                if (theirs >= 0)
                {
                    Assert.True(theirs == ours, $"{name} on {architecture}: {theirs} by libseccomp, {ours} here");
                    same++;
                }
            }
        }

        Assert.True(same > 1700, $"{same} numbers compared");
    }

    [MachineCodeTheory]
    [InlineData(0UL)]
    [InlineData(0xA80425FBUL)]
    [InlineData(1UL << 21)]
    [InlineData(ulong.MaxValue)]
    public void The_default_profile_decides_as_libseccomps_filter_does(ulong capabilities)
    {
        int decisions = Compare(DefaultProfile.For(capabilities));
        Assert.True(decisions > 3000, $"{decisions} decisions");
    }

    [MachineCodeFact]
    public void Every_comparison_decides_as_libseccomps_filter_does()
    {
        string[] operators = ["SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_MASKED_EQ"];
        ulong[] values = [0, 1, 0xffffffff, 0x100000000, 0x100000001, 0x7fffffffffffffff, 0xffffffffffffffff];
        foreach (string first in operators)
        {
            foreach (ulong value in values)
            {
                SeccompArgument[] arguments = [new SeccompArgument(0, value, first, value & 0x10000ffff), new SeccompArgument(3, value ^ 5, "SCMP_CMP_GE")];
                Compare(new LinuxSeccomp
                {
                    DefaultAction = "SCMP_ACT_ERRNO", DefaultErrno = 1, Architectures = ["SCMP_ARCH_X86_64"],
                    Syscalls = [new SeccompRule(["read"], "SCMP_ACT_ALLOW") { Arguments = arguments }, new SeccompRule(["close"], "SCMP_ACT_LOG") { Arguments = [arguments[0]] }],
                });
            }
        }
    }

    [MachineCodeFact]
    public void An_argument_that_is_compared_twice_may_be_either()
    {
        SeccompArgument[][] pairs =
        [
            [new(0, 2, "SCMP_CMP_EQ"), new(0, 7, "SCMP_CMP_EQ")],
            [new(0, 2, "SCMP_CMP_LT"), new(0, 7, "SCMP_CMP_GT")],
            [new(0, 2, "SCMP_CMP_EQ"), new(1, 9, "SCMP_CMP_EQ"), new(0, 1UL << 32, "SCMP_CMP_EQ")],
        ];
        foreach (SeccompArgument[] arguments in pairs)
        {
            Compare(new LinuxSeccomp
            {
                DefaultAction = "SCMP_ACT_ERRNO", DefaultErrno = 1, Architectures = ["SCMP_ARCH_X86_64"],
                Syscalls = [new SeccompRule(["read"], "SCMP_ACT_ALLOW") { Arguments = arguments }, new SeccompRule(["close"], "SCMP_ACT_ALLOW")],
            });
        }
    }

    /// <summary>
    /// Left out: numbers above all that the profile names (runtimes answer "no such call" there, the library alone does not) and calls newer than the library.
    /// </summary>
    private static int Compare(LinuxSeccomp profile)
    {
        var ours = new FilterProgram(FilterCompiler.Compile(profile));
        var theirs = new FilterProgram(Libseccomp.Compile(profile));
        var reading = new ProfileReading(profile);
        HashSet<string> names = [.. profile.Syscalls.SelectMany(rule => rule.Names)];
        int decisions = 0;
        foreach ((string architectureName, FilterArchitecture architecture) in All)
        {
            uint first = architecture == FilterArchitecture.X32 ? SyscallTable.X32Bit : 0u;
            HashSet<uint> newer = [.. names.Where(name => Libseccomp.Number(name, architectureName) < 0).Select(name => (uint)SyscallTable.Find(name, architecture))];
            uint last = reading.Architectures.Contains(architecture) ? Math.Min(reading.Highest(architecture), first + 600) : first + 10;
            for (uint number = first; number <= last; number++)
            {
                if (newer.Contains(number))
                {
                    continue;
                }

                foreach (ulong[] arguments in reading.Boundaries(architecture, number))
                {
                    // A 32-bit process has no upper halves, and libseccomp doesn't look at them. Nor does it for x32, whose registers are wide: there
                    // all 64 bits count here, as they do for x86-64.
                    ulong width = architecture is FilterArchitecture.X86 or FilterArchitecture.Arm or FilterArchitecture.X32 ? uint.MaxValue : ulong.MaxValue;
                    var call = new SystemCall(SyscallTable.AuditValue(architecture), number, [.. arguments.Select(value => value & width)]);
                    (uint expected, uint actual) = (theirs.Run(call), ours.Run(call));
                    Assert.True(expected == actual, $"{architecture}: {call}: {expected:x} by libseccomp, {actual:x} here");
                    decisions++;
                }
            }
        }

        return decisions;
    }
}
