using System.Buffers.Binary;

namespace Timur.Tests.Seccomp;

/// <summary>What the kernel shows a filter: struct seccomp_data of linux/seccomp.h.</summary>
internal readonly record struct SystemCall(uint Architecture, uint Number, ulong[] Arguments)
{
    internal uint Word(uint offset) => offset switch
    {
        0 => Number,
        4 => Architecture,
        8 or 12 => 0,
        >= 16 and < 64 when offset % 8 == 0 => (uint)Arguments[(offset - 16) / 8],
        >= 16 and < 64 when offset % 4 == 0 => (uint)(Arguments[(offset - 16) / 8] >> 32),
        _ => throw new InvalidOperationException($"a load at offset {offset}"),
    };

    public override string ToString() => $"arch {Architecture:x}, call {Number:x} ({string.Join(", ", Arguments.Select(value => value.ToString("x")))})";
}

/// <summary>
/// An interpreter of classic BPF (linux/filter.h) that takes what the kernel's checker would take of a seccomp filter: forward jumps inside the program,
/// aligned loads inside the data, a return at the end of every way.
/// </summary>
internal sealed class FilterProgram
{
    private readonly (ushort Code, byte WhenTrue, byte WhenFalse, uint K)[] _code;

    /// <param name="bytes">An array of struct sock_filter.</param>
    internal FilterProgram(ReadOnlySpan<byte> bytes)
    {
        _code = new (ushort, byte, byte, uint)[bytes.Length / 8];
        for (int i = 0; i < _code.Length; i++)
        {
            ReadOnlySpan<byte> one = bytes[(i * 8)..];
            _code[i] = (BinaryPrimitives.ReadUInt16LittleEndian(one), one[2], one[3], BinaryPrimitives.ReadUInt32LittleEndian(one[4..]));
        }
    }

    internal int Length => _code.Length;

    /// <summary>The SECCOMP_RET_* value.</summary>
    internal uint Run(SystemCall call)
    {
        uint accumulator = 0;
        for (int at = 0; ;)
        {
            (ushort code, byte whenTrue, byte whenFalse, uint k) = _code[at++];
            switch (code)
            {
                case 0x20: accumulator = call.Word(k); break;
                case 0x54: accumulator &= k; break;
                case 0x05: at += checked((int)k); break;
                case 0x15: at += accumulator == k ? whenTrue : whenFalse; break;
                case 0x25: at += accumulator > k ? whenTrue : whenFalse; break;
                case 0x35: at += accumulator >= k ? whenTrue : whenFalse; break;
                case 0x45: at += (accumulator & k) != 0 ? whenTrue : whenFalse; break;
                case 0x06: return k;
                default: throw new InvalidOperationException($"instruction {code:x} at {at - 1}");
            }
        }
    }
}
