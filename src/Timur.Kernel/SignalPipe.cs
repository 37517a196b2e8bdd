using System.Runtime.InteropServices;

namespace Timur.Kernel;

/// <summary>
/// Signals to this process as bytes in a pipe that can be polled. A signalfd(2) isn't enough: the kernel gives a signal to any thread that doesn't block
/// it, and the runtime's finalizer thread exists before our first line. The runtime's own registration would work too, but starts two more threads.
/// One per process at a time.
/// </summary>
public sealed unsafe partial class SignalPipe : IDisposable
{
    // glibc's struct sigaction: the handler, 128 bytes of mask, the flags, the restorer.
    private const int ActionSize = 152;
    private const int MaskOffset = 8;
    private const int FlagsOffset = 136;
    private const int Restart = 0x10000000;

    private static delegate*<long, long, long, long, long, long, long, long> _systemCall;
    private static long _write;
    private static long _pipe;

    private readonly Fd _read;
    private readonly Fd _end;
    private readonly int[] _signals;

    public SignalPipe(params ReadOnlySpan<int> signals)
    {
        (_read, _end) = Sockets.Pipe(nonBlocking: true);
        _signals = signals.ToArray();
        fixed (byte* name = "syscall\0"u8)
        {
            _systemCall = (delegate*<long, long, long, long, long, long, long, long>)dlsym(0, name);
        }

        _write = Nr.write;
        _pipe = _end.Raw;
        Register((nint)(delegate*<int, void>)&Note);
    }

    /// <summary>Becomes readable when a signal came.</summary>
    public Fd Descriptor => _read;

    /// <summary>The next signal that came, or 0.</summary>
    public int Next()
    {
        Span<byte> number = stackalloc byte[1];
        return Files.TryRead(_read, number, out _) == 1 ? number[0] : 0;
    }

    /// <summary>The signals do again what they did by default.</summary>
    public void Dispose()
    {
        Register(0);
        _read.Dispose();
        _end.Dispose();
    }

    /// <summary>
    /// The handler: an ordinary method whose one call is libc's syscall(2), by managed convention. It may therefore interrupt the runtime anywhere: it
    /// allocates nothing, changes no thread's mode, and as every signal is blocked while it runs, the runtime can't stop the thread inside it.
    /// </summary>
    private static void Note(int signal)
    {
        byte number = (byte)signal;
        _systemCall(_write, _pipe, (long)&number, 1, 0, 0, 0);
    }

    private void Register(nint handler)
    {
        byte* action = stackalloc byte[ActionSize];
        new Span<byte>(action, ActionSize).Clear();
        *(nint*)action = handler;
        new Span<byte>(action + MaskOffset, 8).Fill(0xff);
        *(int*)(action + FlagsOffset) = Restart;
        foreach (int signal in _signals)
        {
            if (sigaction(signal, action, null) != 0)
            {
                throw new SyscallException("sigaction", (Errno)Marshal.GetLastPInvokeError(), Signals.Name(signal));
            }
        }
    }

    [LibraryImport("libc")]
    private static partial void* dlsym(nint handle, byte* name);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sigaction(int signal, byte* action, byte* old);
}
