using System.Text.RegularExpressions;

namespace Timur.SystemTests;

/// <summary>What a register or a place on the stack is known to hold.</summary>
internal enum Holds
{
    Context, SystemCall,
}

/// <summary>
/// Follows the pointer to libc's syscall(2) through a function: which registers and spilled locals hold it, or the context it is loaded from, before each
/// instruction, whichever way led there. What isn't understood holds nothing.
/// </summary>
internal sealed partial class PointerFlow
{
    private static readonly string[] Volatile = ["%rax", "%rcx", "%rdx", "%rsi", "%rdi", "%r8", "%r9", "%r10", "%r11"];

    private readonly IReadOnlyList<Instruction> _body;
    private readonly Func<ulong, bool> _isPointerVariable;
    private readonly Dictionary<ulong, int> _places;
    private readonly Dictionary<string, Holds>?[] _before;

    /// <param name="body">The function.</param>
    /// <param name="context">The register that holds the context at its start, if any.</param>
    /// <param name="isPointerVariable">Whether the variable at an address holds the pointer.</param>
    internal PointerFlow(IReadOnlyList<Instruction> body, string? context, Func<ulong, bool> isPointerVariable)
    {
        _body = body;
        _isPointerVariable = isPointerVariable;
        _places = body.Select((instruction, index) => (instruction.Address, index)).ToDictionary(pair => pair.Address, pair => pair.index);
        _before = new Dictionary<string, Holds>?[body.Count];
        Follow(context is null ? [] : new() { [context] = Holds.Context });
    }

    /// <summary>Whether the operand of an indirect call, <c>*%rbx</c> or <c>*-0x2(%rbx)</c>, is the pointer.</summary>
    internal bool CallsTheKernel(int instruction)
        => CalledRegister().Match(_body[instruction].Operands) is { Success: true } match && Knows(instruction, match.Groups[1].Value, Holds.SystemCall);

    internal bool Knows(int instruction, string place, Holds what)
        => _before[instruction] is not { } state || (state.TryGetValue(place, out Holds held) && held == what);

    private void Follow(Dictionary<string, Holds> start)
    {
        var work = new Stack<(int At, Dictionary<string, Holds> State)>([(0, start)]);
        while (work.TryPop(out (int At, Dictionary<string, Holds> State) step))
        {
            if (step.At >= _body.Count || !Narrow(step.At, step.State))
            {
                continue;
            }

            Instruction instruction = _body[step.At];
            Dictionary<string, Holds> after = After(instruction, _before[step.At]!);
            bool jumps = instruction.Operation.Split(' ')[^1].StartsWith('j');
            if (jumps && instruction.Reference is { } target && _places.TryGetValue(target, out int place))
            {
                work.Push((place, after));
            }

            if (instruction.Operation is not ("jmp" or "ret" or "int3" or "ud2"))
            {
                work.Push((step.At + 1, after));
            }
        }
    }

    /// <summary>Keeps what all ways agree on; whether anything changed.</summary>
    private bool Narrow(int at, Dictionary<string, Holds> state)
    {
        if (_before[at] is not { } known)
        {
            _before[at] = new(state);
            return true;
        }

        string[] gone = [.. known.Where(pair => !state.TryGetValue(pair.Key, out Holds held) || held != pair.Value).Select(pair => pair.Key)];
        foreach (string place in gone)
        {
            known.Remove(place);
        }

        return gone.Length > 0;
    }

    private Dictionary<string, Holds> After(Instruction instruction, Dictionary<string, Holds> before)
    {
        var after = new Dictionary<string, Holds>(before);
        string operation = instruction.Operation;
        if (operation.StartsWith("call", StringComparison.Ordinal) || operation.StartsWith("rep", StringComparison.Ordinal) || Accumulates().IsMatch(operation))
        {
            Forget(after, Volatile);
            return after;
        }

        if (operation is "cmp" or "test" or "push" or "ret" || operation.StartsWith("nop", StringComparison.Ordinal) || operation.StartsWith('j'))
        {
            return after;
        }

        string[] operands = Operands().Matches(instruction.Operands).Select(match => match.Value.Trim()).Where(text => text.Length > 0).ToArray();
        string target = operands.Length == 0 ? "" : Whole(operands[^1]);
        Holds? moved = operation == "mov" && operands.Length == 2 ? Loaded(instruction, Whole(operands[0]), before) : null;
        Forget(after, operation == "xchg" ? [.. operands.Select(Whole)] : [target]);
        if ((operation.StartsWith('v') || operation.EndsWith('s')) && target.Contains("(%rbp"))
        {
            Forget(after, [.. after.Keys.Where(place => place.Contains('('))]);
        }

        if (moved is { } what)
        {
            after[target] = what;
        }

        return after;
    }

    private Holds? Loaded(Instruction instruction, string source, Dictionary<string, Holds> before)
    {
        if (before.TryGetValue(source, out Holds same))
        {
            return same;
        }

        bool fromContext = Dereference().Match(source) is { Success: true } match && before.TryGetValue(match.Groups[1].Value, out Holds held) && held == Holds.Context;
        bool fromVariable = source.EndsWith("(%rip)", StringComparison.Ordinal) && instruction.Reference is { } address && _isPointerVariable(address);
        return fromContext || fromVariable ? Holds.SystemCall : null;
    }

    private static void Forget(Dictionary<string, Holds> state, params IEnumerable<string> places)
    {
        foreach (string place in places)
        {
            state.Remove(place);
        }
    }

    /// <summary>The 64-bit register that a name is part of; memory stays as it is written.</summary>
    private static string Whole(string operand)
    {
        if (!operand.StartsWith('%'))
        {
            return operand;
        }

        Match numbered = NumberedRegister().Match(operand);
        Match lettered = LetteredRegister().Match(operand);
        Match named = NamedRegister().Match(operand);
        return numbered.Success ? numbered.Groups[1].Value : lettered.Success ? $"%r{lettered.Groups[1].Value}x" : named.Success ? "%r" + named.Groups[1].Value : operand;
    }

    [GeneratedRegex(@"^\*(?:-0x2\()?(%r\w+)\)?$")]
    private static partial Regex CalledRegister();

    [GeneratedRegex(@"^\((%r\w+)\)$")]
    private static partial Regex Dereference();

    [GeneratedRegex(@"[^,()]*(?:\([^)]*\))?[^,()]*")]
    private static partial Regex Operands();

    [GeneratedRegex("^(?:mul|imul|div|idiv|cqto|cltq|cltd|cpuid|cmpxchg|xadd|cwtl)")]
    private static partial Regex Accumulates();

    [GeneratedRegex(@"^(%r\d+)[dwb]?$")]
    private static partial Regex NumberedRegister();

    [GeneratedRegex("^%[re]?([abcd])[xlh]$")]
    private static partial Regex LetteredRegister();

    [GeneratedRegex("^%[re]?(si|di|bp|sp)l?$")]
    private static partial Regex NamedRegister();
}
