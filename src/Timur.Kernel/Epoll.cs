namespace Timur.Kernel;

/// <summary>Readiness of a descriptor (epoll_ctl(2)).</summary>
[Flags]
public enum Ready : uint
{
    None = 0, Read = 1, Write = 4, Error = 8, HangUp = 0x10, ReadHangUp = 0x2000,
}

/// <summary>epoll(7), level-triggered, for one thread.</summary>
public sealed unsafe class Epoll : IDisposable
{
    private readonly Fd _fd = new((int)Sys.Check(Sys.Call(Nr.epoll_create1, 0x80000), "epoll_create1"));

    // struct epoll_event is packed on x86-64: 12 bytes; 16 elsewhere.
    private static int EventSize => System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? 12 : 16;

    /// <summary>Watches a descriptor; <paramref name="key"/> comes back with its events.</summary>
    public void Add(Fd fd, int key, Ready interest = Ready.Read) => Control(1, fd, key, interest);

    /// <summary>The same; false for a file that is always ready, such as a regular one or the null device: epoll refuses those.</summary>
    public bool TryAdd(Fd fd, int key, Ready interest = Ready.Read)
    {
        long result = TryControl(1, fd, key, interest);
        if (result == -(int)Errno.EPERM)
        {
            return false;
        }

        Sys.Check(result, "epoll_ctl", fd.ProcPath);
        return true;
    }

    /// <summary>Changes what is watched.</summary>
    public void Change(Fd fd, int key, Ready interest) => Control(3, fd, key, interest);

    /// <summary>Stops watching; a descriptor that isn't watched is fine.</summary>
    public void Remove(Fd fd) => Sys.Call(Nr.epoll_ctl, _fd.Raw, 2, fd.Raw, 0);

    /// <summary>Waits for events; returns how many were stored. A negative time-out (milliseconds) waits for ever.</summary>
    public int Wait(Span<(int Key, Ready Events)> events, int timeoutMilliseconds = -1)
    {
        byte* buffer = stackalloc byte[16 * 16];
        int wanted = Math.Min(events.Length, 16);
        long count = Sys.Call(Nr.epoll_pwait, _fd.Raw, (long)buffer, wanted, timeoutMilliseconds, 0, 8);
        if (count == -(int)Errno.EINTR)
        {
            return 0;
        }

        Sys.Check(count, "epoll_pwait");
        for (int i = 0; i < count; i++)
        {
            byte* entry = buffer + (i * EventSize);
            events[i] = (*(int*)(entry + EventSize - 8), (Ready)(*(uint*)entry));
        }

        return (int)count;
    }

    public void Dispose() => _fd.Dispose();

    private void Control(int operation, Fd fd, int key, Ready interest) => Sys.Check(TryControl(operation, fd, key, interest), "epoll_ctl", fd.ProcPath);

    private long TryControl(int operation, Fd fd, int key, Ready interest)
    {
        byte* entry = stackalloc byte[16];
        *(uint*)entry = (uint)interest;
        *(long*)(entry + EventSize - 8) = key;
        return Sys.Call(Nr.epoll_ctl, _fd.Raw, operation, fd.Raw, (long)entry);
    }
}
