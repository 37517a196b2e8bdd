using Timur.Kernel;

namespace Timur.Engine;

/// <summary>Connects this terminal with a pty of our own until the process at its other side ends.</summary>
public static class TerminalRelay
{
    private const int EndKey = 0;
    private const int InputKey = 1;
    private const int MasterKey = 2;
    private const int SignalKey = 3;

    /// <summary>So much of a file goes to a terminal that says it takes more: it never blocks on that.</summary>
    private const int FilePortion = 256;

    /// <summary>Relays until <paramref name="process"/> ends; the terminal's mode is restored whatever happens.</summary>
    /// <param name="keepOutput">This terminal goes on treating line feeds as it does: the pty's don't come as two bytes.</param>
    public static void Run(Fd master, Fd process, bool sendInput, bool keepOutput = false)
    {
        Fd input = Descriptors.Standard(0);
        Fd output = Descriptors.Standard(1);
        using TerminalMode? raw = sendInput ? Terminal.MakeRaw(input, keepOutput) : null;
        using var signals = new SignalPipe(Signals.WindowChange);
        using var epoll = new Epoll();
        epoll.Add(process, EndKey);
        epoll.Add(signals.Descriptor, SignalKey);
        bool isFile = sendInput && !epoll.TryAdd(input, InputKey);
        epoll.Add(master, MasterKey, isFile ? Ready.Read | Ready.Write : Ready.Read);
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
                    case MasterKey:
                        if ((events[i].Events & ~Ready.Write) != 0 && !Copy(master, output, buffer))
                        {
                            epoll.Remove(master);
                        }
                        else if ((events[i].Events & Ready.Write) != 0 && !Copy(input, master, buffer.AsSpan(0, FilePortion)))
                        {
                            epoll.Change(master, MasterKey, Ready.Read);
                        }

                        break;
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

    private static bool Copy(Fd from, Fd to, Span<byte> buffer)
    {
        int count = Files.TryRead(from, buffer, out _);
        return count > 0 && Files.TryWrite(to, buffer[..count], out _);
    }
}
