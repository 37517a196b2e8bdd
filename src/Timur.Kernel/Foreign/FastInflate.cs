using System.Runtime.InteropServices;

namespace Timur.Kernel.Foreign;

/// <summary>
/// Decompresses gzip (RFC 1952), member by member, with Intel's ISA-L (igzip_lib.h) where the machine has it: in half of zlib's time. The library's state is a
/// structure that the caller keeps; of it only what stands at the offsets below is touched. They are those of the library's second binary interface, and
/// <see cref="IsAvailable"/> has tried them before anybody relies on them.
/// </summary>
public sealed unsafe class FastInflate : IDisposable
{
    /// <summary>Bytes to keep for a state; 87,368 in 2.30.</summary>
    private const int StateSize = 128 * 1024;

    /// <summary>ISAL_GZIP: with header and trailer, whose checksum and length are compared.</summary>
    private const uint Gzip = 1;

    /// <summary>ISAL_BLOCK_FINISH.</summary>
    private const int Finished = 5;

    private static readonly delegate* unmanaged<byte*, void> Initialise;
    private static readonly delegate* unmanaged<byte*, int> Inflate;

    private byte* _state = (byte*)NativeMemory.AllocZeroed(StateSize);

    static FastInflate()
    {
        if (NativeLibrary.TryLoad("libisal.so.2", out nint library)
            && NativeLibrary.TryGetExport(library, "isal_inflate_init", out nint initialise)
            && NativeLibrary.TryGetExport(library, "isal_inflate", out nint inflate))
        {
            Initialise = (delegate* unmanaged<byte*, void>)initialise;
            Inflate = (delegate* unmanaged<byte*, int>)inflate;
            IsAvailable = IsAsKnown();
        }
    }

    ~FastInflate() => NativeMemory.Free(_state);

    /// <summary>The library is there, and is as it is known; without it nothing else may be called.</summary>
    public static bool IsAvailable { get; }

    /// <summary>The input that follows begins a member.</summary>
    public void Begin()
    {
        Initialise(_state);
        *(uint*)(_state + Offset.Wrapping) = Gzip;
    }

    /// <summary>Goes on as far as input and room allow.</summary>
    /// <param name="taken">Bytes of the input that aren't needed again.</param>
    /// <param name="given">Bytes written to the output.</param>
    /// <param name="isFinished">The member has ended, and its checksum was right.</param>
    /// <returns>Whether the input isn't damaged.</returns>
    public bool Continue(ReadOnlySpan<byte> input, Span<byte> output, out int taken, out int given, out bool isFinished)
    {
        ObjectDisposedException.ThrowIf(_state == null, this);
        fixed (byte* from = input, to = output)
        {
            *(byte**)(_state + Offset.NextInput) = from;
            *(uint*)(_state + Offset.InputLeft) = (uint)input.Length;
            *(byte**)(_state + Offset.NextOutput) = to;
            *(uint*)(_state + Offset.OutputLeft) = (uint)output.Length;
            int result = Inflate(_state);
            taken = input.Length - (int)*(uint*)(_state + Offset.InputLeft);
            given = output.Length - (int)*(uint*)(_state + Offset.OutputLeft);
            isFinished = *(int*)(_state + Offset.BlockState) == Finished;
            GC.KeepAlive(this);
            return result >= 0;
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_state);
        _state = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Two letters in a fixed block, with the right checksum and with a wrong one.</summary>
    private static bool IsAsKnown()
    {
        byte[] member = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0xc8, 4, 0, 0xac, 0x2a, 0x93, 0xd8, 2, 0, 0, 0];
        bool isRight = IsRight(member, out bool isFinished) && isFinished;
        member[^5] ^= 1;
        return isRight && !IsRight(member, out _);
    }

    private static bool IsRight(byte[] member, out bool isFinished)
    {
        using var inflate = new FastInflate();
        Span<byte> output = stackalloc byte[8];
        inflate.Begin();
        return inflate.Continue(member, output, out int taken, out int given, out isFinished) && taken == member.Length && output[..given].SequenceEqual("hi"u8);
    }

    /// <summary>Bytes from the start of struct inflate_state.</summary>
    private static class Offset
    {
        internal const int NextOutput = 0;
        internal const int OutputLeft = 8;
        internal const int NextInput = 16;
        internal const int InputLeft = 32;
        internal const int BlockState = 21160;
        internal const int Wrapping = 21172;
    }
}
