using Timur.Kernel;

namespace Timur.Engine;

/// <summary>Passes this process's signals on to another, which shares its standard streams, so that there is nothing to copy.</summary>
public static class SignalRelay
{
    /// <summary>Until the process ends; it isn't reaped.</summary>
    public static void Run(Fd process, ReadOnlySpan<int> forwarded)
    {
        using var signals = new SignalPipe(forwarded);
        using var epoll = new Epoll();
        epoll.Add(process, 0);
        epoll.Add(signals.Descriptor, 1);
        Span<(int Key, Ready Events)> events = stackalloc (int, Ready)[2];
        while (true)
        {
            int count = epoll.Wait(events);
            for (int i = 0; i < count; i++)
            {
                if (events[i].Key == 0)
                {
                    return;
                }

                int signal = signals.Next();
                if (signal > 0)
                {
                    Processes.TryKill(process, signal, out _);
                }
            }
        }
    }
}
