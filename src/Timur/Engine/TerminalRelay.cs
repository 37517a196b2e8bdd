using Timur.Kernel;

namespace Timur.Engine;

/// <summary>Connects this terminal with a pty of our own until the process at its other side ends.</summary>
public static class TerminalRelay
{
    private const int EndKey = 0;
    private const int InputKey = 1;
    private const int MasterKey = 2;
    private const int SignalKey = 3;

    /// <summary>Relays until <paramref name="process"/> ends; the terminal's mode is restored whatever happens.</summary>
    public static void Run(Fd master, Fd process, bool sendInput)
    {
        Fd input = Descriptors.Standard(0);
        Fd output = Descriptors.Standard(1);
        using TerminalMode? raw = sendInput ? Terminal.MakeRaw(input) : null;
        using var signals = new SignalPipe(Signals.WindowChange);
        using var epoll = new Epoll();
        epoll.Add(process, EndKey);
        epoll.Add(master, MasterKey);
        epoll.Add(signals.Descriptor, SignalKey);
        if (sendInput)
        {
            epoll.Add(input, InputKey);
        }

        byte[] buffer = new byte[16 * 1024];
        Span<(int Key, Ready Events)> events = stackalloc (int, Ready)[4];
        bool ended = false;
        while (!ended)
        {
            int count = epoll.Wait(events);
            for (int i = 0; i < count; i++)
            {
                switch (events[i].Key)
                {
                    case EndKey: ended = true; break;
                    case MasterKey when !Copy(master, output, buffer): epoll.Remove(master); break;
                    case InputKey when !Copy(input, master, buffer): epoll.Remove(input); break;
                    case SignalKey when signals.Next() == Signals.WindowChange && Terminal.Size(input) is { } size: Terminal.SetSize(master, size); break;
                }
            }
        }

        Descriptors.SetNonBlocking(master);
        while (Copy(master, output, buffer))
        {
        }
    }

    private static bool Copy(Fd from, Fd to, byte[] buffer)
    {
        int count = Files.TryRead(from, buffer, out _);
        return count > 0 && Files.TryWrite(to, buffer.AsSpan(0, count), out _);
    }
}
