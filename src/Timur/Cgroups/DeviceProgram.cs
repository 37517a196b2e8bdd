using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>
/// Compiles device rules to the eBPF program that v2 asks at each access (linux/bpf.h, struct bpf_cgroup_dev_ctx): the last matching rule decides.
/// </summary>
public static class DeviceProgram
{
    private const int Mknod = 1;
    private const int Read = 2;
    private const int Write = 4;

    /// <summary>Loads and attaches; a program that is there is replaced.</summary>
    public static void Attach(Fd cgroup, IReadOnlyList<DeviceRule> rules, string target) => DeviceFilter.Attach(cgroup, Compile(rules), target);

    /// <summary>
    /// Instructions of eight bytes. r2 is the type, r3 the access, r4 and r5 the numbers. The rules are tested from the last to the first, and none after
    /// one that matches everything: the verifier refuses a program with instructions that are never reached (kernel/bpf/verifier.c, check_cfg).
    /// </summary>
    public static ulong[] Compile(IReadOnlyList<DeviceRule> rules)
    {
        var code = new List<ulong>
        {
            Instruction(0x61, 2, 1, 0, 0), // r2 = access_type
            Instruction(0xbf, 3, 2, 0, 0), // r3 = r2
            Instruction(0x57, 2, 0, 0, 0xFFFF), // r2 &= 0xffff: the type
            Instruction(0x77, 3, 0, 0, 16), // r3 >>= 16: the access
            Instruction(0x61, 4, 1, 4, 0), // r4 = major
            Instruction(0x61, 5, 1, 8, 0), // r5 = minor
        };
        for (int i = rules.Count - 1; i >= 0; i--)
        {
            AddRule(code, rules[i]);
            if (MatchesEverything(rules[i]))
            {
                return [.. code];
            }
        }

        // No rule matched: what was not allowed is denied.
        AddExit(code, allow: false);
        return [.. code];
    }

    private static bool MatchesEverything(DeviceRule rule) => rule is { Type: "a", Major: null, Minor: null };

    private static void AddRule(List<ulong> code, DeviceRule rule)
    {
        var tests = new List<ulong>();
        int access = (rule.Access.Contains('m') ? Mknod : 0) | (rule.Access.Contains('r') ? Read : 0) | (rule.Access.Contains('w') ? Write : 0);
        bool everything = rule.Type == "a";
        if (!everything)
        {
            tests.Add(Instruction(0x55, 2, 0, 0, rule.Type == "b" ? 1 : 2));
        }

        if (!everything && access != (Mknod | Read | Write))
        {
            // An allowing rule has to cover the whole access; a denying one applies when it covers any part.
            tests.Add(Instruction(0xbf, 6, 3, 0, 0));
            tests.Add(Instruction(0x57, 6, 0, 0, rule.Allow ? ~access & 7 : access));
            tests.Add(Instruction((byte)(rule.Allow ? 0x55 : 0x15), 6, 0, 0, 0));
        }

        if (rule.Major is { } major)
        {
            tests.Add(Instruction(0x55, 4, 0, 0, (int)major));
        }

        if (rule.Minor is { } minor)
        {
            tests.Add(Instruction(0x55, 5, 0, 0, (int)minor));
        }

        // Every jump leaves the rule: past its other tests and the two instructions of its verdict.
        for (int i = 0; i < tests.Count; i++)
        {
            bool isJump = (tests[i] & 0x07) == 0x05;
            code.Add(isJump ? tests[i] | ((ulong)(ushort)(tests.Count - i - 1 + 2) << 16) : tests[i]);
        }

        AddExit(code, rule.Allow);
    }

    private static void AddExit(List<ulong> code, bool allow)
    {
        code.Add(Instruction(0xb7, 0, 0, 0, allow ? 1 : 0));
        code.Add(Instruction(0x95, 0, 0, 0, 0));
    }

    private static ulong Instruction(byte opcode, int destination, int source, short offset, int immediate)
        => opcode | ((ulong)(byte)(destination | (source << 4)) << 8) | ((ulong)(ushort)offset << 16) | ((ulong)(uint)immediate << 32);
}
