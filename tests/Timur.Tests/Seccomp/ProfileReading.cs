using Timur.Oci;
using Timur.Runtime.Seccomp;

namespace Timur.Tests.Seccomp;

/// <summary>
/// What a profile says about one call, read rule by rule as runtimes do: the first rule whose comparisons hold, then the last one without
/// comparisons, then the default; ENOSYS for calls above all that the profile names, where the default is an errno.
/// </summary>
internal sealed class ProfileReading(LinuxSeccomp profile)
{
    internal const uint NoSuchCall = 0x00050026;
    private const uint KillThread = 0;

    private static readonly Dictionary<string, FilterArchitecture> ArchitectureNames = new()
    {
        ["SCMP_ARCH_X86_64"] = FilterArchitecture.X64, ["SCMP_ARCH_X86"] = FilterArchitecture.X86, ["SCMP_ARCH_X32"] = FilterArchitecture.X32,
        ["SCMP_ARCH_AARCH64"] = FilterArchitecture.Arm64, ["SCMP_ARCH_ARM"] = FilterArchitecture.Arm,
    };

    private readonly Dictionary<(FilterArchitecture, uint), List<SeccompRule>> _rules = profile.Syscalls
        .SelectMany(rule => rule.Names.Distinct().SelectMany(name => Enum.GetValues<FilterArchitecture>().Select(arch => (arch, Number: SyscallTable.Find(name, arch), rule))))
        .Where(entry => entry.Number >= 0)
        .GroupBy(entry => (entry.arch, (uint)entry.Number)).ToDictionary(group => group.Key, group => group.Select(entry => entry.rule).ToList());

    internal IEnumerable<FilterArchitecture> Architectures => profile.Architectures.Select(name => ArchitectureNames[name]);

    internal uint Highest(FilterArchitecture architecture) => _rules.Keys.Where(key => key.Item1 == architecture).Select(key => key.Item2).DefaultIfEmpty().Max();

    internal uint Decide(FilterArchitecture architecture, SystemCall call)
    {
        if (!Architectures.Contains(architecture))
        {
            return KillThread;
        }

        uint fallback = Value(profile.DefaultAction, profile.DefaultErrno);
        if (!_rules.TryGetValue((architecture, call.Number), out List<SeccompRule>? rules))
        {
            bool newer = call.Number > Highest(architecture) && _rules.Keys.Any(key => key.Item1 == architecture);
            return newer && profile.DefaultAction == "SCMP_ACT_ERRNO" ? NoSuchCall : fallback;
        }

        SeccompRule? rule = rules.Find(rule => rule.Arguments.Count > 0 && Matches(rule, call))
            ?? rules.FindLast(rule => rule.Arguments.Count == 0);
        return rule is null ? fallback : Value(rule.Action, rule.Errno);
    }

    /// <summary>Arguments around every boundary that the profile's comparisons for this call have.</summary>
    internal IEnumerable<ulong[]> Boundaries(FilterArchitecture architecture, uint number)
    {
        yield return new ulong[6];
        yield return [.. Enumerable.Repeat(ulong.MaxValue, 6)];
        if (!_rules.TryGetValue((architecture, number), out List<SeccompRule>? rules))
        {
            yield break;
        }

        SeccompArgument[] all = [.. rules.SelectMany(rule => rule.Arguments)];
        foreach (SeccompArgument argument in all)
        {
            foreach (ulong value in Around(argument).Distinct())
            {
                // The other arguments as their own comparisons want them, so that this one decides.
                ulong[] arguments = new ulong[6];
                foreach (SeccompArgument other in all)
                {
                    arguments[other.Index] = other.Operator == "SCMP_CMP_MASKED_EQ" ? other.ValueTwo : other.Value;
                }

                arguments[argument.Index] = value;
                yield return arguments;
            }
        }
    }

    private static IEnumerable<ulong> Around(SeccompArgument argument)
    {
        foreach (ulong value in (ulong[])[argument.Value, argument.ValueTwo, argument.Value & argument.ValueTwo, 0, uint.MaxValue])
        {
            ulong[] near = [value, value - 1, value + 1, value + (1UL << 32), value - (1UL << 32), value | (1UL << 63), value << 32, value >> 32, ~value];
            foreach (ulong one in near)
            {
                yield return one;
            }
        }

        for (int bit = 0; bit < 64; bit++)
        {
            yield return argument.ValueTwo ^ (1UL << bit);
        }
    }

    /// <summary>All comparisons hold; where two are of one argument, any (runc, libseccomp's seccomp_rule_add(3) for one comparison of an argument).</summary>
    private static bool Matches(SeccompRule rule, SystemCall call)
    {
        bool repeated = rule.Arguments.DistinctBy(argument => argument.Index).Count() < rule.Arguments.Count;
        return repeated ? rule.Arguments.Any(argument => Holds(argument, call.Arguments[argument.Index])) : rule.Arguments.All(argument => Holds(argument, call.Arguments[argument.Index]));
    }

    private static bool Holds(SeccompArgument argument, ulong value) => argument.Operator switch
    {
        "SCMP_CMP_EQ" => value == argument.Value,
        "SCMP_CMP_NE" => value != argument.Value,
        "SCMP_CMP_LT" => value < argument.Value,
        "SCMP_CMP_LE" => value <= argument.Value,
        "SCMP_CMP_GT" => value > argument.Value,
        "SCMP_CMP_GE" => value >= argument.Value,
        "SCMP_CMP_MASKED_EQ" => (value & argument.Value) == (argument.ValueTwo & argument.Value),
        _ => throw new ArgumentException(argument.Operator),
    };

    /// <summary>SECCOMP_RET_* of linux/seccomp.h.</summary>
    private static uint Value(string action, uint? errno) => action switch
    {
        "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" => 0,
        "SCMP_ACT_KILL_PROCESS" => 0x80000000,
        "SCMP_ACT_TRAP" => 0x30000,
        "SCMP_ACT_ERRNO" => 0x50000 + (errno ?? 1),
        "SCMP_ACT_TRACE" => 0x7ff00000 + (errno ?? 1),
        "SCMP_ACT_LOG" => 0x7ffc0000,
        "SCMP_ACT_ALLOW" => 0x7fff0000,
        "SCMP_ACT_NOTIFY" => 0x7fc00000,
        _ => throw new ArgumentException(action),
    };
}
