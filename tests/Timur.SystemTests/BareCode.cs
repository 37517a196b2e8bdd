using System.Text.RegularExpressions;

namespace Timur.SystemTests;

/// <summary>
/// Judges code that runs where the runtime doesn't: between clone and execve, and in a signal handler. It may call its own methods and, through a
/// pointer, libc's syscall(2); it may look at nothing of the program but what is listed.
/// </summary>
internal sealed partial class BareCode(NativeCode code, string own, string[] data)
{
    /// <summary>Called when a method finds its stack overwritten: it ends the process.</summary>
    private const string StackGuard = "RhpFallbackFailFast";
    private const string GuardValue = "__security_cookie";
    private const string ContextRegister = "%rdi";

    private readonly HashSet<string> _seen = [];
    private readonly List<string> _faults = [];

    /// <summary>What is wrong with a function and with all that it calls.</summary>
    /// <param name="function">The symbol of the entry.</param>
    /// <param name="own">Prefix of the functions it may call.</param>
    /// <param name="data">The only variables, beside the stack guard's, that it may touch.</param>
    /// <param name="context">The entry's register with the context, if it has one; its other functions have it in rdi.</param>
    internal static (IReadOnlyCollection<string> Functions, IReadOnlyList<string> Faults) Judge(
        NativeCode code, string function, string own, string? context = null, params string[] data)
    {
        var judge = new BareCode(code, own, data);
        judge.Visit(function, context);
        return (judge._seen, judge._faults);
    }

    private void Visit(string function, string? context)
    {
        if (!_seen.Add(function))
        {
            return;
        }

        IReadOnlyList<Instruction> body = code.Disassemble(function);
        var flow = new PointerFlow(body, context, address => data.Contains(code.NameAt(address)) && code.IsStart(address));
        for (int i = 0; i < body.Count; i++)
        {
            Instruction instruction = body[i];
            bool branches = instruction.Operation.StartsWith("call", StringComparison.Ordinal) || instruction.Operation.Split(' ')[^1].StartsWith('j');
            if (instruction.Operands.StartsWith('*'))
            {
                if (!instruction.Operation.StartsWith("call", StringComparison.Ordinal) || !flow.CallsTheKernel(i))
                {
                    Fault(function, instruction, "goes to where a pointer says that isn't libc's syscall");
                }
            }
            else if (branches)
            {
                Follow(function, instruction, flow.Knows(i, ContextRegister, Holds.Context));
            }
            else
            {
                JudgeOperands(function, instruction);
            }
        }
    }

    private void Follow(string function, Instruction instruction, bool passesContext)
    {
        ulong target = instruction.Reference ?? 0;
        string name = code.NameAt(target);
        if (code.Contains(function, target) && !instruction.Operation.StartsWith("call", StringComparison.Ordinal))
        {
            return;
        }

        if (name.StartsWith(own, StringComparison.Ordinal))
        {
            Visit(name, ContextRegister);
            if (!passesContext)
            {
                Fault(function, instruction, "hands something else than the context to " + name);
            }
        }
        else if (name != StackGuard)
        {
            Fault(function, instruction, "goes to " + name);
        }
    }

    private void JudgeOperands(string function, Instruction instruction)
    {
        bool pads = instruction.Operation.StartsWith("nop", StringComparison.Ordinal) || instruction.Operation is "data16" or "cs" or "xchg";
        if (!pads && (instruction.Operands.Contains("%fs:") || instruction.Operands.Contains("%gs:")))
        {
            Fault(function, instruction, "touches a variable of the thread");
        }

        IEnumerable<ulong> addresses = ProgramNumber().Matches(instruction.Operands).Select(match => NativeCode.Hex(match.Groups[1].Value)).Where(code.IsInProgram);
        if (instruction.Reference is { } reference)
        {
            addresses = addresses.Append(reference);
        }

        foreach (string name in addresses.Select(code.NameAt).Where(name => name != GuardValue && !data.Contains(name)))
        {
            Fault(function, instruction, "touches " + name);
        }
    }

    private void Fault(string function, Instruction instruction, string what) => _faults.Add($"{function} {instruction}: {what}");

    [GeneratedRegex(@"(?<![0-9a-fx-])\$?0x([0-9a-f]+)(?!\(%rip|\(%r[bs]p)")]
    private static partial Regex ProgramNumber();
}
