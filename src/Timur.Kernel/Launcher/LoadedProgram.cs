using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Timur.Kernel.Launcher;

/// <summary>A launch program in unmanaged memory, its offsets turned into addresses: what the child executes.</summary>
public sealed unsafe class LoadedProgram : IDisposable
{
    internal const int HeaderSize = 24;

    private byte* _memory;

    /// <param name="message">What <see cref="LaunchProgram.ToBytes"/> made.</param>
    public LoadedProgram(ReadOnlySpan<byte> message)
    {
        OpCount = BinaryPrimitives.ReadInt32LittleEndian(message);
        int textBytes = BinaryPrimitives.ReadInt32LittleEndian(message[4..]);
        int relocations = BinaryPrimitives.ReadInt32LittleEndian(message[8..]);
        NeedsParent = BinaryPrimitives.ReadInt32LittleEndian(message[12..]) != 0;
        Flags = (CloneFlags)BinaryPrimitives.ReadInt64LittleEndian(message[16..]);
        int body = (OpCount * sizeof(Op)) + textBytes;
        if (OpCount < 0 || textBytes < 0 || relocations < 0 || message.Length != HeaderSize + body + (relocations * 4))
        {
            throw new ArgumentException("the launch program's message is damaged");
        }

        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)body + 64, 64);
        message.Slice(HeaderSize, body).CopyTo(new Span<byte>(_memory, body));
        byte* text = _memory + (OpCount * sizeof(Op));
        for (int i = 0; i < OpCount; i++)
        {
            Op* op = Ops + i;
            for (int argument = 0; argument < 6; argument++)
            {
                if ((op->PointerMask & (1 << argument)) != 0)
                {
                    op->Arguments[argument] += (long)text;
                }
            }
        }

        ReadOnlySpan<byte> places = message[(HeaderSize + body)..];
        for (int i = 0; i < relocations; i++)
        {
            *(long*)(text + BinaryPrimitives.ReadInt32LittleEndian(places[(i * 4)..])) += (long)text;
        }
    }

    internal int OpCount { get; }

    internal CloneFlags Flags { get; }

    internal bool NeedsParent { get; }

    internal Op* Ops => (Op*)_memory;

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
