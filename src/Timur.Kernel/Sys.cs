using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Timur.Kernel;

/// <summary>
/// The one door to the kernel: syscall(2) with integer arguments. Typed wrappers (<see cref="Files"/>, <see cref="Mounts"/>, ...) are what the
/// other rooms use; only this assembly calls <see cref="Call"/>.
/// </summary>
internal static unsafe partial class Sys
{
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long RawSyscall(long number, long a0, long a1, long a2, long a3, long a4, long a5);

    /// <summary>Makes a system call; returns its result, or the negated errno.</summary>
    internal static long Call(int number, long a0 = 0, long a1 = 0, long a2 = 0, long a3 = 0, long a4 = 0, long a5 = 0)
    {
        long result = RawSyscall(number, a0, a1, a2, a3, a4, a5);
        return result == -1 ? -Marshal.GetLastPInvokeError() : result;
    }

    /// <summary>As <see cref="Call"/>, but starts again when a signal interrupted it.</summary>
    internal static long CallRetry(int number, long a0 = 0, long a1 = 0, long a2 = 0, long a3 = 0, long a4 = 0, long a5 = 0)
    {
        long result;
        do
        {
            result = Call(number, a0, a1, a2, a3, a4, a5);
        }
        while (result == -(int)Errno.EINTR);
        return result;
    }

    /// <summary>Throws for a negated errno, passes any other result on.</summary>
    internal static long Check(long result, string call, string? target = null)
        => result >= 0 ? result : throw new SyscallException(call, (Errno)(-result), target);

    /// <summary>The reason in a failed result, or <see cref="Errno.None"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Errno Why(long result) => result < 0 ? (Errno)(-result) : Errno.None;
}
