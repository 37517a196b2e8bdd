namespace Timur.Kernel;

/// <summary>getrandom(2), without loading a cryptography library.</summary>
public static unsafe class KernelRandom
{
    /// <summary>Fills the buffer (at most 256 bytes, which the kernel never cuts short) with random bytes.</summary>
    public static void Fill(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            Sys.Check(Sys.CallRetry(Nr.getrandom, (long)start, buffer.Length, 0), "getrandom");
        }
    }
}
