using System.Globalization;
using System.Text.RegularExpressions;

namespace Timur.SystemTests;

/// <summary>A machine instruction as objdump writes it.</summary>
internal sealed record Instruction(ulong Address, string Operation, string Operands, ulong? Reference)
{
    public override string ToString() => $"{Address:x}: {Operation} {Operands}";
}

/// <summary>The published binary's machine code and symbols (nm and objdump of binutils, x86-64 in AT&amp;T syntax).</summary>
internal sealed partial class NativeCode
{
    private readonly string _binary;
    private readonly Dictionary<string, (ulong Start, ulong Size)> _functions = [];
    private readonly Dictionary<ulong, string> _names = [];
    private readonly ulong[] _starts;

    internal NativeCode(string binary)
    {
        _binary = binary;
        foreach (Match line in SymbolLine().Matches(Output("nm", "--print-size", "--no-demangle", binary + ".dbg")))
        {
            ulong start = Hex(line.Groups[1].Value);
            string name = line.Groups[4].Value;
            _names.TryAdd(start, name);
            if (line.Groups[3].Value is "t" or "T" or "W" && line.Groups[2].Success)
            {
                _functions.TryAdd(name, (start, Hex(line.Groups[2].Value)));
            }
        }

        _starts = [.. _names.Keys.Order()];
    }

    internal IEnumerable<string> Functions => _functions.Keys;

    /// <summary>The symbol that an address belongs to.</summary>
    internal string NameAt(ulong address)
    {
        int at = Array.BinarySearch(_starts, address);
        return at >= 0 ? _names[address] : at == -1 ? "" : _names[_starts[~at - 1]];
    }

    /// <summary>Whether a symbol starts here.</summary>
    internal bool IsStart(ulong address) => _names.ContainsKey(address);

    /// <summary>Whether an address is in the program rather than a small number.</summary>
    internal bool IsInProgram(ulong address) => address >= _starts.First(start => start >= 0x1000) && address <= _starts[^1];

    internal bool Contains(string function, ulong address) => _functions[function] is var (start, size) && address >= start && address < start + size;

    /// <summary>Every instruction of a function.</summary>
    internal IReadOnlyList<Instruction> Disassemble(string function)
    {
        (ulong start, ulong size) = _functions[function];
        string text = Output("objdump", "-d", "--no-show-raw-insn", $"--start-address=0x{start:x}", $"--stop-address=0x{start + size:x}", _binary);
        return [.. InstructionLine().Matches(text).Select(Read)];
    }

    private static Instruction Read(Match line)
    {
        string operands = line.Groups[3].Value.Trim();
        ulong? reference = line.Groups[4].Success ? Hex(line.Groups[4].Value) : null;
        if (reference is null && BranchTarget().Match(operands) is { Success: true } branch)
        {
            reference = Hex(branch.Groups[1].Value);
        }

        return new Instruction(Hex(line.Groups[1].Value), line.Groups[2].Value, operands, reference);
    }

    private static string Output(string program, params string[] arguments)
    {
        Outcome outcome = TimurCommand.Execute(program, arguments);
        return outcome.Code == 0 ? outcome.Out : throw new InvalidOperationException(outcome.ToString());
    }

    internal static ulong Hex(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^([0-9a-f]+)(?: ([0-9a-f]+))? ([A-Za-z]) (\S+)$", RegexOptions.Multiline)]
    private static partial Regex SymbolLine();

    // 605d82:  mov 0x432117(%rip),%rbx   # a37ea0 <...>
    [GeneratedRegex(@"^\s+([0-9a-f]+):\s+((?:(?:rep|repz|repnz|lock|bnd|notrack|data16) )*\S+)([^#\n]*)(?:# ([0-9a-f]+).*)?$", RegexOptions.Multiline)]
    private static partial Regex InstructionLine();

    [GeneratedRegex("^([0-9a-f]+)(?: <|$)")]
    private static partial Regex BranchTarget();
}
