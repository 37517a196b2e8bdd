using System.Runtime.InteropServices;
using System.Text;

namespace Timur.Kernel;

/// <summary>A zero-terminated UTF-8 string for the duration of one call; on the stack when it is short.</summary>
internal unsafe ref struct CString
{
    private byte* _allocated;

    /// <summary>Address of the first byte; never null.</summary>
    internal byte* Pointer { get; }

    /// <param name="text">What to pass; a NUL inside would cut it short and is refused.</param>
    /// <param name="buffer">Stack memory that is used when the text fits.</param>
    internal CString(string text, Span<byte> buffer)
    {
        if (text.Contains('\0'))
        {
            throw new ArgumentException($"'{text.Replace("\0", "\\0")}' contains a NUL byte");
        }

        int needed = Encoding.UTF8.GetMaxByteCount(text.Length) + 1;
        if (needed > buffer.Length)
        {
            _allocated = (byte*)NativeMemory.Alloc((nuint)needed);
            buffer = new Span<byte>(_allocated, needed);
        }

        int length = Encoding.UTF8.GetBytes(text, buffer);
        buffer[length] = 0;
        Pointer = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref buffer[0]);
    }

    public readonly long Address => (long)Pointer;

    public void Dispose()
    {
        NativeMemory.Free(_allocated);
        _allocated = null;
    }
}
