using System.Runtime.InteropServices;

namespace Timur.Kernel;

/// <summary>
/// Bytes outside the collected heap, not cleared: only the pages that are written cost memory. For buffers that are large and mostly stay empty, in
/// processes that should be small.
/// </summary>
public sealed unsafe class NativeBuffer(int length) : IDisposable
{
    private byte* _bytes = (byte*)NativeMemory.Alloc((nuint)length);

    public Span<byte> Span => new(_bytes, _bytes is null ? 0 : length);

    public void Dispose()
    {
        NativeMemory.Free(_bytes);
        _bytes = null;
    }
}
