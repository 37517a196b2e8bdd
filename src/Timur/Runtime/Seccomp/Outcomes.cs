using Timur.Oci;

namespace Timur.Runtime.Seccomp;

/// <summary>Numbers from <see cref="First"/> up to the next range's, and the code that judges them.</summary>
internal readonly record struct OutcomeRange(uint First, List<ulong> Code);

/// <summary>What a profile says about each system call of one architecture, merged into ranges.</summary>
internal static class Outcomes
{
    private const ushort LoadWord = 0x20;
    private const ushort Return = 0x06;
    private const ushort And = 0x54;
    private const ushort JumpEqual = 0x15;
    private const ushort JumpGreater = 0x25;
    private const ushort JumpGreaterOrEqual = 0x35;
    private const uint ErrnoNoSuchCall = 0x00050000 | 38;
    private const uint ErrnoAny = 0x00050000;

    /// <summary>At least one range; the first starts at 0 (with x32's bit for x32).</summary>
    internal static List<OutcomeRange> Collect(LinuxSeccomp profile, FilterArchitecture architecture, uint fallback)
    {
        var rules = new SortedList<int, List<SeccompRule>>();
        foreach (SeccompRule rule in profile.Syscalls)
        {
            foreach (string name in rule.Names)
            {
                int number = SyscallTable.Find(name, architecture);
                if (number < 0)
                {
                    continue;
                }

                if (!rules.TryGetValue(number, out List<SeccompRule>? list))
                {
                    rules.Add(number, list = []);
                }

                list.Add(rule);
            }
        }

        return Merge(rules, fallback);
    }

    /// <summary>
    /// Calls newer than any the profile names answer "no such call", so that libraries fall back to what the profile knows, where the default is an errno.
    /// </summary>
    private static List<OutcomeRange> Merge(SortedList<int, List<SeccompRule>> rules, uint fallback)
    {
        var ranges = new List<OutcomeRange>();
        uint next = 0;
        foreach ((int number, List<SeccompRule> list) in rules)
        {
            if (number > next)
            {
                Append(ranges, next, [FilterCompiler.Statement(Return, fallback)]);
            }

            Append(ranges, (uint)number, Judge(list, fallback));
            next = (uint)number + 1;
        }

        uint newer = (fallback & 0xffff0000) == ErrnoAny && rules.Count > 0 ? ErrnoNoSuchCall : fallback;
        Append(ranges, next, [FilterCompiler.Statement(Return, newer)]);
        return ranges;
    }

    private static void Append(List<OutcomeRange> ranges, uint first, List<ulong> code)
    {
        bool same = ranges.Count > 0 && ranges[^1].Code.Count == 1 && code.Count == 1 && ranges[^1].Code[0] == code[0];
        if (!same)
        {
            ranges.Add(new OutcomeRange(first, code));
        }
    }

    /// <summary>Rules with arguments in order, then the one without, then the profile's default.</summary>
    private static List<ulong> Judge(List<SeccompRule> rules, uint fallback)
    {
        var code = new List<ulong>();
        uint last = fallback;
        List<Condition> conditions = [];
        foreach (SeccompRule rule in rules)
        {
            uint action = FilterCompiler.Action(rule.Action, rule.Errno);
            if (rule.Arguments.Count == 0)
            {
                last = action;
            }
            else if (action != fallback || rules.Count > 1)
            {
                AddConditions(conditions, rule.Arguments, action);
            }
        }

        for (int i = 0; i < conditions.Count;)
        {
            int alike = Alike(conditions, i);
            if (alike > 1)
            {
                AddMembership(code, conditions.GetRange(i, alike));
            }
            else
            {
                AddConditional(code, conditions[i].Arguments, conditions[i].Action);
            }

            i += alike;
        }

        code.Add(FilterCompiler.Statement(Return, last));
        return code;
    }

    /// <summary>Comparisons that all have to hold, and what follows from it.</summary>
    private readonly record struct Condition(IReadOnlyList<SeccompArgument> Arguments, uint Action);

    /// <summary>
    /// A rule that compares an argument twice means either, and then every comparison stands for itself: so runc and crun read it, as libseccomp takes an
    /// argument once in a rule.
    /// </summary>
    private static void AddConditions(List<Condition> conditions, IReadOnlyList<SeccompArgument> arguments, uint action)
    {
        int seen = 0;
        bool repeated = false;
        foreach (SeccompArgument argument in arguments)
        {
            repeated |= (seen & (1 << argument.Index)) != 0;
            seen |= 1 << argument.Index;
        }

        if (!repeated)
        {
            conditions.Add(new Condition(arguments, action));
            return;
        }

        foreach (SeccompArgument argument in arguments)
        {
            conditions.Add(new Condition([argument], action));
        }
    }

    /// <summary>How many conditions from one on ask whether the same argument equals something, with the same upper half and the same action.</summary>
    private static int Alike(List<Condition> conditions, int first)
    {
        const int most = 200;
        if (conditions[first].Arguments is not [{ Operator: "SCMP_CMP_EQ" } model])
        {
            return 1;
        }

        int count = 1;
        while (count < most && first + count < conditions.Count && conditions[first + count] is { Arguments: [{ Operator: "SCMP_CMP_EQ" } next] } condition
            && condition.Action == conditions[first].Action && next.Index == model.Index && next.Value >> 32 == model.Value >> 32)
        {
            count++;
        }

        return count;
    }

