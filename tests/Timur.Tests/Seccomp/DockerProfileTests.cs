using System.Text;
using Timur.Runtime;
using Timur.Runtime.Seccomp;
using Xunit;

namespace Timur.Tests.Seccomp;

/// <summary>The default profile lets through what Docker's does, call by call and capability by capability, as the compiled filter decides.</summary>
public class DockerProfileTests
{
    private const uint Allowed = 0x7fff0000;
    private const uint Refused = 0x50001;
    private const uint NoSuchCall = 0x50026;
    private static readonly FilterArchitecture[] Machine = [FilterArchitecture.X64, FilterArchitecture.X86, FilterArchitecture.X32];

    private static string[] Split(string names) => names.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

    private static ulong Bit(string capability) => Capabilities.TryNumber(capability, out int number) ? 1UL << number : throw new ArgumentException(capability);

    private static FilterProgram Filter(ulong capabilities) => new(FilterCompiler.Compile(DefaultProfile.For(capabilities)));

    private static SystemCall Call(FilterArchitecture architecture, string name, params ulong[] arguments)
        => new(SyscallTable.AuditValue(architecture), (uint)SyscallTable.Find(name, architecture), [.. arguments, .. new ulong[6 - arguments.Length]]);

    public static TheoryData<string> Capability { get; } = ["", .. DockerFacts.ByCapability.Keys];

    [Theory]
    [MemberData(nameof(Capability))]
    public void Every_call_is_open_or_closed_as_in_docker(string capability)
    {
        ulong capabilities = capability.Length == 0 ? 0 : Bit(capability);
        FilterProgram filter = Filter(capabilities);
        var open = new HashSet<string>(Split(DockerFacts.Always).Concat(Split(DockerFacts.ByProcessor)));
        open.UnionWith(capability.Length == 0 ? [] : Split(DockerFacts.ByCapability[capability]));
        var judged = new HashSet<string> { "personality", "socket", "clone", "clone3" };
        if (capability == "SYS_ADMIN")
        {
            judged.ExceptWith(["clone", "clone3"]);
        }

        foreach (string name in Split(Encoding.UTF8.GetString(SyscallTable.Names)).Where(name => !judged.Contains(name)))
        {
            foreach (FilterArchitecture architecture in Machine.Where(architecture => SyscallTable.Find(name, architecture) >= 0))
            {
                uint verdict = filter.Run(Call(architecture, name));
                Assert.True(open.Contains(name) ? verdict == Allowed : verdict is Refused or NoSuchCall, $"{name} on {architecture} with {capability}: {verdict:x}");
            }
        }
    }

    [Fact]
    public void Every_name_of_the_facts_and_of_the_profile_has_a_number()
    {
        IEnumerable<string> facts = Split(DockerFacts.Always).Concat(Split(DockerFacts.ByProcessor)).Concat(DockerFacts.ByCapability.Values.SelectMany(Split));
        IEnumerable<string> named = DefaultProfile.For(ulong.MaxValue).Syscalls.SelectMany(rule => rule.Names);
        Assert.All(facts.Concat(named), name => Assert.Contains(Enum.GetValues<FilterArchitecture>(), architecture => SyscallTable.Find(name, architecture) >= 0));
    }

    [Fact]
    public void Sockets_have_dockers_families_and_no_upper_half_gets_by()
    {
        FilterProgram filter = Filter(0);
        foreach (FilterArchitecture architecture in Machine)
        {
            for (ulong family = 0; family < 300; family++)
            {
                bool open = family < DockerFacts.FirstUnknownFamily && !DockerFacts.ClosedFamilies.Contains(family);
                Assert.True(filter.Run(Call(architecture, "socket", family, 1)) == (open ? Allowed : Refused), $"family {family} on {architecture}");
            }
        }

        // The kernel looks at 32 bits of the family.
        foreach (ulong family in DockerFacts.ClosedFamilies)
        {
            Assert.Equal(Refused, filter.Run(Call(FilterArchitecture.X64, "socket", family | (1UL << 32), 1)));
            Assert.Equal(Refused, filter.Run(Call(FilterArchitecture.X64, "socket", family | (1UL << 63), 1)));
        }
    }

    [Fact]
    public void Personality_and_clone_are_judged_by_dockers_values()
    {
        FilterProgram filter = Filter(0);
        foreach (ulong value in DockerFacts.Personalities)
        {
            Assert.Equal(Allowed, filter.Run(Call(FilterArchitecture.X64, "personality", value)));
            Assert.Equal(Refused, filter.Run(Call(FilterArchitecture.X64, "personality", value ^ 0x40000)));
        }

        for (int bit = 0; bit < 64; bit++)
        {
            bool isNamespace = (DockerFacts.NamespaceFlags & (1UL << bit)) != 0;
            Assert.Equal(isNamespace ? Refused : Allowed, filter.Run(Call(FilterArchitecture.X64, "clone", 1UL << bit)));
        }

        Assert.Equal(NoSuchCall, filter.Run(Call(FilterArchitecture.X64, "clone3")));
    }
}