    /// <summary>One of several values: the argument is loaded once.</summary>
    private static void AddMembership(List<ulong> code, List<Condition> conditions)
    {
        SeccompArgument model = conditions[0].Arguments[0];
        uint low = 16 + ((uint)model.Index * 8);
        code.Add(FilterCompiler.Statement(LoadWord, low + 4));
        code.Add(FilterCompiler.Jump(JumpEqual, (uint)(model.Value >> 32), 0, (byte)(conditions.Count + 2)));
        code.Add(FilterCompiler.Statement(LoadWord, low));
        for (int i = 0; i < conditions.Count; i++)
        {
            // The last one that differs jumps behind the verdict, the others on to the next.
            byte whenFalse = (byte)(i == conditions.Count - 1 ? 1 : 0);
            code.Add(FilterCompiler.Jump(JumpEqual, (uint)conditions[i].Arguments[0].Value, (byte)(conditions.Count - 1 - i), whenFalse));
        }

        code.Add(FilterCompiler.Statement(Return, conditions[0].Action));
    }

    /// <summary>Each comparison jumps behind the rule's verdict when it fails.</summary>
    private static void AddConditional(List<ulong> code, IReadOnlyList<SeccompArgument> arguments, uint action)
    {
        var tests = new List<Test>();
        foreach (SeccompArgument argument in arguments)
        {
            AddTests(tests, argument);
        }

        for (int i = 0; i < tests.Count; i++)
        {
            Test test = tests[i];
            byte toFail = (byte)(tests.Count - i);
            code.Add(test.IsJump ? FilterCompiler.Jump(test.Code, test.K, Resolve(test.WhenTrue, toFail), Resolve(test.WhenFalse, toFail)) : FilterCompiler.Statement(test.Code, test.K));
        }

        code.Add(FilterCompiler.Statement(Return, action));
    }

    private const int Fail = -1;

    private static byte Resolve(int target, byte toFail) => target == Fail ? toFail : (byte)target;

    private readonly record struct Test(ushort Code, uint K, bool IsJump, int WhenTrue, int WhenFalse);

    /// <summary>64-bit comparisons in two halves. Arguments stand at offset 16 of struct seccomp_data, low word first.</summary>
    private static void AddTests(List<Test> tests, SeccompArgument argument)
    {
        uint low = 16 + ((uint)argument.Index * 8);
        uint high = low + 4;
        (uint valueHigh, uint valueLow) = ((uint)(argument.Value >> 32), (uint)argument.Value);
        switch (argument.Operator)
        {
            case "SCMP_CMP_EQ":
                tests.AddRange([Load(high), Jump(JumpEqual, valueHigh, 0, Fail), Load(low), Jump(JumpEqual, valueLow, 0, Fail)]);
                break;
            case "SCMP_CMP_NE":
                // A different high half is enough: past the other two.
                tests.AddRange([Load(high), Jump(JumpEqual, valueHigh, 0, 2), Load(low), Jump(JumpEqual, valueLow, Fail, 0)]);
                break;
            case "SCMP_CMP_GE":
                tests.AddRange([Load(high), Jump(JumpGreater, valueHigh, 3, 0), Jump(JumpEqual, valueHigh, 0, Fail), Load(low), Jump(JumpGreaterOrEqual, valueLow, 0, Fail)]);
                break;
            case "SCMP_CMP_GT":
                tests.AddRange([Load(high), Jump(JumpGreater, valueHigh, 3, 0), Jump(JumpEqual, valueHigh, 0, Fail), Load(low), Jump(JumpGreater, valueLow, 0, Fail)]);
                break;
            case "SCMP_CMP_LT":
                tests.AddRange([Load(high), Jump(JumpGreater, valueHigh, Fail, 0), Jump(JumpEqual, valueHigh, 0, 2), Load(low), Jump(JumpGreaterOrEqual, valueLow, Fail, 0)]);
                break;
            case "SCMP_CMP_LE":
                tests.AddRange([Load(high), Jump(JumpGreater, valueHigh, Fail, 0), Jump(JumpEqual, valueHigh, 0, 2), Load(low), Jump(JumpGreater, valueLow, Fail, 0)]);
                break;
            case "SCMP_CMP_MASKED_EQ":
                (uint wantedHigh, uint wantedLow) = ((uint)(argument.ValueTwo >> 32), (uint)argument.ValueTwo);
                tests.AddRange([Load(high), new Test(And, valueHigh, false, 0, 0), Jump(JumpEqual, wantedHigh & valueHigh, 0, Fail)]);
                tests.AddRange([Load(low), new Test(And, valueLow, false, 0, 0), Jump(JumpEqual, wantedLow & valueLow, 0, Fail)]);
                break;
            default:
                throw new Failure($"seccomp: '{argument.Operator}' isn't a comparison", "see seccomp_rule_add(3) for their names");
        }
    }

    private static Test Load(uint offset) => new(LoadWord, offset, false, 0, 0);

    private static Test Jump(ushort code, uint k, int whenTrue, int whenFalse) => new(code, k, true, whenTrue, whenFalse);
}
